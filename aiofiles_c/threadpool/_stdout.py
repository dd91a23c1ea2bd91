"""A standard stream that is written: what is to come is below its buffers."""

from __future__ import annotations

import atexit
import select
from asyncio import AbstractEventLoop, get_running_loop, sleep, wait
from contextlib import suppress
from io import FileIO
from threading import get_ident
from weakref import WeakKeyDictionary

from .. import _core
from .._engine import run_delegate
from ._endpoint import PIECE, Endpoint, endpoints

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task
    from typing import Any

__all__ = ("Output",)

MUCH = 1 << 20  # more than the loop's thread should encode


class Output(Endpoint):
    """What has come out of a writer's buffers, and is not written yet."""

    mode = "wb"
    hooks = ("write", "close")

    def __init__(self, raw: FileIO) -> None:
        self.pending = bytearray()
        super().__init__(raw)

    def after_fork(self) -> None:
        super().after_fork()
        self.pending.clear()  # the parent's, who writes it
        self.error: OSError | None = None  # what a task of ours has met
        self.senders: WeakKeyDictionary[AbstractEventLoop, Task[None]] = (
            WeakKeyDictionary()
        )

    # What the buffered writer calls in the place of the raw file's methods.

    def write(self, data: Any) -> int | None:
        if not self.ours():
            if self.pending:
                self.outside(self.settle)
            return self.outside(FileIO.write, data)
        with self.mutex:
            self.pending += data
        return memoryview(data).nbytes

    def close(self) -> None:
        raw: Any = self.raw()
        try:
            if self.pending and not raw.closed:
                self.settle(raw)
        finally:
            FileIO.close(raw)

    def push(self, raw: FileIO) -> int:
        """Write as much as there is room for, and no more than a piece."""
        with self.mutex:
            try:
                data = bytes(self.pending[:PIECE])
                count = _core._write_now(raw.fileno(), data) if data else 0
            except OSError:
                self.pending.clear()
                raise
            del self.pending[:count]
        return count

    def settle(self, raw: FileIO) -> None:
        """Write all that is left, and wait for room as print() does."""
        poll = select.poll()
        poll.register(raw.fileno(), select.POLLOUT)
        while self.pending:
            if not self.push(raw):
                poll.poll()

    def capture(self, file: Any, name: str, args: tuple[Any, ...]) -> Any:
        with self.section:
            self.owner = get_ident()
            try:
                return getattr(file, name)(*args)
            finally:
                self.owner = 0

    async def send(self, raw: FileIO) -> None:
        """Write all there is; what met an error is raised by who waits."""
        try:
            native = await self.open(raw)
            while self.pending:
                if self.push(raw):
                    await sleep(0)
                else:
                    await native._room()
        except OSError as error:
            self.error = error

    async def sent(self, raw: FileIO) -> None:
        """Wait until all is written; given up, it goes on by itself."""
        loop = get_running_loop()
        while self.pending:
            sender = self.senders.get(loop)
            if sender is None or sender.done():
                self.push(raw)
                if not self.pending:
                    return
                sender = loop.create_task(self.send(raw))
                self.senders[loop] = sender
            await wait((sender,))
            self.raise_error()

    def raise_error(self) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error

    async def serve(
        self, raw: FileIO, file: Any, name: str, args: tuple[Any, ...]
    ) -> Any:
        async with self.lock():
            self.raise_error()
            await self.vacant()
            if name == "writelines" or _is_much(args):
                result = await run_delegate(
                    get_running_loop(), None, self.capture, file, name, args
                )
            else:
                result = self.capture(file, name, args)
        await self.sent(raw)
        return result


def _is_much(args: tuple[Any, ...]) -> bool:
    return bool(args) and hasattr(args[0], "__len__") and len(args[0]) > MUCH


@atexit.register
def _settle() -> None:
    for endpoint in tuple(endpoints):
        raw = endpoint.raw()
        if type(endpoint) is Output and endpoint.pending and raw is not None:
            # What cannot be written now has nobody left to be told.
            with suppress(OSError, ValueError):
                endpoint.settle(raw)
