"""The functions of os that give files their names, and take them away."""

from __future__ import annotations

import os

from ._calls import answer, native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from concurrent.futures import Executor
    from typing import Any

    from _typeshed import StrOrBytesPath

__all__: tuple[str, ...] = (
    "readlink",
    "remove",
    "rename",
    "renames",
    "replace",
    "symlink",
    "unlink",
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
