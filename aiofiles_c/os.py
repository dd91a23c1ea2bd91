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

from . import ospath as path
from ._calls import Operation, answer, delegate, native, running
from ._entries import read_entries
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
    if executor is None and (loop is None or loop is running()):
        found = native.os_access(
            path, mode, dir_fd, effective_ids, follow_symlinks
        )
        if type(found) is Operation:
            return await found
        if found is not NotImplemented:
            return found
    return await delegate(
        loop,
        executor,
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
    if executor is None and (loop is None or loop is running()):
        found = native.os_fstat(fd)
        if type(found) is Operation:
            return await found
        if found is not NotImplemented:
            return found
    return await delegate(loop, executor, os.fstat, fd)


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
    if executor is None and (loop is None or loop is running()):
        found = native.os_getcwd()
        if type(found) is Operation:
            return await found
        if found is not NotImplemented:
            return found
    return await delegate(loop, executor, os.getcwd)


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
    if executor is None and (loop is None or loop is running()):
        found = native.os_lstat(path, dir_fd)
        if type(found) is Operation:
            return await found
        if found is not NotImplemented:
            return found
    return await delegate(loop, executor, os.lstat, path, dir_fd=dir_fd)


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


async def readlink(
    path: StrOrBytesPath,
    *,
    dir_fd: int | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> Any:
    """Return what a symbolic link leads to, as os.readlink does.

    path: str, bytes or PathLike.
    dir_fd: the directory, as a descriptor, that a relative path starts from.
    Returns bytes if path is bytes, else a str.
    Raises OSError as os.readlink does; see readlink(2).
    """
    return await answer(
        loop,
        executor,
        native.os_readlink,
        (path, dir_fd),
        os.readlink,
        path,
        dir_fd=dir_fd,
    )


async def remove(
    path: StrOrBytesPath,
    *,
    dir_fd: int | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Remove a file, as os.remove does.

    path: str, bytes or PathLike.
    dir_fd: the directory, as a descriptor, that a relative path starts from.
    Returns None.
    Raises OSError as os.remove does; see unlink(2).
    """
    return await answer(
        loop,
        executor,
        native.os_remove,
        (path, dir_fd),
        os.remove,
        path,
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


async def rename(
    src: StrOrBytesPath,
    dst: StrOrBytesPath,
    *,
    src_dir_fd: int | None = None,
    dst_dir_fd: int | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Give a file or a directory another name, as os.rename does.

    src, dst: str, bytes or PathLike; a file at dst is replaced.
    src_dir_fd, dst_dir_fd: directories, as descriptors, that relative
        paths start from.
    Returns None.
    Raises OSError as os.rename does; see rename(2).
    """
    return await answer(
        loop,
        executor,
        native.os_rename,
        (src, dst, src_dir_fd, dst_dir_fd),
        os.rename,
        src,
        dst,
        src_dir_fd=src_dir_fd,
        dst_dir_fd=dst_dir_fd,
    )


async def renames(
    old: StrOrBytesPath,
    new: StrOrBytesPath,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Rename, making directories and removing empty ones, as os.renames does.

    old, new: str, bytes or PathLike.
    Returns None.  It is one trip to a thread.
    Raises OSError as os.renames does; see rename(2).
    Auditing: os.rename comes first, os.mkdir and os.rmdir once it is done.
    """
    return await answer(
        loop,
        executor,
        native.os_renames,
        (old, new),
        os.renames,
        old,
        new,
    )


async def replace(
    src: StrOrBytesPath,
    dst: StrOrBytesPath,
    *,
    src_dir_fd: int | None = None,
    dst_dir_fd: int | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Give a file another name, replacing what is there, as os.replace does.

    src, dst: str, bytes or PathLike.
    src_dir_fd, dst_dir_fd: directories, as descriptors, that relative
        paths start from.
    Returns None.
    Raises OSError as os.replace does; see rename(2).
    """
    return await answer(
        loop,
        executor,
        native.os_replace,
        (src, dst, src_dir_fd, dst_dir_fd),
        os.replace,
        src,
        dst,
        src_dir_fd=src_dir_fd,
        dst_dir_fd=dst_dir_fd,
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
    if executor is None and (loop is None or loop is running()):
        found = native.os_stat(path, dir_fd, follow_symlinks)
        if type(found) is Operation:
            return await found
        if found is not NotImplemented:
            return found
    return await delegate(
        loop,
        executor,
        os.stat,
        path,
        dir_fd=dir_fd,
        follow_symlinks=follow_symlinks,
    )


async def symlink(
    src: StrOrBytesPath,
    dst: StrOrBytesPath,
    target_is_directory: bool = False,
    *,
    dir_fd: int | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Make a symbolic link at dst that leads to src, as os.symlink does.

    src, dst: str, bytes or PathLike.
    target_is_directory: of no account but on Windows.
    dir_fd: the directory, as a descriptor, that a relative dst starts from.
    Returns None.
    Raises OSError as os.symlink does; see symlink(2).
    """
    return await answer(
        loop,
        executor,
        native.os_symlink,
        (src, dst, dir_fd),
        os.symlink,
        src,
        dst,
        target_is_directory,
        dir_fd=dir_fd,
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


async def unlink(
    path: StrOrBytesPath,
    *,
    dir_fd: int | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Remove a file, as os.unlink does.

    path: str, bytes or PathLike.
    dir_fd: the directory, as a descriptor, that a relative path starts from.
    Returns None.
    Raises OSError as os.unlink does; see unlink(2).
    """
    return await answer(
        loop,
        executor,
        native.os_unlink,
        (path, dir_fd),
        os.unlink,
        path,
        dir_fd=dir_fd,
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

    # Later Pythons follow a link also where link(2) does not; their signature
    # says so.
    _LINK_FOLLOWS = "os.name" in (
        getattr(os.link, "__text_signature__", None) or ""
    )

    async def link(
        src: StrOrBytesPath,
        dst: StrOrBytesPath,
        *,
        src_dir_fd: int | None = None,
        dst_dir_fd: int | None = None,
        follow_symlinks: bool = True,
        loop: AbstractEventLoop | None = None,
        executor: Executor | None = None,
    ) -> None:
        """Make a second name for a file, as os.link does.

        src, dst: str, bytes or PathLike.
        src_dir_fd, dst_dir_fd: directories, as descriptors, that relative
            paths start from.
        follow_symlinks: False for a link itself, not what it leads to.
        Returns None.
        Raises OSError as os.link does; see link(2).
        """
        return await answer(
            loop,
            executor,
            native.os_linkat if _LINK_FOLLOWS else native.os_link,
            (src, dst, src_dir_fd, dst_dir_fd, follow_symlinks),
            os.link,
            src,
            dst,
            src_dir_fd=src_dir_fd,
            dst_dir_fd=dst_dir_fd,
            follow_symlinks=follow_symlinks,
        )


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
