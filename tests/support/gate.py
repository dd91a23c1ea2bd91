"""A gate holds the workers of the pool, so that what comes next is queued.

It opens a FIFO that nobody writes to: a worker stays inside open(2) until
the gate opens the other end.  With one worker allowed, that is all of them,
whatever share of the pool slow devices may take.
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager

from .waiting import eventually, turns, within


class Gate:
    """Holds workers of a library (aiofiles_c, or its delegate alone)."""

    def __init__(self, library, folder):
        self.library = library
        self.folder = folder
        self.made = 0
        self.executor = None

    def fifo(self):
        """Make a FIFO, and return its path."""
        self.made += 1
        path = os.path.join(self.folder, f"gate-{self.made}")
        os.mkfifo(path)
        return path

    @property
    def native(self):
        return self.library.stats()["native"]

    @asynccontextmanager
    async def shut(self):
        """Hold every worker until the block ends."""
        with self._one_worker():
            path = self.fifo()
            holding = asyncio.ensure_future(self._hold(path))
            await self._held()
            try:
                yield self
            finally:
                other = os.open(path, os.O_RDWR | os.O_NONBLOCK)
                try:
                    file = await within(holding)
                finally:
                    os.close(other)
                await within(file.close())

    async def _hold(self, path):
        return await self.library.open(path, "rb", buffering=0)

    @contextmanager
    def _one_worker(self):
        if not self.native:
            self.executor = ThreadPoolExecutor(1)
            asyncio.get_running_loop().set_default_executor(self.executor)
            yield
            return
        before = self.library.stats()["max_threads"]
        self.library.set_threads(1)
        try:
            yield
        finally:
            self.library.set_threads(before)

    async def _held(self):
        if self.native:
            await eventually(
                lambda: self.library.stats()["running"] >= 1,
                "a worker opens the FIFO",
            )
        else:
            await turns()
            await eventually(
                lambda: self.waiting() == 0, "a thread opens the FIFO"
            )

    def waiting(self):
        """How many jobs have no worker yet."""
        if self.native:
            return self.library.stats()["queued"]
        return self.executor._work_queue.qsize()

    async def queued(self, count=1):
        """Wait until so many jobs wait for a worker."""
        await eventually(
            lambda: self.waiting() >= count, f"{count} jobs are queued"
        )


@contextmanager
def plug(path):
    """Be the other end of a FIFO: whoever is inside open(2) gets on."""
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
