"""The C engine, where there is one, and the counts of the four routes.

Every call that goes to an executor goes through run_delegate(): that is
route 4, the only one that is left where the engine is off or not built.
"""

from __future__ import annotations

import os
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Callable
    from concurrent.futures import Executor
    from types import ModuleType
    from typing import Any

__all__ = ("core", "native_types", "run_delegate", "set_threads", "stats")

core: ModuleType | None = None
native_types: tuple[type[Any], ...] = ()
if os.environ.get("AIOFILES_C_PURE", "") in ("", "0"):
    try:
        # Only an extension that is not there is passed over in silence: one
        # that is there and cannot be loaded is an error worth seeing.
        from ._core import File
    except ModuleNotFoundError:
        pass
    else:
        from . import _core as core

        native_types = (File,)

# A statistic: without a GIL two threads may lose a count between them, which
# is a better bargain than a lock that a fork could leave taken.
_delegated = 0


def run_delegate(
    loop: AbstractEventLoop,
    executor: Executor | None,
    func: Callable[..., Any],
    /,
    *args: Any,
    **kwargs: Any,
) -> Future[Any]:
    """Call func in an executor of the loop, and count it as delegated."""
    global _delegated
    _delegated += 1
    return loop.run_in_executor(executor, partial(func, *args, **kwargs))


def stats() -> dict[str, int]:
    """Tell how many operations each route served, and the pool's state.

    `memory`, `kernel`, `pool` and `delegate` count the operations that were
    answered from a file's buffer, by the kernel at once, by a native thread
    and by an executor.  `threads`, `idle`, `max_threads`, `queued`, `running`
    and `jobs` describe the native threads.  `native` is False where the
    engine is not there or off (AIOFILES_C_PURE=1): all but `delegate` is 0.
    """
    counts = dict.fromkeys(
        ("memory", "kernel", "pool", "delegate", "threads", "max_threads")
        + ("idle", "queued", "running", "jobs"),
        0,
    )
    if core is not None:
        counts.update(core.stats())
    counts["delegate"] = _delegated
    counts["native"] = core is not None
    return counts


def set_threads(n: int, /) -> None:
    """Set the greatest number of native threads.

    The executors of the event loops are not touched, so that this does
    nothing where the engine is off.
    """
    if core is not None:
        core.set_threads(n)
    elif n < 1:
        raise ValueError("the number of threads must be positive")
