"""Temporary files and directories, made by the standard tempfile.

The parameters are those of the running Python's functions, in the order that
aiofiles gives them; what aiofiles does not have is for keywords only.
"""

from __future__ import annotations

import sys
from asyncio import get_running_loop
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

from .._engine import run_delegate
from ..base import AiofilesContextManager, AsyncBase
from ..threadpool.binary import (
    AsyncBufferedIOBase,
    AsyncBufferedReader,
    AsyncFileIO,
)
from ..threadpool.text import AsyncTextIOWrapper
from .temptypes import AsyncSpooledTemporaryFile, AsyncTemporaryDirectory

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


class AiofilesContextManagerTempDir(
    AiofilesContextManager[AsyncTemporaryDirectory]
):
    """Enters with the path of the directory, as the standard one does."""

    __slots__ = ()

    async def __aenter__(self) -> Any:
        return (await super().__aenter__()).name


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
    def make(
        base_io_obj: Any,
        file: Any,
        *,
        loop: AbstractEventLoop | None = None,
        executor: Executor | None = None,
    ) -> AsyncBase:
        return cls(file, loop=loop, executor=executor)

    return make


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


async def _make(
    make: Callable[..., Any],
    finish: Callable[..., Any],
    loop: AbstractEventLoop | None,
    executor: Executor | None,
    **options: Any,
) -> Any:
    """Call make in the executor, and let finish wrap its result."""
    if loop is None:
        loop = get_running_loop()
    made = await run_delegate(loop, executor, make, **options)
    return finish(made, loop, executor)


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
    """Open a temporary file that has no name."""
    return AiofilesContextManager(
        _make(
            syncTemporaryFile,
            _wrap_file,
            loop,
            executor,
            mode=mode,
            buffering=buffering,
            encoding=encoding,
            newline=newline,
            suffix=suffix,
            prefix=prefix,
            dir=dir,
            errors=errors,
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
    """Open a temporary file that stays in memory up to max_size."""
    return AiofilesContextManager(
        _make(
            syncSpooledTemporaryFile,
            _wrap_spooled,
            loop,
            executor,
            max_size=max_size,
            mode=mode,
            buffering=buffering,
            encoding=encoding,
            newline=newline,
            suffix=suffix,
            prefix=prefix,
            dir=dir,
            errors=errors,
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
        """Open a temporary file that has a name."""
        return AiofilesContextManager(
            _make(
                syncNamedTemporaryFile,
                _wrap_file,
                loop,
                executor,
                mode=mode,
                buffering=buffering,
                encoding=encoding,
                newline=newline,
                suffix=suffix,
                prefix=prefix,
                dir=dir,
                delete=delete,
                delete_on_close=delete_on_close,
                errors=errors,
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
        """Make a temporary directory; `async with` gives its path."""
        return AiofilesContextManagerTempDir(
            _make(
                syncTemporaryDirectory,
                _wrap_directory,
                loop,
                executor,
                suffix=suffix,
                prefix=prefix,
                dir=dir,
                ignore_cleanup_errors=ignore_cleanup_errors,
                delete=delete,
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
        """Open a temporary file that has a name."""
        return AiofilesContextManager(
            _make(
                syncNamedTemporaryFile,
                _wrap_file,
                loop,
                executor,
                mode=mode,
                buffering=buffering,
                encoding=encoding,
                newline=newline,
                suffix=suffix,
                prefix=prefix,
                dir=dir,
                delete=delete,
                errors=errors,
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
        """Make a temporary directory; `async with` gives its path."""
        return AiofilesContextManagerTempDir(
            _make(
                syncTemporaryDirectory,
                _wrap_directory,
                loop,
                executor,
                suffix=suffix,
                prefix=prefix,
                dir=dir,
                ignore_cleanup_errors=ignore_cleanup_errors,
            )
        )
