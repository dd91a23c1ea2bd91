"""Temporary files and directories, as the standard tempfile makes them.

The parameters are those of the running Python's functions, in the order that
aiofiles gives them; what aiofiles does not have is for keywords only.  Files
are made by the engine, directories and what the engine does not do by the
standard functions, in an executor.
"""

from __future__ import annotations

import os
import sys
from asyncio import _get_running_loop, get_running_loop
from functools import singledispatch
from io import (
    BufferedRandom,
    BufferedReader,
    BufferedWriter,
    FileIO,
    TextIOBase,
)
from tempfile import (
    NamedTemporaryFile as syncNamedTemporaryFile,
    SpooledTemporaryFile as syncSpooledTemporaryFile,
    TemporaryDirectory as syncTemporaryDirectory,
    TemporaryFile as syncTemporaryFile,
    _TemporaryFileWrapper as syncTemporaryFileWrapper,
)

from .. import threadpool
from .._engine import core
from ..base import AiofilesContextManager, AsyncBase
from ..threadpool.binary import (
    AsyncBufferedIOBase,
    AsyncBufferedReader,
    AsyncFileIO,
)
from ..threadpool.text import AsyncTextIOWrapper
from ._contexts import (
    AiofilesContextManagerNamed,
    AiofilesContextManagerSpooled,
    AiofilesContextManagerTempDir,
    ContextManager,
)
from ._making import make
from .temptypes import AsyncSpooledTemporaryFile, AsyncTemporaryDirectory

if core is not None:
    from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from concurrent.futures import Executor
    from os import PathLike
    from typing import Any

    _Name = str | bytes | None
    _Folder = str | bytes | PathLike[str] | PathLike[bytes] | None

__all__ = (
    "NamedTemporaryFile",
    "SpooledTemporaryFile",
    "TemporaryDirectory",
    "TemporaryFile",
)


# What makes them where the engine does not.  Tests may replace the names.
_STANDARD = (
    syncNamedTemporaryFile,
    syncSpooledTemporaryFile,
    syncTemporaryFile,
)


@singledispatch
def wrap(
    base_io_obj: Any,
    file: Any,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> Any:
    """Return the asynchronous form of file, by the type of base_io_obj."""
    raise TypeError(f"Unsupported IO type: {base_io_obj}")


def _wrapper(cls: type[AsyncBase]) -> Callable[..., AsyncBase]:
    def wrap_as(
        base_io_obj: Any,
        file: Any,
        *,
        loop: AbstractEventLoop | None = None,
        executor: Executor | None = None,
    ) -> AsyncBase:
        return cls(file, loop=loop, executor=executor)

    return wrap_as


wrap.register(TextIOBase, _wrapper(AsyncTextIOWrapper))
wrap.register(BufferedWriter, _wrapper(AsyncBufferedIOBase))
wrap.register(BufferedRandom, _wrapper(AsyncBufferedReader))
wrap.register(BufferedReader, _wrapper(AsyncBufferedReader))
wrap.register(FileIO, _wrapper(AsyncFileIO))


def _wrap_file(
    file: Any, loop: AbstractEventLoop, executor: Executor | None
) -> Any:
    """Wrap what TemporaryFile or NamedTemporaryFile gave."""
    if type(file) is not syncTemporaryFileWrapper:
        return wrap(file, file, loop=loop, executor=executor)
    result = wrap(file.file, file, loop=loop, executor=executor)
    if sys.version_info >= (3, 12):
        result._closer = file._closer
    else:
        result.delete = file.delete
    return result


def _wrap_spooled(
    file: Any, loop: AbstractEventLoop, executor: Executor | None
) -> AsyncSpooledTemporaryFile:
    return AsyncSpooledTemporaryFile(file, loop=loop, executor=executor)


def _wrap_directory(
    file: Any, loop: AbstractEventLoop, executor: Executor | None
) -> AsyncTemporaryDirectory:
    return AsyncTemporaryDirectory(file, loop=loop, executor=executor)


def _remove_file(file: Any) -> None:
    """Close a file that nobody got, and remove what was to stay of it."""
    named = isinstance(file, syncTemporaryFileWrapper)
    file.close()
    if named:
        try:
            os.unlink(file.name)
        except FileNotFoundError:
            pass


def _remove_directory(directory: Any) -> None:
    directory.cleanup()


def _is_native(
    loop: AbstractEventLoop | None,
    executor: Executor | None,
) -> bool:
    """Whether the engine may make a file: nothing asks for another way."""
    return (
        core is not None
        and executor is None
        and (loop is None or loop is _get_running_loop())
        and threadpool.sync_open is threadpool._BUILTIN[0]
        and syncNamedTemporaryFile is _STANDARD[0]
        and syncSpooledTemporaryFile is _STANDARD[1]
        and syncTemporaryFile is _STANDARD[2]
    )


async def _open_unnamed(
    loop: AbstractEventLoop | None,
    executor: Executor | None,
    options: dict[str, Any],
) -> Any:
    if _is_native(loop, executor):
        file = await _native.open_unnamed(**options, loop=loop)
        if file is not None:
            return file
    return await make(
        syncTemporaryFile, _wrap_file, _remove_file, loop, executor, options
    )


async def _open_named(
    loop: AbstractEventLoop | None,
    executor: Executor | None,
    options: dict[str, Any],
) -> Any:
    if _is_native(loop, executor):
        file = await _native.open_named(
            **{"delete_on_close": True, **options}, loop=loop
        )
        if file is not None:
            return file
    return await make(
        syncNamedTemporaryFile,
        _wrap_file,
        _remove_file,
        loop,
        executor,
        options,
    )


async def _open_spooled(
    loop: AbstractEventLoop | None,
    executor: Executor | None,
    max_size: int,
    options: dict[str, Any],
) -> Any:
    if _is_native(loop, executor):
        # It is made of memory: nothing in it waits.
        file = syncSpooledTemporaryFile(max_size=max_size, **options)
        return _native.NativeSpooledTemporaryFile(
            file, get_running_loop(), options
        )
    return await make(
        syncSpooledTemporaryFile,
        _wrap_spooled,
        _remove_file,
        loop,
        executor,
        {"max_size": max_size, **options},
    )


def TemporaryFile(
    mode: str = "w+b",
    buffering: int = -1,
    encoding: str | None = None,
    newline: str | None = None,
    suffix: _Name = None,
    prefix: _Name = None,
    dir: _Folder = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
    *,
    errors: str | None = None,
) -> AiofilesContextManager[Any]:
    """Open a temporary file that has no name.

    As tempfile.TemporaryFile: its `name` is the number of its descriptor,
    and it is gone when it is closed.

    Parameters:
        mode: str, as for open().
        buffering: int, as for open().
        encoding: str or None, as for open().
        newline: str or None, as for open().
        suffix: what the name ends with, str or bytes; nothing by default.
        prefix: what it begins with; that of `tempfile.gettempprefix()` by
            default.
        dir: the directory, str, bytes or path-like; that of
            `tempfile.gettempdir()` by default.  The three are of one kind:
            str, or bytes, of which the name then is.
        loop: AbstractEventLoop or None: the loop whose executor is used,
            where it is not the running one.
        executor: Executor or None: what does the work in place of the
            engine.
        errors: str or None, as for open().

    Returns what can be awaited, or entered by `async with`, and gives the
    file; leaving closes it.

    Raises what the standard function of that name does: TypeError where
    str and bytes are mixed, ValueError for a mode, FileNotFoundError,
    PermissionError and other OSErrors of the directory.
    """
    return ContextManager(
        _open_unnamed(
            loop,
            executor,
            {
                "mode": mode,
                "buffering": buffering,
                "encoding": encoding,
                "newline": newline,
                "errors": errors,
                "suffix": suffix,
                "prefix": prefix,
                "dir": dir,
            },
        )
    )


def SpooledTemporaryFile(
    max_size: int = 0,
    mode: str = "w+b",
    buffering: int = -1,
    encoding: str | None = None,
    newline: str | None = None,
    suffix: _Name = None,
    prefix: _Name = None,
    dir: _Folder = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
    *,
    errors: str | None = None,
) -> AiofilesContextManager[AsyncSpooledTemporaryFile]:
    """Open a temporary file that stays in memory up to max_size.

    As tempfile.SpooledTemporaryFile.  In memory its calls are made at once;
    it moves to a file without a name when it outgrows max_size, or by
    rollover() or fileno().

    Parameters:
        max_size: int, bytes or characters; 0: no limit.
        mode: str, as for open().
        buffering: int, as for open().
        encoding: str or None, as for open().
        newline: str or None, as for open().
        suffix: what the name ends with, str or bytes; nothing by default.
        prefix: what it begins with; that of `tempfile.gettempprefix()` by
            default.
        dir: the directory, str, bytes or path-like; that of
            `tempfile.gettempdir()` by default.  The three are of one kind:
            str, or bytes, of which the name then is.
        loop: AbstractEventLoop or None: the loop whose executor is used,
            where it is not the running one.
        executor: Executor or None: what does the work in place of the
            engine.
        errors: str or None, as for open().

    Returns what can be awaited, or entered by `async with`, and gives a
    temptypes.AsyncSpooledTemporaryFile; leaving closes it.

    Raises what the standard class does; errors of the directory come when
    the file moves there.
    """
    return AiofilesContextManagerSpooled(
        _open_spooled(
            loop,
            executor,
            max_size,
            {
                "mode": mode,
                "buffering": buffering,
                "encoding": encoding,
                "newline": newline,
                "errors": errors,
                "suffix": suffix,
                "prefix": prefix,
                "dir": dir,
            },
        )
    )


if sys.version_info >= (3, 12):

    def NamedTemporaryFile(
        mode: str = "w+b",
        buffering: int = -1,
        encoding: str | None = None,
        newline: str | None = None,
        suffix: _Name = None,
        prefix: _Name = None,
        dir: _Folder = None,
        delete: bool = True,
        delete_on_close: bool = True,
        loop: AbstractEventLoop | None = None,
        executor: Executor | None = None,
        *,
        errors: str | None = None,
    ) -> AiofilesContextManager[Any]:
        """Open a temporary file that has a name.

        As tempfile.NamedTemporaryFile.

        Parameters:
            mode: str, as for open().
            buffering: int, as for open().
            encoding: str or None, as for open().
            newline: str or None, as for open().
            suffix: what the name ends with, str or bytes; nothing by default.
            prefix: what it begins with; that of `tempfile.gettempprefix()` by
                default.
            dir: the directory, str, bytes or path-like; that of
                `tempfile.gettempdir()` by default.  The three are of one kind:
                str, or bytes, of which the name then is.
            delete: bool: whether the file is removed.
            delete_on_close: bool: whether closing removes it; otherwise it
                goes at the end of the context, or with the object.
            loop: AbstractEventLoop or None: the loop whose executor is used,
                where it is not the running one.
            executor: Executor or None: what does the work in place of the
                engine.
            errors: str or None, as for open().

        Returns what can be awaited, or entered by `async with`, and gives the
        file, with its path as `name`; leaving closes it.

        Raises what the standard function of that name does: TypeError where
        str and bytes are mixed, ValueError for a mode, FileNotFoundError,
        PermissionError and other OSErrors of the directory.
        """
        return AiofilesContextManagerNamed(
            _open_named(
                loop,
                executor,
                {
                    "mode": mode,
                    "buffering": buffering,
                    "encoding": encoding,
                    "newline": newline,
                    "errors": errors,
                    "suffix": suffix,
                    "prefix": prefix,
                    "dir": dir,
                    "delete": delete,
                    "delete_on_close": delete_on_close,
                },
            )
        )

    def TemporaryDirectory(
        suffix: _Name = None,
        prefix: _Name = None,
        dir: _Folder = None,
        loop: AbstractEventLoop | None = None,
        executor: Executor | None = None,
        *,
        ignore_cleanup_errors: bool = False,
        delete: bool = True,
    ) -> AiofilesContextManagerTempDir:
        """Make a temporary directory; `async with` gives its path.

        As tempfile.TemporaryDirectory, in an executor.

        Parameters:
            suffix: what the name ends with, str or bytes; nothing by default.
            prefix: what it begins with; that of `tempfile.gettempprefix()` by
                default.
            dir: the directory, str, bytes or path-like; that of
                `tempfile.gettempdir()` by default.  The three are of one kind:
                str, or bytes, of which the name then is.
            loop: AbstractEventLoop or None: the loop whose executor is used,
                where it is not the running one.
            executor: Executor or None: what does the work in place of the
                loop's own.
            ignore_cleanup_errors: bool: whether what cannot be removed may
                stay.
            delete: bool: whether leaving the context removes it.

        Returns what can be awaited, and gives a
        temptypes.AsyncTemporaryDirectory, or entered by `async with`, and
        gives the path; leaving removes the directory with all that is in it.

        Raises what the standard class does, for the directory that it is made
        in and for what cannot be removed.
        """
        return AiofilesContextManagerTempDir(
            make(
                syncTemporaryDirectory,
                _wrap_directory,
                _remove_directory,
                loop,
                executor,
                {
                    "suffix": suffix,
                    "prefix": prefix,
                    "dir": dir,
                    "ignore_cleanup_errors": ignore_cleanup_errors,
                    "delete": delete,
                },
            )
        )

else:

    def NamedTemporaryFile(
        mode: str = "w+b",
        buffering: int = -1,
        encoding: str | None = None,
        newline: str | None = None,
        suffix: _Name = None,
        prefix: _Name = None,
        dir: _Folder = None,
        delete: bool = True,
        loop: AbstractEventLoop | None = None,
        executor: Executor | None = None,
        *,
        errors: str | None = None,
    ) -> AiofilesContextManager[Any]:
        """Open a temporary file that has a name.

        As above, but for delete_on_close, which came with Python 3.12.
        """
        return AiofilesContextManagerNamed(
            _open_named(
                loop,
                executor,
                {
                    "mode": mode,
                    "buffering": buffering,
                    "encoding": encoding,
                    "newline": newline,
                    "errors": errors,
                    "suffix": suffix,
                    "prefix": prefix,
                    "dir": dir,
                    "delete": delete,
                },
            )
        )

    def TemporaryDirectory(
        suffix: _Name = None,
        prefix: _Name = None,
        dir: _Folder = None,
        loop: AbstractEventLoop | None = None,
        executor: Executor | None = None,
        *,
        ignore_cleanup_errors: bool = False,
    ) -> AiofilesContextManagerTempDir:
        """Make a temporary directory; `async with` gives its path.

        As above, but for delete, which came with Python 3.12.
        """
        return AiofilesContextManagerTempDir(
            make(
                syncTemporaryDirectory,
                _wrap_directory,
                _remove_directory,
                loop,
                executor,
                {
                    "suffix": suffix,
                    "prefix": prefix,
                    "dir": dir,
                    "ignore_cleanup_errors": ignore_cleanup_errors,
                },
            )
        )
