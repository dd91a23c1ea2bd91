"""A task whose operations are all done at once lets the others run."""

import asyncio
import time
from contextlib import AsyncExitStack

import aiofiles_c
import pytest

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
