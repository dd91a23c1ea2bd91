"""Functions of os.path as coroutine functions.

As in aiofiles_c.os the engine answers them, and `loop` and `executor` are
keywords of each.
"""

from __future__ import annotations

import os

from ._calls import Operation, answer, at_once, delegate, native, running
from .base import wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from concurrent.futures import Executor
    from typing import Any

    from _typeshed import FileDescriptorOrPath, StrOrBytesPath

__all__ = (
    "abspath",
    "exists",
    "getatime",
    "getctime",
    "getmtime",
    "getsize",
    "isdir",
    "isfile",
    "islink",
    "ismount",
    "samefile",
    "sameopenfile",
    "wrap",
)


async def abspath(
    path: StrOrBytesPath,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> Any:
    """Return a path that starts at the root, as os.path.abspath does.

    path: str, bytes or PathLike.
    Returns bytes if path is bytes, else a str.
    Raises OSError as os.getcwd does, if path is relative.
    """
    if executor is not None or not (loop is None or loop is running()):
        return await delegate(loop, executor, os.path.abspath, path)
    path = os.fspath(path)
    if not os.path.isabs(path):
        if isinstance(path, bytes):
            found = native.os_getcwdb()
        else:
            found = native.os_getcwd()
        if type(found) is Operation:
            found = await found
        if found is NotImplemented:
            return await delegate(loop, executor, os.path.abspath, path)
        path = os.path.join(found, path)
    return os.path.normpath(path)


async def exists(
    path: FileDescriptorOrPath,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> bool:
    """Tell whether a path leads to something.

    path: str, bytes, PathLike or an open descriptor.
    Returns a bool; what cannot be found out is False.
    """
    return await answer(
        loop,
        executor,
        native.path_exists,
        (path,),
        os.path.exists,
        path,
    )


async def getatime(
    filename: FileDescriptorOrPath,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> float:
    """Return the time of the last access to a file.

    filename: str, bytes, PathLike or an open descriptor.
    Returns a float, in seconds since the epoch.
    Raises OSError as os.stat does; see stat(2).
    """
    return await answer(
        loop,
        executor,
        native.path_getatime,
        (filename,),
        os.path.getatime,
        filename,
    )


async def getctime(
    filename: FileDescriptorOrPath,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> float:
    """Return the time of the last change to a file's metadata.

    filename: str, bytes, PathLike or an open descriptor.
    Returns a float, in seconds since the epoch.
    Raises OSError as os.stat does; see stat(2).
    """
    return await answer(
        loop,
        executor,
        native.path_getctime,
        (filename,),
        os.path.getctime,
        filename,
    )


async def getmtime(
    filename: FileDescriptorOrPath,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> float:
    """Return the time of the last change to a file.

    filename: str, bytes, PathLike or an open descriptor.
    Returns a float, in seconds since the epoch.
    Raises OSError as os.stat does; see stat(2).
    """
    return await answer(
        loop,
        executor,
        native.path_getmtime,
        (filename,),
        os.path.getmtime,
        filename,
    )


async def getsize(
    filename: FileDescriptorOrPath,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> int:
    """Return the size of a file.

    filename: str, bytes, PathLike or an open descriptor.
    Returns an int, in bytes.
    Raises OSError as os.stat does; see stat(2).
    """
    return await answer(
        loop,
        executor,
        native.path_getsize,
        (filename,),
        os.path.getsize,
        filename,
    )


async def isdir(
    s: FileDescriptorOrPath,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> bool:
    """Tell whether a path leads to a directory.

    s: str, bytes, PathLike or an open descriptor.
    Returns a bool; what cannot be found out is False.
    """
    return await answer(
        loop,
        executor,
        native.path_isdir,
        (s,),
        os.path.isdir,
        s,
    )


async def isfile(
    path: FileDescriptorOrPath,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> bool:
    """Tell whether a path leads to a regular file.

    path: str, bytes, PathLike or an open descriptor.
    Returns a bool; what cannot be found out is False.
    """
    return await answer(
        loop,
        executor,
        native.path_isfile,
        (path,),
        os.path.isfile,
        path,
    )


async def islink(
    path: StrOrBytesPath,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> bool:
    """Tell whether a path is a symbolic link.

    path: str, bytes or PathLike.
    Returns a bool; what cannot be found out is False.
    """
    return await answer(
        loop,
        executor,
        native.path_islink,
        (path,),
        os.path.islink,
        path,
    )


async def ismount(
    path: StrOrBytesPath,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> bool:
    """Tell whether a file system is mounted at a path.

    path: str, bytes or PathLike.
    Returns a bool; what cannot be found out is False.
    """
    return await answer(
        loop,
        executor,
        native.path_ismount,
        (path,),
        os.path.ismount,
        path,
    )


async def samefile(
    f1: FileDescriptorOrPath,
    f2: FileDescriptorOrPath,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> bool:
    """Tell whether two paths lead to one file, as os.path.samefile does.

    f1, f2: str, bytes, PathLike or open descriptors.
    Returns a bool.
    Raises OSError as os.stat does; see stat(2).
    """
    return await answer(
        loop,
        executor,
        native.path_samefile,
        (f1, f2),
        os.path.samefile,
        f1,
        f2,
    )


async def sameopenfile(
    fp1: int,
    fp2: int,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> bool:
    """Tell whether two descriptors are of one file.

    fp1, fp2: open descriptors.
    Returns a bool.
    Raises OSError as os.fstat does; see stat(2).
    """
    return await answer(
        loop,
        executor,
        native.path_sameopenfile,
        (fp1, fp2),
        os.path.sameopenfile,
        fp1,
        fp2,
    )


at_once(
    globals(),
    "exists",
    "getatime",
    "getctime",
    "getmtime",
    "getsize",
    "isdir",
    "isfile",
    "islink",
    "samefile",
    "sameopenfile",
)
