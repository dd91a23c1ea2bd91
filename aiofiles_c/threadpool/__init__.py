"""Open files, natively or by the threads of an executor."""

from __future__ import annotations

import sys
from asyncio import _get_running_loop, get_running_loop
from functools import singledispatch
from io import (
    BufferedIOBase,
    BufferedRandom,
    BufferedReader,
    BufferedWriter,
    FileIO,
    TextIOBase,
)
from typing import overload

from .._engine import core, run_delegate
from ..base import AiofilesContextManager, AsyncBase
from .binary import (
    AsyncBufferedIOBase,
    AsyncBufferedReader,
    AsyncFileIO,
    AsyncIndirectBufferedIOBase,
)
from .text import AsyncTextIndirectIOWrapper, AsyncTextIOWrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor
    from typing import Any, Literal, TypeVar

    from _typeshed import (
        FileDescriptorOrPath,
        OpenBinaryMode,
        OpenBinaryModeReading,
        OpenBinaryModeUpdating,
        OpenBinaryModeWriting,
        OpenTextMode,
    )

    _Declared = TypeVar("_Declared", bound=Callable[..., Any])

__all__ = (
    "open",
    "stderr",
    "stderr_bytes",
    "stdin",
    "stdin_bytes",
    "stdout",
    "stdout_bytes",
)

# What opens a file where the engine does not.  Tests replace it.
sync_open = open

# In a tuple, where a library that fakes a file system by replacing every
# module's `open` does not find it: its own has to count as a replacement.
_BUILTIN = (open,)


async def _open(
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Callable[[str, int], int] | None = None,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> Any:
    """Open a file by sync_open in the executor, and wrap what it gives."""
    if loop is None:
        loop = get_running_loop()
    opened = await run_delegate(
        loop,
        executor,
        sync_open,
        file,
        mode=mode,
        buffering=buffering,
        encoding=encoding,
        errors=errors,
        newline=newline,
        closefd=closefd,
        opener=opener,
    )
    return wrap(opened, loop=loop, executor=executor)


native_open: Callable[..., Coroutine[Any, Any, Any]] | None = None
if core is not None:
    from . import _native

    _native.register(_open)
    native_open = _native.open


def _called_in_c(declared: _Declared) -> _Declared:
    """Have the engine take the calls without `loop` and `executor`.

    As long as sync_open is what it is now.
    """
    return declared if core is None else core.open_function(declared)


# Text.
@overload
def open(
    file: FileDescriptorOrPath,
    mode: OpenTextMode = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Callable[[str, int], int] | None = None,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> AiofilesContextManager[AsyncTextIOWrapper]: ...


# Binary without a buffer.
@overload
def open(
    file: FileDescriptorOrPath,
    mode: OpenBinaryMode,
    buffering: Literal[0],
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Callable[[str, int], int] | None = None,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> AiofilesContextManager[AsyncFileIO]: ...


# Binary with a buffer, to be read and written, or read.
@overload
def open(
    file: FileDescriptorOrPath,
    mode: OpenBinaryModeUpdating | OpenBinaryModeReading,
    buffering: Literal[-1, 1] = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Callable[[str, int], int] | None = None,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> AiofilesContextManager[AsyncBufferedReader]: ...


# Binary with a buffer, to be written only.
@overload
def open(
    file: FileDescriptorOrPath,
    mode: OpenBinaryModeWriting,
    buffering: Literal[-1, 1] = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Callable[[str, int], int] | None = None,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> AiofilesContextManager[AsyncBufferedIOBase]: ...


# Binary with a buffer of a size that may be 0: not known.
@overload
def open(
    file: FileDescriptorOrPath,
    mode: OpenBinaryMode,
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Callable[[str, int], int] | None = None,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> AiofilesContextManager[Any]: ...


# A mode that is not known.
@overload
def open(
    file: FileDescriptorOrPath,
    mode: str,
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Callable[[str, int], int] | None = None,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> AiofilesContextManager[Any]: ...


@_called_in_c
def open(
    file: FileDescriptorOrPath,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Callable[[str, int], int] | None = None,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> AiofilesContextManager[Any]:
    """Open a file, as the built-in open does, for `await` or `async with`.

    The parameters before `loop` are those of the built-in.  An executor, or a
    loop other than the running one, gets the work of this file; a replaced
    `threadpool.sync_open` gets the call.
    """
    if (
        native_open is not None
        and sync_open is _BUILTIN[0]
        and executor is None
        and (loop is None or loop is _get_running_loop())
    ):
        return AiofilesContextManager(
            native_open(
                file,
                mode,
                buffering,
                encoding,
                errors,
                newline,
                closefd,
                opener,
                loop,
            )
        )
    return AiofilesContextManager(
        _open(
            file,
            mode,
            buffering,
            encoding,
            errors,
            newline,
            closefd,
            opener,
            loop,
            executor,
        )
    )


@singledispatch
def wrap(
    file: Any,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> Any:
    """Return the asynchronous form of a synchronous file.

    Its calls go to the executor.  `wrap.register` adds a type of your own.
    """
    raise TypeError(f"Unsupported io type: {file}.")


def _wrapper(cls: type[AsyncBase]) -> Callable[..., AsyncBase]:
    def make(
        file: Any,
        *,
        loop: AbstractEventLoop | None = None,
        executor: Executor | None = None,
    ) -> AsyncBase:
        return cls(file, loop=loop, executor=executor)

    return make


wrap.register(TextIOBase, _wrapper(AsyncTextIOWrapper))
wrap.register(BufferedIOBase, _wrapper(AsyncBufferedIOBase))
wrap.register(BufferedWriter, _wrapper(AsyncBufferedIOBase))
wrap.register(BufferedRandom, _wrapper(AsyncBufferedReader))
wrap.register(BufferedReader, _wrapper(AsyncBufferedReader))
wrap.register(FileIO, _wrapper(AsyncFileIO))

stdin = AsyncTextIndirectIOWrapper(
    "sys.stdin", None, None, indirect=lambda: sys.stdin
)
stdout = AsyncTextIndirectIOWrapper(
    "sys.stdout", None, None, indirect=lambda: sys.stdout
)
stderr = AsyncTextIndirectIOWrapper(
    "sys.stderr", None, None, indirect=lambda: sys.stderr
)
stdin_bytes = AsyncIndirectBufferedIOBase(
    "sys.stdin.buffer", None, None, indirect=lambda: sys.stdin.buffer
)
stdout_bytes = AsyncIndirectBufferedIOBase(
    "sys.stdout.buffer", None, None, indirect=lambda: sys.stdout.buffer
)
stderr_bytes = AsyncIndirectBufferedIOBase(
    "sys.stderr.buffer", None, None, indirect=lambda: sys.stderr.buffer
)

if core is not None:
    # Most programs that import the package never use a stream.
    def _read(file: Any, name: str, args: tuple[Any, ...]) -> Any:
        from . import _stdio

        return _stdio.read(file, name, args)

    def _write(file: Any, name: str, args: tuple[Any, ...]) -> Any:
        from . import _stdio

        return _stdio.write(file, name, args)

    stdin._direct = stdin_bytes._direct = _read
    for _stream in (stdout, stderr, stdout_bytes, stderr_bytes):
        _stream._direct = _write
