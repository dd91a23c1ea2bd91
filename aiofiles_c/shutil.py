"""Functions of shutil as coroutine functions.

Files are copied by the engine, in native threads: by reference where the file
system can, else within the kernel, else by large pieces.  All else is done by
the functions of shutil themselves, in an executor.  Each takes further
keywords besides its own parameters:

progress: for those that copy; called as progress(done_bytes, total_bytes) on
    the thread of the event loop, now and then and at the end.  What it raises
    ends the copy and is raised by it.
loop: the event loop; with one that is not the running one, and
executor: with an executor (of concurrent.futures), everything is done there.

A copy that is cancelled stops soon, and leaves what was copied by then.
"""

from __future__ import annotations

import os
import shutil
from asyncio import get_running_loop
from collections import deque

from . import ospath
from ._calls import Operation, delegate, native, running
from ._copying import Copying, Stopped
from ._engine import core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterable
    from concurrent.futures import Executor
    from typing import Any, TypeAlias, TypeVar

    from _typeshed import StrOrBytesPath, StrPath

    _To = TypeVar("_To", bound=StrOrBytesPath)
    _StrTo = TypeVar("_StrTo", bound=StrPath)
    _Progress: TypeAlias = Callable[[int, int], object]

__all__ = ("copy", "copy2", "copyfile", "copytree", "move", "rmtree")


async def copyfile(
    src: StrOrBytesPath,
    dst: _To,
    *,
    follow_symlinks: bool = True,
    progress: _Progress | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> _To:
    """Copy the bytes of a file to another, as shutil.copyfile does.

    src, dst: str, bytes or PathLike; a file at dst is overwritten.
    follow_symlinks: False to make of a link another link.
    progress: see the module.
    Returns dst.
    Raises shutil.SameFileError, shutil.SpecialFileError and OSError as
    shutil.copyfile does.
    Auditing: a copy that shutil is asked about in the end, for what it is not
    of two regular files, is heard of twice.
    """
    if _is_native(loop, executor):
        found = native.shutil_copyfile(src, dst, follow_symlinks, progress)
        if type(found) is Operation:
            found = await found
        if found is not NotImplemented:
            return dst
    return await _in_thread(
        loop,
        executor,
        progress,
        lambda copying: copying.copyfile(
            src, dst, follow_symlinks=follow_symlinks
        ),
    )


async def copy(
    src: StrOrBytesPath,
    dst: _To,
    *,
    follow_symlinks: bool = True,
    progress: _Progress | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> _To | str | bytes:
    """Copy a file and its permissions, as shutil.copy does.

    src, dst: str, bytes or PathLike; dst may be a directory.
    follow_symlinks: False to make of a link another link.
    progress: see the module.
    Returns the path of the copy.
    Raises what copyfile raises.
    """
    return await _copy_with(
        shutil.copymode, "copy", src, dst, follow_symlinks, progress, loop,
        executor,
    )


async def copy2(
    src: StrOrBytesPath,
    dst: _To,
    *,
    follow_symlinks: bool = True,
    progress: _Progress | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> _To | str | bytes:
    """Copy a file with permissions, times and more, as shutil.copy2 does.

    src, dst: str, bytes or PathLike; dst may be a directory.
    follow_symlinks: False to make of a link another link.
    progress: see the module.
    Returns the path of the copy.
    Raises what copyfile raises.
    """
    return await _copy_with(
        shutil.copystat, "copy2", src, dst, follow_symlinks, progress, loop,
        executor,
    )


async def copytree(
    src: StrPath,
    dst: _StrTo,
    symlinks: bool = False,
    ignore: Callable[[Any, list[str]], Iterable[str]] | None = None,
    copy_function: Callable[[str, str], object] = shutil.copy2,
    ignore_dangling_symlinks: bool = False,
    dirs_exist_ok: bool = False,
    *,
    progress: _Progress | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> _StrTo:
    """Copy a tree of directories, as shutil.copytree does, in one trip.

    src, dst: str or PathLike.
    symlinks: make of links other links, not copies of what they lead to.
    ignore: called in a thread, as ignore(path, names); returns which of the
        names to leave out.
    copy_function: called in a thread, as copy_function(src, dst).  copy2, copy
        and copyfile, of this module or of shutil, can be stopped.
    ignore_dangling_symlinks: leave out links that lead nowhere.
    dirs_exist_ok: whether it is no error that a directory is there.
    progress: see the module; total_bytes is that of the files met so far.
    Returns dst.
    Raises shutil.Error with a list of what went wrong, or OSError.
    """

    def run(copying: Copying) -> Any:
        def ignored(path: Any, names: list[str]) -> Iterable[str]:
            copying.check()
            return () if ignore is None else ignore(path, names)

        return shutil.copytree(
            src,
            dst,
            symlinks,
            ignored,
            copying.chosen(function),
            ignore_dangling_symlinks,
            dirs_exist_ok,
        )

    function = _plain(copy_function)
    return await _in_thread(loop, executor, progress, run)


async def move(
    src: StrPath,
    dst: _StrTo,
    copy_function: Callable[[str, str], object] = shutil.copy2,
    *,
    progress: _Progress | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> _StrTo | str | None:
    """Move a file or a directory, as shutil.move does, in one trip.

    src, dst: str or PathLike; dst may be a directory.
    copy_function: for another file system; see copytree.
    progress: see the module; not called where nothing has to be copied.
    Returns the path where it is then.
    Raises shutil.Error and OSError as shutil.move does.  Cancelled while it
    copies, it has removed nothing.
    """

    def run(copying: Copying) -> Any:
        return shutil.move(src, dst, copying.chosen(function))

    function = _plain(copy_function)
    return await _in_thread(loop, executor, progress, run)


async def rmtree(
    path: StrOrBytesPath,
    ignore_errors: bool = False,
    onerror: Callable[..., object] | None = None,
    *,
    onexc: Callable[..., object] | None = None,
    dir_fd: int | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> None:
    """Remove a tree of directories, as shutil.rmtree does, in one trip.

    path: str, bytes or PathLike.
    ignore_errors: leave what cannot be removed.
    onerror, onexc: called in a thread, with the function that failed, the
        path, and what sys.exc_info() gives or the exception.
    dir_fd: the directory, as a descriptor, that a relative path starts from.
    Returns None.  Cancelled once it has begun, it goes on to its end.
    Raises OSError as shutil.rmtree does; a Python whose rmtree has no onexc or
    dir_fd refuses them.
    """
    given: dict[str, Any] = {}
    if onexc is not None:
        given["onexc"] = onexc
    if dir_fd is not None:
        given["dir_fd"] = dir_fd
    await delegate(
        loop, executor, shutil.rmtree, path, ignore_errors, onerror, **given
    )


# Whether symbolic links put into a tree meanwhile are safe from being
# followed.
rmtree.avoids_symlink_attacks = (  # type: ignore[attr-defined]
    shutil.rmtree.avoids_symlink_attacks
)


def _is_native(
    loop: AbstractEventLoop | None, executor: Executor | None
) -> bool:
    return (
        core is not None
        and executor is None
        and (loop is None or loop is running())
    )


def _plain(function: Callable[..., object]) -> Callable[..., object]:
    """The function of shutil behind one of ours, which a thread can call."""
    for name in ("copyfile", "copy", "copy2"):
        if function is globals()[name]:
            return getattr(shutil, name)
    return function


async def _copy_with(
    copy_rest: Callable[..., None],
    name: str,
    src: Any,
    dst: Any,
    follow_symlinks: bool,
    progress: _Progress | None,
    loop: AbstractEventLoop | None,
    executor: Executor | None,
) -> Any:
    """Copy a file, into a directory too, and what copy_rest copies."""
    if not _is_native(loop, executor):
        return await _in_thread(
            loop,
            executor,
            progress,
            lambda copying: getattr(copying, name)(
                src, dst, follow_symlinks=follow_symlinks
            ),
        )
    if await ospath.isdir(dst):
        dst = os.path.join(dst, os.path.basename(src))
    await copyfile(
        src, dst, follow_symlinks=follow_symlinks, progress=progress
    )
    await delegate(
        loop, executor, copy_rest, src, dst, follow_symlinks=follow_symlinks
    )
    return dst


async def _in_thread(
    loop: AbstractEventLoop | None,
    executor: Executor | None,
    progress: _Progress | None,
    run: Callable[[Copying], Any],
) -> Any:
    """Call run in the executor, with a copying that ends when this does."""
    told_loop = get_running_loop() if loop is None else loop
    failed: list[BaseException] = []
    news: deque[tuple[int, int]] = deque()

    def tell(done: int, total: int) -> None:
        news.append((done, total))
        told_loop.call_soon_threadsafe(pass_on)

    def pass_on() -> None:
        while news and progress is not None and not copying.stopped:
            try:
                progress(*news.popleft())
            except BaseException as error:
                failed.append(error)
                copying.stopped = True

    copying = Copying(None if progress is None else tell)
    try:
        result = await delegate(loop, executor, run, copying)
        pass_on()  # the thread may have ended before its news came here
    except Stopped:
        pass
    finally:
        copying.stopped = True
    if failed:
        raise failed[0]
    return result
