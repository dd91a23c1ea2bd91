"""What all the asynchronous files have in common."""

from __future__ import annotations

import inspect
import sys
from asyncio import coroutines, get_running_loop
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from functools import wraps
from typing import TypeVar

from ._engine import native_types, run_delegate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Coroutine, Generator
    from concurrent.futures import Executor
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

__all__ = (
    "AiofilesContextManager",
    "AsyncBase",
    "AsyncIndirectBase",
    "wrap",
)

F = TypeVar("F", bound="Callable[..., Any]")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


def wrap(func: Callable[..., T]) -> Callable[..., Coroutine[Any, Any, T]]:
    """Make a coroutine function that calls func in an executor.

    It takes the arguments of func, and the keywords `loop` and `executor`.
    """

    @wraps(func)
    async def run(
        *args: Any,
        loop: AbstractEventLoop | None = None,
        executor: Executor | None = None,
        **kwargs: Any,
    ) -> T:
        if loop is None:
            loop = get_running_loop()
        return await run_delegate(loop, executor, func, *args, **kwargs)

    return run


def _mark_coroutine_function(func: F) -> F:
    """Have a function that returns a coroutine count as `async def`."""
    if sys.version_info >= (3, 12):
        return inspect.markcoroutinefunction(func)
    else:
        # What inspect has no mark for yet, asyncio has.
        marked: Any = func
        marked._is_coroutine = vars(coroutines)["_is_coroutine"]
        return func


class AsyncBase:
    """A synchronous file whose calls go to an executor of a loop."""

    def __init__(
        self,
        file: Any,
        loop: AbstractEventLoop | None,
        executor: Executor | None,
    ) -> None:
        self._file = file
        self._executor = executor
        self._ref_loop = loop

    @property
    def _loop(self) -> AbstractEventLoop:
        return self._ref_loop or get_running_loop()

    def __repr__(self) -> str:
        return f"{super().__repr__()} wrapping {self._file!r}"

    def __aiter__(self) -> Self:
        """Return the file itself: it iterates over its lines."""
        return self

    async def __anext__(self) -> Any:
        """Return the next line."""
        line = await self.readline()  # type: ignore[attr-defined]
        if not line:
            raise StopAsyncIteration
        return line


class AsyncIndirectBase(AsyncBase):
    """A file that asks anew, for every call, which object it stands for."""

    # Takes that object, a method's name and the positional arguments: an
    # awaitable that does the call without the executor, or None.
    _direct: Callable[[Any, str, tuple[Any, ...]], Any] | None = None

    def __init__(
        self,
        name: str,
        loop: AbstractEventLoop | None,
        executor: Executor | None,
        indirect: Callable[[], Any],
    ) -> None:
        self._indirect = indirect
        self._name = name
        super().__init__(None, loop, executor)

    @property
    def _file(self) -> Any:
        return self._indirect()

    @_file.setter
    def _file(self, file: Any) -> None:
        """Ignore the file: AsyncBase sets one, and there is none to keep."""


class AiofilesContextManager(
    Awaitable[T_co], AbstractAsyncContextManager[T_co, None]
):
    """What open() returns: to be awaited, or entered by `async with`."""

    __slots__ = ("_coro", "_obj")

    def __init__(self, coro: Coroutine[Any, Any, T_co]) -> None:
        self._coro = coro
        self._obj: T_co | None = None

    def __await__(self) -> Generator[Any, Any, T_co]:
        if self._obj is None:
            self._obj = yield from self._coro.__await__()
        return self._obj

    async def __aenter__(self) -> T_co:
        if self._obj is None:
            self._obj = await self._coro
        return self._obj

    if TYPE_CHECKING:

        async def __aexit__(
            self,
            exc_type: type[BaseException] | None,
            exc_val: BaseException | None,
            exc_tb: TracebackType | None,
        ) -> None:
            """Close the file."""

    else:

        @_mark_coroutine_function
        def __aexit__(
            self,
            exc_type: type[BaseException] | None,
            exc_val: BaseException | None,
            exc_tb: TracebackType | None,
        ) -> Coroutine[Any, Any, None]:
            """Close the file."""
            obj: Any = self._obj
            if isinstance(obj, native_types):
                # What close() gives is awaited as it is: a coroutine of our
                # own around it would cost more than the call.
                self._obj = None
                closing: Coroutine[Any, Any, None] = obj.close()
                return closing
            return self._exit_file(exc_type, exc_val, exc_tb)

    async def _exit_file(self, *exc_info: Any) -> None:
        """Leave the context of the synchronous file, in the executor."""
        obj: Any = self._obj
        await run_delegate(
            get_running_loop(), None, obj._file.__exit__, *exc_info
        )
        self._obj = None
