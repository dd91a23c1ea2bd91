"""The native files: methods in C before the delegate's in Python.

A native file answers by its C methods.  Once its synchronous object has been
asked for, they call on to the delegate's method of the same name, which works
on that object.
"""

from __future__ import annotations

from asyncio import get_running_loop

from .. import _core
from .._engine import run_delegate
from ..base import AiofilesContextManager
from .binary import AsyncBufferedIOBase, AsyncBufferedReader, AsyncFileIO
from .text import AsyncTextIOWrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Coroutine
    from typing import Any

__all__ = ("open", "register")

open = _core.open


class _Native:
    """What the native classes have of the delegates' in Python.

    `open` alone makes native files.  To make one of a synchronous file, or a
    second one over the same, is to make a delegate.
    """

    __slots__ = ()

    def __copy__(self: Any) -> Any:
        """Return a delegate over the same synchronous file."""
        delegate = next(
            delegates[cls] for cls in type(self).__mro__ if cls in delegates
        )
        copy = delegate(self._file, self._ref_loop, self._executor)
        vars(copy).update(vars(self))
        return copy

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuse: an open file is of this process."""
        raise TypeError(f"cannot pickle {type(self).__name__!r} instances")


class NativeFileIO(_core.RawFile, _Native, AsyncFileIO):
    """A raw file."""

    __slots__ = ()

    def __new__(  # type: ignore[misc]
        cls, file: Any, loop: Any, executor: Any
    ) -> AsyncFileIO:
        """Make a delegate over a synchronous file."""
        return AsyncFileIO(file, loop, executor)


class NativeBufferedIOBase(_core.BufferedFile, _Native, AsyncBufferedIOBase):
    """A buffered file that is only written to."""

    __slots__ = ()

    def __new__(  # type: ignore[misc]
        cls, file: Any, loop: Any, executor: Any
    ) -> AsyncBufferedIOBase:
        """Make a delegate over a synchronous file."""
        return AsyncBufferedIOBase(file, loop, executor)


class NativeBufferedReader(
    _core.BufferedReaderFile, _Native, AsyncBufferedReader
):
    """A buffered file that is read, or read and written."""

    __slots__ = ()

    def __new__(  # type: ignore[misc]
        cls, file: Any, loop: Any, executor: Any
    ) -> AsyncBufferedReader:
        """Make a delegate over a synchronous file."""
        return AsyncBufferedReader(file, loop, executor)


class NativeTextIOWrapper(_core.TextFile, _Native, AsyncTextIOWrapper):
    """A text file."""

    __slots__ = ()

    def __new__(  # type: ignore[misc]
        cls, file: Any, loop: Any, executor: Any
    ) -> AsyncTextIOWrapper:
        """Make a delegate over a synchronous file."""
        return AsyncTextIOWrapper(file, loop, executor)


delegates: dict[type[Any], type[Any]] = {
    NativeFileIO: AsyncFileIO,
    NativeBufferedIOBase: AsyncBufferedIOBase,
    NativeBufferedReader: AsyncBufferedReader,
    NativeTextIOWrapper: AsyncTextIOWrapper,
}


async def call_opener(
    opener: Callable[[Any, int], int],
    path: Any,
    flags: int,
    loop: AbstractEventLoop | None,
) -> int:
    """Run the caller's opener, which may block, in the loop's executor."""

    def run_opener(path: Any, flags: int) -> int:
        return opener(path, flags)  # which may not even be callable

    return await run_delegate(
        loop or get_running_loop(), None, run_opener, path, flags
    )


def register(delegate_open: Callable[..., Coroutine[Any, Any, Any]]) -> None:
    """Tell the engine its Python classes, and who opens what it does not."""
    _core.register(
        raw=NativeFileIO,
        buffered=NativeBufferedIOBase,
        reader=NativeBufferedReader,
        text=NativeTextIOWrapper,
        delegate_open=delegate_open,
        call_opener=call_opener,
        manager=AiofilesContextManager,
    )
