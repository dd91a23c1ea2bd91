"""Functions of os as coroutine functions.

The engine does what they ask for: what the kernel has in its cache is answered
at once, all else by a native thread, in one trip.  Each takes two keywords
besides its own parameters:

loop: the event loop; with one that is not the running one, and
executor: with an executor (of concurrent.futures), the function of os itself
    is run there.

A wrong argument raises what the function of os raises.
"""

from __future__ import annotations

import os

from . import _folders, _links, ospath as path
from ._calls import answer, at_once, native
from ._folders import listdir, makedirs, mkdir, removedirs, rmdir, scandir
from ._links import (
    readlink,
    remove,
    rename,
    renames,
    replace,
    symlink,
    unlink,
)
from ._walk import walk
from .base import wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from concurrent.futures import Executor
    from typing import Any

    from _typeshed import (
        FileDescriptorLike,
        FileDescriptorOrPath,
        StrOrBytesPath,
    )

__all__: tuple[str, ...] = (
    "access",
    "chmod",
    "chown",
    "fdatasync",
    "fstat",
    "fsync",
    "getcwd",
    "listdir",
    "lstat",
    "makedirs",
    "mkdir",
    "path",
    "readlink",
    "remove",
    "removedirs",
    "rename",
    "renames",
    "replace",
    "rmdir",
    "scandir",
    "stat",
    "symlink",
    "truncate",
    "unlink",
    "utime",
    "walk",
    "wrap",
)


async def access(
    path: StrOrBytesPath,
    mode: int,
    *,
    dir_fd: int | None = None,
    effective_ids: bool = False,
    follow_symlinks: bool = True,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> bool:
    """Tell whether the process may use a file, as os.access does.

    path: str, bytes or PathLike.
    mode: os.F_OK, or os.R_OK, os.W_OK and os.X_OK joined by `|`.
    dir_fd: the directory, as a descriptor, that a relative path starts from.
    effective_ids: ask for the effective user and group, not the real ones.
    follow_symlinks: False for a link itself, not what it leads to.
    Returns a bool; what fails is False.  See access(2).
    """
    return await answer(
        loop,
        executor,
        native.os_access,
        (path, mode, dir_fd, effective_ids, follow_symlinks),
        os.access,
        path,
        mode,
        dir_fd=dir_fd,
        effective_ids=effective_ids,
        follow_symlinks=follow_symlinks,
    )


async def chmod(
    path: FileDescriptorOrPath,
    mode: int,
    *,
    dir_fd: int | None = None,
    follow_symlinks: bool = True,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Set the permissions of a file, as os.chmod does.

    path: str, bytes, PathLike or an open descriptor.
    mode: the bits of the permissions, as in 0o644.
    dir_fd: the directory, as a descriptor, that a relative path starts from.
    follow_symlinks: False for a link itself, not what it leads to.
    Returns None.
    Raises OSError as os.chmod does; see chmod(2).
    """
    return await answer(
        loop,
        executor,
        native.os_chmod,
        (path, mode, dir_fd, follow_symlinks),
        os.chmod,
        path,
        mode,
        dir_fd=dir_fd,
        follow_symlinks=follow_symlinks,
    )


async def chown(
    path: FileDescriptorOrPath,
    uid: int,
    gid: int,
    *,
    dir_fd: int | None = None,
    follow_symlinks: bool = True,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Set the owner and the group of a file, as os.chown does.

    path: str, bytes, PathLike or an open descriptor.
    uid, gid: their numbers; -1 leaves one as it is.
    dir_fd: the directory, as a descriptor, that a relative path starts from.
    follow_symlinks: False for a link itself, not what it leads to.
    Returns None.
    Raises OSError as os.chown does; see chown(2).
    """
    return await answer(
        loop,
        executor,
        native.os_chown,
        (path, uid, gid, dir_fd, follow_symlinks),
        os.chown,
        path,
        uid,
        gid,
        dir_fd=dir_fd,
        follow_symlinks=follow_symlinks,
    )


async def fdatasync(
    fd: FileDescriptorLike,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Have the data of a file written to its disk, as os.fdatasync does.

    fd: an open descriptor, or an object with fileno().
    Returns None.
    Raises OSError as os.fdatasync does; see fdatasync(2).
    """
    return await answer(
        loop,
        executor,
        native.os_fdatasync,
        (fd,),
        os.fdatasync,
        fd,
    )


async def fstat(
    fd: int,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> os.stat_result:
    """Return what is known of an open file, as os.fstat does.

    fd: an open descriptor.
    Returns an os.stat_result: sizes in bytes, times in seconds and, in the
    fields that end in _ns, nanoseconds.
    Raises OSError as os.fstat does; see stat(2).
    """
    return await answer(
        loop,
        executor,
        native.os_fstat,
        (fd,),
        os.fstat,
        fd,
    )


async def fsync(
    fd: FileDescriptorLike,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Have a file written to its disk, as os.fsync does.

    fd: an open descriptor, or an object with fileno().
    Returns None.
    Raises OSError as os.fsync does; see fsync(2).
    """
    return await answer(
        loop,
        executor,
        native.os_fsync,
        (fd,),
        os.fsync,
        fd,
    )


async def getcwd(
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> str:
    """Return the current directory, as os.getcwd does.

    Returns a str.
    Raises OSError as os.getcwd does; see getcwd(3).
    """
    return await answer(
        loop,
        executor,
        native.os_getcwd,
        (),
        os.getcwd,
    )


async def lstat(
    path: StrOrBytesPath,
    *,
    dir_fd: int | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> os.stat_result:
    """Return what is known of a file or of a link itself, as os.lstat does.

    path: str, bytes or PathLike.
    dir_fd: the directory, as a descriptor, that a relative path starts from.
    Returns an os.stat_result: sizes in bytes, times in seconds and, in the
    fields that end in _ns, nanoseconds.
    Raises OSError as os.lstat does; see stat(2).
    """
    return await answer(
        loop,
        executor,
        native.os_lstat,
        (path, dir_fd),
        os.lstat,
        path,
        dir_fd=dir_fd,
    )


async def stat(
    path: FileDescriptorOrPath,
    *,
    dir_fd: int | None = None,
    follow_symlinks: bool = True,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> os.stat_result:
    """Return what is known of a file, as os.stat does.

    path: str, bytes, PathLike or an open descriptor.
    dir_fd: the directory, as a descriptor, that a relative path starts from.
    follow_symlinks: False for a link itself, not what it leads to.
    Returns an os.stat_result: sizes in bytes, times in seconds and, in the
    fields that end in _ns, nanoseconds.
    Raises OSError as os.stat does; see stat(2).
    """
    return await answer(
        loop,
        executor,
        native.os_stat,
        (path, dir_fd, follow_symlinks),
        os.stat,
        path,
        dir_fd=dir_fd,
        follow_symlinks=follow_symlinks,
    )


async def truncate(
    path: FileDescriptorOrPath,
    length: int,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Set the size of a file, as os.truncate does.

    path: str, bytes, PathLike or an open descriptor.
    length: its size in bytes from then on.
    Returns None.
    Raises OSError as os.truncate does; see truncate(2).
    """
    return await answer(
        loop,
        executor,
        native.os_truncate,
        (path, length),
        os.truncate,
        path,
        length,
    )


async def utime(
    path: FileDescriptorOrPath,
    times: tuple[float, float] | None = None,
    *,
    ns: tuple[int, int] | None = None,
    dir_fd: int | None = None,
    follow_symlinks: bool = True,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Set the times of the last access and change, as os.utime does.

    path: str, bytes, PathLike or an open descriptor.
    times: the two in seconds since the epoch; None for now.
    ns: the two in nanoseconds, in the place of times.
    dir_fd: the directory, as a descriptor, that a relative path starts from.
    follow_symlinks: False for a link itself, not what it leads to.
    Returns None.
    Raises OSError as os.utime does; see utimensat(2).
    """
    given: dict[str, Any] = {} if ns is None else {"ns": ns}
    return await answer(
        loop,
        executor,
        # What rounding makes of seconds is for os to say.
        native.os_utime if times is None else _decline,
        (path, ns, dir_fd, follow_symlinks),
        os.utime,
        path,
        *(() if times is None else (times,)),
        dir_fd=dir_fd,
        follow_symlinks=follow_symlinks,
        **given,
    )


def _decline(*args: Any) -> Any:
    return NotImplemented


if hasattr(os, "link"):
    __all__ += ("link",)
    from ._links import link


if hasattr(os, "statvfs"):
    __all__ += ("statvfs",)

    async def statvfs(
        path: FileDescriptorOrPath,
        *,
        loop: AbstractEventLoop | None = None,
        executor: Executor | None = None,
    ) -> os.statvfs_result:
        """Return what is known of a file's file system, as os.statvfs does.

        path: str, bytes, PathLike or an open descriptor.
        Returns an os.statvfs_result; sizes are in blocks of f_frsize bytes.
        Raises OSError as os.statvfs does; see statvfs(3).
        """
        return await answer(
            loop,
            executor,
            native.os_statvfs,
            (path,),
            os.statvfs,
            path,
        )


if hasattr(os, "sendfile"):
    __all__ += ("sendfile",)
    from ._sendfile import sendfile


# They are of this module for whoever asks, as pickle does.
for _home in (_folders, _links):
    for _name in _home.__all__:
        getattr(_home, _name).__module__ = __name__


at_once(
    globals(),
    "access",
    "fstat",
    "getcwd",
    "lstat",
    "stat",
)
