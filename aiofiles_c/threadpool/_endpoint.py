"""What is below a raw file of the standard streams.

The raw file, once a call of ours has come to it, has methods of its own, which
keep an *endpoint*.  Bytes below the buffers are the endpoint's: any thread may
use it, so they are moved under its mutex, under which nothing waits; `section`
keeps the calls of two loops apart.
"""

from __future__ import annotations

import os
from asyncio import (
    AbstractEventLoop,
    Lock as AsyncLock,
    get_running_loop,
    sleep,
)
from contextlib import suppress
from io import FileIO
from threading import Lock, RLock, get_ident
from weakref import WeakKeyDictionary, WeakSet, ref

from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable
    from typing import Any

__all__ = ("PIECE", "Endpoint", "endpoints")

PIECE = 64 << 10  # moved by one system call


class Endpoint:
    """What is below a raw file of the standard streams."""

    mode = ""
    hooks: tuple[str, ...] = ()  # the raw file's methods that are ours

    def __init__(self, raw: FileIO) -> None:
        self.raw = ref(raw)  # which keeps us
        self.native: Any = None
        self.after_fork()
        for name in self.hooks:
            vars(raw)[name] = getattr(self, name)
        endpoints.add(self)

    def after_fork(self) -> None:
        self.mutex = Lock()
        self.section = RLock()  # taken before a buffer's own, and mutex
        self.owner = 0  # the thread inside of one of our calls, or 0
        self.inside: set[int] = set()  # and those inside of the raw file's
        self.waiters: list[Future[None]] = []  # until nobody is
        self.locks: WeakKeyDictionary[AbstractEventLoop, AsyncLock] = (
            WeakKeyDictionary()
        )

    def lock(self) -> AsyncLock:
        """The lock that keeps the calls of this loop in their order."""
        return self.locks.setdefault(get_running_loop(), AsyncLock())

    async def open(self, raw: FileIO) -> Any:
        if self.native is None:
            self.native = await _native.open(
                raw.fileno(), self.mode, 0, None, None, None, False, None, None
            )
        return self.native

    def ours(self) -> bool:
        return self.owner == get_ident()

    def outside(self, func: Callable[..., Any], *args: Any) -> Any:
        """Call a method of the raw file itself, which may wait."""
        thread = get_ident()
        self.inside.add(thread)
        try:
            return func(self.raw(), *args)
        finally:
            self.inside.discard(thread)
            if not self.inside:
                waiters, self.waiters = self.waiters, []
                for waiter in waiters:
                    with suppress(RuntimeError):  # its loop is closed
                        waiter.get_loop().call_soon_threadsafe(_wake, waiter)

    async def vacant(self) -> None:
        """Wait for the threads inside of the raw file.

        They keep the buffer above it locked, and this one must not wait.
        """
        while self.inside:
            waiter: Future[None] = get_running_loop().create_future()
            self.waiters.append(waiter)
            if self.inside:
                await waiter
                # What is left to do above the raw file is done at once, but
                # this thread would come first.
                await sleep(0.005)


def _wake(waiter: Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


endpoints: WeakSet[Endpoint] = WeakSet()


def _after_fork() -> None:
    for endpoint in tuple(endpoints):
        endpoint.after_fork()


os.register_at_fork(after_in_child=_after_fork)
