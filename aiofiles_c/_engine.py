"""The C engine, where there is one; who counts operations, and is told.

Every call that goes to an executor goes through run_delegate(): that is
route 4, the only one that is left where the engine is off or not built.
"""

from __future__ import annotations

import atexit
import os
from functools import partial
from time import perf_counter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Callable
    from concurrent.futures import Executor
    from types import ModuleType
    from typing import Any

    _Trace = Callable[[str, Any, str, float], object]

__all__ = (
    "core",
    "native_types",
    "run_delegate",
    "set_threads",
    "set_trace",
    "stats",
)

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

# Who is told of operations, and from how many seconds on.
_trace: _Trace | None = None
_slower_than = 0.0


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
    call = partial(func, *args, **kwargs)
    if _trace is None:
        return loop.run_in_executor(executor, call)
    started = perf_counter()

    def tell(_: Future[Any]) -> None:
        seconds = perf_counter() - started
        if _trace is not None and seconds >= _slower_than:
            _Told(_trace, _name_of(func), _path_of(func, args), seconds)

    future = loop.run_in_executor(executor, call)
    future.add_done_callback(tell)
    return future


class _Told:
    """A call of the trace function, made as this object goes.

    It is nobody's to catch what it raises, which a finalizer leaves to
    sys.unraisablehook, as the engine does.
    """

    def __init__(self, call: _Trace, name: str, path: Any, seconds: float):
        self.call = partial(call, name, path, "delegate", seconds)

    def __del__(self) -> None:
        self.call()


def _name_of(func: Callable[..., Any]) -> str:
    return getattr(func, "__name__", None) or type(func).__name__


def _path_of(func: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Tell which file a call is about: that of a method, or an argument."""
    try:
        return func.__self__.name  # type: ignore[attr-defined]
    except Exception:  # a file of any kind, perhaps closed, or none
        path = args[0] if args else None
    if isinstance(path, os.PathLike):
        return os.fspath(path)
    if isinstance(path, (str, bytes, int)):
        return path
    try:
        return path.name  # type: ignore[union-attr]
    except Exception:
        return None


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


def set_trace(
    callback: _Trace | None, /, *, slower_than: float = 0.0
) -> None:
    """Tell callback of every operation that takes slower_than seconds or more.

    It is called as `callback(operation, path, route, seconds)` when one is
    over, however it ended: `operation` is the name of the method or function,
    `path` what the file was opened by, or None, `route` is "memory",
    "kernel", "pool" or "delegate", as in `stats()`, and `seconds` the time
    from the first step of its `await` to its end, waiting for its turn
    included.  Operations that have begun already are not told of.  What
    callback raises goes to `sys.unraisablehook`.

    None, which is the default, ends it; then it costs nothing.  So does the
    end of the program.
    """
    global _trace, _slower_than
    if callback is not None and not callable(callback):
        raise TypeError("the callback has to be callable, or None")
    if not 0 <= slower_than < 1e9:
        raise ValueError("slower_than has to be a number of seconds")
    _trace, _slower_than = callback, slower_than
    if core is not None:
        core.set_trace(callback, int(slower_than * 1e9))


# What it alone refers to, a file perhaps, goes while Python is whole.
atexit.register(set_trace, None)
