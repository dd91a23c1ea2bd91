"""What a benchmark is: a name, a fixed number of operations, two bodies.

The name says operation, size and concurrency (``_c100``: a hundred tasks at
once) and keeps its meaning for ever; a benchmark that has to mean something
else gets another name.

A body does ``n`` operations and returns the length of its last result, so that
a wrong answer cannot be timed as a fast one without adding to the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ("Row", "in_thread_each", "round_of")


@dataclass(frozen=True)
class Row:
    name: str
    about: str
    ops: int
    """Operations in one timed run."""

    slow_ops: int
    """The same for libraries that take a Python thread for each of them."""

    blocking: Callable[[Any, int], Any]
    """``blocking(files, n)``: built-in ``open`` and ``os``."""

    awaiting: Callable[[Any, Any, int], Awaitable[Any]]
    """``await awaiting(library, files, n)``: the same through a library."""

    needs: tuple[str, ...] = ()
    """Functions, by the adapter's attribute, that a library must have."""

    threaded: Callable[[Any, int], Awaitable[Any]] | None = None
    """How ``asyncio.to_thread`` is used; None: one hop for the whole body."""

    env: dict[str, str] = field(default_factory=dict)
    """Environment of the process that is timed."""

    async def run_threaded(self, files: Any, n: int) -> Any:
        if self.threaded is None:
            return await asyncio.to_thread(self.blocking, files, n)
        return await self.threaded(files, n)


def in_thread_each(call: Callable[[Any], Any]) -> Callable[..., Any]:
    """Make a ``threaded`` body with one hop for each operation."""

    async def threaded(files: Any, n: int) -> Any:
        result = None
        for _ in range(n):
            result = await asyncio.to_thread(call, files)
        return result

    return threaded


async def round_of(
    tasks: int, n: int, start: Callable[[int], Awaitable[Any]]
) -> Any:
    """Do ``n`` operations by rounds of ``tasks`` at once."""
    results = [None]
    for _ in range(n // tasks):
        results = await asyncio.gather(*[start(i) for i in range(tasks)])
    return results[-1]
