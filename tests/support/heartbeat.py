"""How long an event loop did nothing else while something ran in it."""

import asyncio
import gc
import os
import time

BEAT = 0.005  # seconds
LONGEST = 0.05  # what a gap between two beats may be


def waited_for_processor():
    """Seconds in which this thread could run and another had its processor."""
    try:
        with open("/proc/thread-self/schedstat") as file:
            return int(file.read().split()[1]) / 1e9
    except OSError:
        return 0.0


def taken_by_the_host():
    """Seconds in which a virtual machine's processors did not run at all."""
    try:
        with open("/proc/stat") as file:
            return int(file.readline().split()[8]) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0


class Heartbeat:
    """`async with Heartbeat() as heart:` beats; `heart.longest` in seconds.

    Of a gap between two beats, what counts is the time outside of the loop's
    selector: that it comes back late, or that other threads or machines have
    the processor, is the load.  What cyclic garbage the tests before have left is
    not looked for meanwhile.
    """

    def __init__(self):
        self.longest = 0.0
        self.beats = 0
        self.away = 0.0  # seconds in the selector, and without a processor

    def _watch(self, selector):
        select = selector.select

        def timed(timeout=None):
            began = time.monotonic()
            try:
                return select(timeout)
            finally:
                self.away += time.monotonic() - began

        selector.select = timed

    def _busy(self):
        waited = waited_for_processor() + taken_by_the_host()
        return time.monotonic() - self.away - waited

    async def _beat(self):
        last = self._busy()
        while True:
            await asyncio.sleep(BEAT)
            now = self._busy()
            self.longest = max(self.longest, now - last)
            self.beats += 1
            last = now

    async def __aenter__(self):
        self.selector = asyncio.get_running_loop()._selector
        self._watch(self.selector)
        gc.disable()
        self.task = asyncio.ensure_future(self._beat())
        await asyncio.sleep(BEAT)
        return self

    async def __aexit__(self, kind, *exc):
        await asyncio.sleep(BEAT)  # a stall at the end shows in one more beat
        self.task.cancel()
        await asyncio.wait([self.task])
        del self.selector.select  # the class's again
        gc.enable()
        if kind is None:
            assert self.beats > 1
            assert self.longest < LONGEST, f"{self.longest:.3f} s"
