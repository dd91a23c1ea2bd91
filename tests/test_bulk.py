"""Reads of much at once, in several turns of the loop: one after the other."""

import asyncio
import threading
import tracemalloc

import aiofiles_c
import pytest

from .support.kernel import reads_at_once, skip_unless
from .support.waiting import PATIENCE, cancelled, turns, within

MIB = 1 << 20
# As much as is not left to workers, which takes several steps; few lines.
LINE = b"0123456789abcde " * 64 + b"\n"
MUCH = {
    "r": ("\u00e9".encode() * 512 + LINE) * (MIB // 1024 - 50),
    "rb": LINE * (7 * MIB // 1025),
}
MODES = pytest.mark.parametrize("mode", MUCH)


@pytest.fixture
def much(make, mode):
    """A file that is opened in this mode, all of it in the page cache."""
    return make(MUCH[mode])


def opened(path, mode):
    """One more file object for it."""
    return aiofiles_c.open(path, mode, encoding=None if "b" in mode else "utf-8")


async def length_of(path, mode):
    """Read all of it, and keep nothing."""
    async with opened(path, mode) as file:
        return len(await file.read())


def lengths(mode, count):
    """Of so many of them."""
    data = MUCH[mode]
    return [len(data if "b" in mode else data.decode())] * count


async def most_memory(awaitable):
    """That was taken meanwhile, at a time, and the result."""
    tracemalloc.start()
    try:
        result = await within(awaitable)
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


@MODES
@pytest.mark.parametrize("how", ("read", "sized", "readlines"))
async def test_tasks_that_read_much_do_not_all_hold_it_at_once(
    at_once, much, mode, how
):
    """Ten of them hold about as much as one, if they keep nothing of it."""

    async def read():
        async with opened(much, mode) as file:
            if how == "sized":
                return len(await file.read(len(MUCH[mode])))
            return len(await getattr(file, how)())

    skip_unless(reads_at_once, much)
    one, given = await most_memory(read())
    ten, together = await most_memory(asyncio.gather(*(read() for _ in range(10))))
    assert together == [given] * 10
    assert ten < 4 * one


@MODES
async def test_tasks_that_read_much_end_in_the_order_of_their_beginning(
    at_once, much, mode
):
    """With turns of the loop between, for it is not done in one."""
    skip_unless(reads_at_once, much)
    ended = {}
    turn = 0

    async def read(number):
        await length_of(much, mode)
        ended[number] = turn

    task = asyncio.gather(*map(read, range(5)))
    while not task.done():
        await asyncio.sleep(0)
        turn += 1
    assert list(ended) == list(range(5))
    assert ended[0] < ended[4] / 2, ended


@MODES
async def test_read_of_much_that_nobody_goes_on_with_holds_up_no_other(
    ours, much, mode
):
    """It has begun, and those that come after it begin all the same."""
    await length_of(much, mode)  # the first may be by workers
    async with opened(much, mode) as file:
        for _ in range(1000):  # so that the first step does not give way
            await file.tell()
        asyncio.get_running_loop().call_soon(int)  # for which the next one does
        left = file.read()
        left.send(None)
        given = asyncio.gather(*(length_of(much, mode) for _ in range(3)))
        assert await within(given) == lengths(mode, 3)
        left.close()
        assert [len(await file.read())] == lengths(mode, 1)


@MODES
async def test_read_of_much_that_is_cancelled_holds_up_no_other(ours, much, mode):
    """In the middle, or before it has begun; it has lost nothing."""
    for which in range(3):
        files = [opened(much, mode) for _ in range(4)]
        files = [await file for file in files]
        tasks = [asyncio.ensure_future(file.read()) for file in files]
        await turns(2)
        if not tasks[which].done():
            if not ours.native:
                await within(tasks[which])
            else:
                await cancelled(tasks[which])
        others = [len(await within(task)) for task in tasks if not task.cancelled()]
        assert others == lengths(mode, len(others))
        if tasks[which].cancelled():
            assert [len(await files[which].read())] == lengths(mode, 1)
        for file in files:
            await file.close()


@MODES
def test_loops_of_several_threads_read_much_at_the_same_time(ours, much, mode):
    """None waits for what another does, or does not."""
    given = []

    async def read_all():
        tasks = [length_of(much, mode) for _ in range(5)]
        given.append(await within(asyncio.gather(*tasks)))

    threads = [
        threading.Thread(target=asyncio.run, args=(read_all(),), daemon=True)
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert given == [lengths(mode, 5)] * 3
