"""How a function of os gets its answer: from the engine or the delegate.

Functions of the engine give an answer, an Operation to be awaited, or
NotImplemented for a call that only the real function can judge: bad
arguments, and whatever is not plainly valid.
"""

from __future__ import annotations

from asyncio import _get_running_loop as running, get_running_loop

from ._engine import core, run_delegate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from concurrent.futures import Executor
    from typing import Any

__all__ = ("Operation", "answer", "at_once", "delegate", "native", "running")


class _Nothing:
    """The engine where there is none: each of its functions declines."""

    class Operation:
        """What no function gives."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self._decline

    def _decline(self, *args: Any) -> Any:
        return NotImplemented


native: Any = _Nothing() if core is None else core
Operation: type[Any] = native.Operation


async def delegate(
    loop: AbstractEventLoop | None,
    executor: Executor | None,
    func: Callable[..., Any],
    /,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Call func in the executor."""
    if loop is None:
        loop = get_running_loop()
    return await run_delegate(loop, executor, func, *args, **kwargs)


async def answer(
    loop: AbstractEventLoop | None,
    executor: Executor | None,
    ask: Callable[..., Any],
    values: tuple[Any, ...],
    func: Callable[..., Any],
    /,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Ask the engine with the values, or else call func in the executor."""
    if executor is None and (loop is None or loop is running()):
        found = ask(*values)
        if type(found) is Operation:
            return await found
        if found is not NotImplemented:
            return found
    return await delegate(loop, executor, func, *args, **kwargs)


def at_once(namespace: dict[str, Any], *names: str) -> None:
    """Have the engine take the plain calls of what it often knows at once.

    Those are without keywords; a coroutine in Python would cost them more
    than the answer.  All else is for the declaration, which is what a type
    checker sees: to it a decorator would hide that it is `async def`.
    """
    if core is not None:
        for name in names:
            namespace[name] = core.coroutine_function(namespace[name])
