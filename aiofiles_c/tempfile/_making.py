"""Making something in a thread, for a task that may be gone by then."""

from __future__ import annotations

from asyncio import CancelledError, get_running_loop
from threading import Lock

from .._engine import run_delegate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from concurrent.futures import Executor
    from typing import Any

__all__ = ("make",)


class Maker:
    """Calls a function in a thread, for a task that may be gone by then.

    What was made for nobody is removed again, in the thread or by `undo`.
    """

    def __init__(
        self,
        make: Callable[..., Any],
        undo: Callable[[Any], None],
        options: dict[str, Any],
    ) -> None:
        self._make = make
        self._undo = undo
        self._options = options
        self._lock = Lock()
        self._made: Any = None
        self._abandoned = False

    def make(self) -> Any:
        """Return what was made, or None if nobody wants it any more."""
        made = self._make(**self._options)
        with self._lock:
            self._made = made
            if not self._abandoned:
                return made
        self.undo()
        return None

    def abandon(self) -> bool:
        """Tell that nobody waits; whether there is something to be undone."""
        with self._lock:
            self._abandoned = True
            return self._made is not None

    def undo(self) -> None:
        """Remove what was made."""
        made, self._made = self._made, None
        self._undo(made)


async def make(
    make: Callable[..., Any],
    finish: Callable[..., Any],
    undo: Callable[[Any], None],
    loop: AbstractEventLoop | None,
    executor: Executor | None,
    options: dict[str, Any],
) -> Any:
    """Call make in the executor, and let finish wrap its result."""
    if loop is None:
        loop = get_running_loop()
    maker = Maker(make, undo, options)
    try:
        made = await run_delegate(loop, executor, maker.make)
    except CancelledError:
        if maker.abandon():
            run_delegate(loop, executor, maker.undo)
        raise
    return finish(made, loop, executor)
