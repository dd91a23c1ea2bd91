"""A task whose operations are all done at once lets the others run."""

import asyncio
import os
import selectors
import time
from contextlib import AsyncExitStack, closing, contextmanager

import aiofiles_c
import pytest

from .support.kernel import reads_at_once, skip_unless
from .support.waiting import within

LINES = b"a line of some bytes, as there are many\n" * 20_000
MANY = 300_000  # operations: far more than a turn of the loop can hold


async def lines(file):
    """A line, from the beginning again after the last."""
    if not await file.readline():
        await file.seek(0)


async def iteration(file):
    """The same by __anext__."""
    try:
        await file.__anext__()
    except StopAsyncIteration:
        await file.seek(0)


async def blocks(file):
    """64 KiB that are in the page cache."""
    if not await file.read(65536):
        await file.seek(0)


async def position(file):
    """What costs next to nothing."""
    await file.tell()


async def writes(file):
    """Accepted bytes, over the same place."""
    await file.write(LINES[:80])
    if await file.tell() > 1 << 20:
        await file.seek(0)


WORK = (lines, iteration, blocks, position, writes)


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("tasks", (1, 5))
async def test_work_that_never_waits_gives_way(ours, make, work, tasks):
    """Somebody else's task goes on after a few milliseconds of it."""
    path = make(LINES)
    heard = False
    done = 0

    async def busy(file):
        nonlocal done
        while not heard and done < MANY:
            await work(file)
            done += 1

    async def other():
        nonlocal heard
        for _ in range(3):
            await asyncio.sleep(0)
        heard = True

    async with AsyncExitStack() as stack:
        files = [
            await stack.enter_async_context(ours.open(path, "rb+"))
            for _ in range(tasks)
        ]
        await within(asyncio.gather(*map(busy, files), other()))
    assert done < MANY


async def test_many_tasks_that_never_wait_have_their_share_each(ours, make):
    """None is left behind by the others, however short a turn is."""
    path = make(LINES)
    tasks, each = 60, 30
    done = [0] * tasks

    async def busy(number, file):
        while sum(done) < tasks * each:
            await blocks(file)
            done[number] += 1

    async with AsyncExitStack() as stack:
        files = [
            await stack.enter_async_context(ours.open(path, "rb"))
            for _ in range(tasks)
        ]
        await within(asyncio.gather(*map(busy, range(tasks), files)))
    assert min(done) >= each // 4, done


async def test_work_behind_a_slow_callback_has_its_share(native, make):
    """Though the loop has no time left for it, whenever its turn comes."""
    path = make(LINES)
    turns = 0
    done = [0, 0]

    async def busy(number, file):
        while turns < 100:
            await lines(file)
            done[number] += 1

    async def slow():
        nonlocal turns
        while turns < 100:
            turns += 1
            until = time.perf_counter() + 0.001
            while time.perf_counter() < until:
                pass
            await asyncio.sleep(0)

    async with (
        aiofiles_c.open(path, "rb") as first,
        aiofiles_c.open(path, "rb") as last,
    ):
        # In each turn of the loop in this order.
        works = busy(0, first), slow(), busy(1, last)
        await within(asyncio.gather(*works))
    assert done[1] >= done[0] // 8, done


class Counted:
    """A selector by which the turns of its loop can be counted."""

    turns = 0

    def select(self, timeout=None):
        self.turns += 1
        return super().select(timeout)


class Selector(Counted, selectors.DefaultSelector):
    """The one that the loop takes by itself."""


class Unasked(Counted, selectors.SelectSelector):
    """One that has no descriptor to be asked by."""


class Watched(Counted, selectors.DefaultSelector):
    """One that runs code of its own when it is asked."""

    def __getattribute__(self, name):
        return super().__getattribute__(name)


class Unknown(asyncio.SelectorEventLoop):
    """A loop that might have more to do than asyncio's own."""


@contextmanager
def nothing(loop):
    """Nobody waits for the loop."""
    loop.call_later(3600, bool)  # not yet
    yield bool


@contextmanager
def callback(loop):
    """Somebody calls back in each turn."""

    def again():
        nonlocal handle
        handle = loop.call_soon(again)

    handle = loop.call_soon(again)
    yield bool
    handle.cancel()


@contextmanager
def timer(loop):
    """A timer runs out during the work."""

    def again():
        nonlocal handle
        handle = loop.call_later(0.0001, again)

    handle = loop.call_soon(again)
    yield bool
    handle.cancel()


@contextmanager
def descriptor(loop):
    """A descriptor gets ready during the work."""
    fd, other = os.pipe()
    loop.add_reader(fd, os.read, fd, 65536)
    yield lambda: os.write(other, b"x")
    loop.remove_reader(fd)
    os.close(fd)
    os.close(other)


def turns_of(kind, selector, path, waits=nothing):
    """The turns that a loop makes during work that is done at once."""
    loop = kind(selector)

    async def work():
        async with aiofiles_c.open(path, "rb") as file:
            with waits(loop) as meanwhile:
                before = selector.turns
                for i in range(MANY):
                    await file.tell()
                    if i % 50 == 0:
                        meanwhile()
                return selector.turns - before

    with closing(loop):
        return loop.run_until_complete(within(work()))


@pytest.mark.parametrize(
    ("kind", "selector", "waits"),
    (
        (asyncio.SelectorEventLoop, Selector, callback),
        (asyncio.SelectorEventLoop, Selector, timer),
        (asyncio.SelectorEventLoop, Selector, descriptor),
        (asyncio.SelectorEventLoop, Unasked, nothing),
        (asyncio.SelectorEventLoop, Watched, nothing),
        (Unknown, Selector, nothing),
    ),
    ids=("callback", "timer", "descriptor", "selector", "watched", "loop"),
)
def test_a_loop_that_may_be_waited_for_turns_more_often(
    at_once, make, kind, selector, waits
):
    """Than asyncio's own while nobody does; but that turns too."""
    path = make(LINES)
    alone = turns_of(asyncio.SelectorEventLoop, Selector(), path)
    assert 0 < alone < turns_of(kind, selector(), path, waits) / 2


def test_an_operation_after_a_pause_does_not_make_the_loop_turn(
    at_once, make
):
    """Since nobody waits for it, however long nothing was done."""
    path = make(LINES)
    skip_unless(reads_at_once, path)
    selector = Selector()

    async def work():
        async with aiofiles_c.open(path, "rb") as file:
            await file.read(1)
            before = selector.turns
            for _ in range(50):
                time.sleep(0.002)
                await file.seek(0)
                await file.read(65536)
            return selector.turns - before

    with closing(asyncio.SelectorEventLoop(selector)) as loop:
        turned = loop.run_until_complete(within(work()))
    assert turned < 10  # some may take their time
