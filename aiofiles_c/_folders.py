"""The functions of os that make, read and remove directories."""

from __future__ import annotations

import os

from ._calls import answer, native
from ._entries import read_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from concurrent.futures import Executor
    from typing import Any

    from _typeshed import FileDescriptorOrPath, StrOrBytesPath

__all__ = (
    "listdir",
    "makedirs",
    "mkdir",
    "removedirs",
    "rmdir",
    "scandir",
)


async def listdir(
    path: FileDescriptorOrPath | None = None,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> list[Any]:
    """Return the names in a directory, as os.listdir does.

    path: str, bytes, PathLike, an open descriptor, or None for the current
        directory.
    Returns a list of bytes if path is bytes, else of str, in no order and
    without "." and "..".  The directory is read in one trip to a thread.
    Raises OSError as os.listdir does; see readdir(3).
    """
    return await answer(
        loop,
        executor,
        native.os_listdir,
        (path,),
        os.listdir,
        path,
    )


async def makedirs(
    name: StrOrBytesPath,
    mode: int = 0o777,
    exist_ok: bool = False,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Make a directory and those above it, as os.makedirs does.

    name: str, bytes or PathLike.
    mode: the permissions of the last one, less the umask.
    exist_ok: whether it is no error that the directory is there.
    Returns None.  It is one trip to a thread.
    Raises OSError as os.makedirs does; see mkdir(2).
    Auditing: os.mkdir for the name comes first, those for the directories
    above it, once they are made.
    """
    return await answer(
        loop,
        executor,
        native.os_makedirs,
        (name, mode, exist_ok),
        os.makedirs,
        name,
        mode,
        exist_ok,
    )


async def mkdir(
    path: StrOrBytesPath,
    mode: int = 0o777,
    *,
    dir_fd: int | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Make a directory, as os.mkdir does.

    path: str, bytes or PathLike.
    mode: its permissions, less the umask.
    dir_fd: the directory, as a descriptor, that a relative path starts from.
    Returns None.
    Raises OSError as os.mkdir does; see mkdir(2).
    """
    return await answer(
        loop,
        executor,
        native.os_mkdir,
        (path, mode, dir_fd),
        os.mkdir,
        path,
        mode,
        dir_fd=dir_fd,
    )


async def removedirs(
    name: StrOrBytesPath,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Remove a directory and those above it that are empty then.

    name: str, bytes or PathLike.
    Returns None.  It is one trip to a thread.
    Raises OSError as os.removedirs does, if name itself cannot be removed.
    Auditing: os.rmdir for the name comes first, those for the directories
    above it, once they were tried.
    """
    return await answer(
        loop,
        executor,
        native.os_removedirs,
        (name,),
        os.removedirs,
        name,
    )


async def rmdir(
    path: StrOrBytesPath,
    *,
    dir_fd: int | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Remove an empty directory, as os.rmdir does.

    path: str, bytes or PathLike.
    dir_fd: the directory, as a descriptor, that a relative path starts from.
    Returns None.
    Raises OSError as os.rmdir does; see rmdir(2).
    """
    return await answer(
        loop,
        executor,
        native.os_rmdir,
        (path, dir_fd),
        os.rmdir,
        path,
        dir_fd=dir_fd,
    )


async def scandir(
    path: FileDescriptorOrPath | None = None,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> Any:
    """Return the entries of a directory, as os.scandir does.

    path: str, bytes, PathLike, an open descriptor, or None for the current
        directory.
    Returns an iterator for `for` and `async for`, which is a context manager
    for `with` and `async with` too.  The whole directory has been read by
    then, in one trip to a thread.  An entry has the attributes and methods of
    os.DirEntry; is_dir(), is_file() and is_symlink() answer from memory but
    for links that are to be followed.
    Raises OSError as os.scandir does; see readdir(3).
    """
    return await answer(
        loop,
        executor,
        native.os_scandir,
        (path,),
        read_entries,
        path,
    )
