"""What is not cached is asked for again, before a worker is sent for it.

The kernel begins to fetch what a read that does not wait has not found.  Debug
builds have it say so as often as a test wants.
"""

import asyncio
import errno
import os
import time

import aiofiles_c
import pytest

from .support.inject import fault, needs_injection, uncached
from .support.kernel import reads_at_once, skip_unless
from .support.waiting import cancelled, jobs_end, turns, turns_counted, within

pytestmark = needs_injection

DATA = b"".join(b"%07d\n" % n for n in range(20_000))
SIZE = 4096
TRIES = 17  # once it was often in vain it is tried one time in 16


@pytest.fixture
async def path(native, tmp_path):
    """A file for which asking again has paid, the last time."""
    path = tmp_path / "file"
    path.write_bytes(DATA)
    skip_unless(reads_at_once, path)
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("with one processor a worker is sent at once")
    await pays(path)
    return path


async def pays(path):
    """Have it pay once, however often it was in vain."""
    async with aiofiles_c.open(path, "rb", 0) as file:
        for _ in range(TRIES):
            with fault("READ_NOWAIT", errno.EAGAIN):
                await file.read(1)


def jobs():
    return aiofiles_c.stats()["jobs"]


async def comes_without_worker(path, buffering=0, times=1):
    """Have the kernel say so many times that the data is not there yet."""
    async with aiofiles_c.open(path, "rb", buffering) as file:
        before = jobs()
        with fault("READ_NOWAIT", errno.EAGAIN, count=times) as met:
            assert await within(file.read(SIZE)) == DATA[:SIZE]
        assert met.happened
        assert jobs() == before


@pytest.mark.parametrize("times", (1, 2))
@pytest.mark.parametrize("buffering", (0, -1))
async def test_what_comes_soon_takes_no_worker(path, buffering, times):
    """The result is the same, and no job was made for it."""
    await comes_without_worker(path, buffering, times)


async def test_one_that_asks_gives_way_once_where_turns_are_long(path):
    """It has done so: the time that others have taken is not its own."""

    async def compute():
        while True:
            time.sleep(0.001)
            await asyncio.sleep(0)

    count = 20
    other = asyncio.ensure_future(compute())
    async with aiofiles_c.open(path, "rb", 0) as file:
        async with turns_counted() as taken:
            for _ in range(count):
                with fault("READ_NOWAIT", errno.EAGAIN):
                    await file.read(1)
            assert len(taken) <= count * 5 // 4
    await cancelled(other)


async def test_what_does_not_come_is_read_by_a_worker(path):
    """It is asked for a moment, and no longer."""
    async with aiofiles_c.open(path, "rb", 0) as file:
        before = jobs()
        with uncached():
            assert await within(file.read(SIZE)) == DATA[:SIZE]
        assert jobs() == before + 1
        assert await file.read(SIZE) == DATA[SIZE:2 * SIZE]


async def test_asking_that_is_often_in_vain_is_given_up(path):
    """From then on one read in sixteen asks."""
    async with aiofiles_c.open(path, "rb", 0) as file:
        with uncached():
            for _ in range(TRIES):
                await within(file.read(SIZE))
        before = jobs()
        for _ in range(TRIES):
            with fault("READ_NOWAIT", errno.EAGAIN):
                await within(file.read(1))
    assert before + 1 <= jobs() < before + TRIES


async def test_long_read_is_left_to_a_worker(path):
    """The kernel fetches it by pieces, a worker as a whole."""
    async with aiofiles_c.open(path, "rb") as file:
        before = jobs()
        with fault("READ_NOWAIT", errno.EAGAIN):
            assert await within(file.read()) == DATA
        assert jobs() == before + 1


@pytest.mark.parametrize("mode", ("r", "rb"))
@pytest.mark.parametrize("after", range(4))
async def test_cancelled_while_it_asks_has_taken_nothing(path, mode, after):
    """The next read begins where that one did."""
    data = DATA if "b" in mode else DATA.decode()
    async with aiofiles_c.open(path, mode) as file:
        assert await file.read(8) == data[:8]
        await file.seek(50_000)
        with uncached():
            task = asyncio.ensure_future(file.read(SIZE))
            await turns(after)
            await cancelled(task)
        assert await file.tell() == 50_000
        assert await within(file.read(SIZE)) == data[50_000:50_000 + SIZE]


async def test_many_that_ask_and_are_cancelled_leave_room_for_others(path):
    """So many may ask at once; who is gone does not count."""
    files = [await aiofiles_c.open(path, "rb", 0) for _ in range(100)]
    with uncached():
        tasks = [asyncio.ensure_future(file.read(SIZE)) for file in files]
        await turns(2)
        for task in tasks:
            task.cancel()
        await within(asyncio.wait(tasks))
        jobs_end()
    for task, file in zip(tasks, files):
        position = 0 if task.cancelled() else SIZE
        assert await file.tell() == position
        await file.close()
    assert any(task.cancelled() for task in tasks)
    await pays(path)
    await comes_without_worker(path)


async def test_those_that_are_not_run_any_more_lose_their_places(path):
    """They asked once, and nobody has called them again."""
    files = [await aiofiles_c.open(path, "rb", 0) for _ in range(100)]
    left = []
    with uncached():
        for file in files:
            left.append(file.read(SIZE))
            left[-1].send(None)
    time.sleep(0.1)  # they keep the places for a fifth of it
    await pays(path)
    await comes_without_worker(path)
    for operation, file in zip(left, files):
        operation.close()
        await file.close()
    jobs_end()


async def test_reads_behind_one_that_asks_come_after_it(path):
    """Its turn in the file is kept; other files do not wait."""
    async with (
        aiofiles_c.open(path, "rb", 0) as file,
        aiofiles_c.open(path, "rb", 0) as other,
    ):
        with fault("READ_NOWAIT", errno.EAGAIN, count=2):
            first = asyncio.ensure_future(file.read(SIZE))
            second = asyncio.ensure_future(file.readline())
            position = asyncio.ensure_future(file.tell())
            third = asyncio.ensure_future(other.read(SIZE))
            got = await within(asyncio.gather(first, second, position, third))
    assert got == [DATA[:SIZE], DATA[SIZE:SIZE + 8], SIZE + 8, DATA[:SIZE]]


async def test_synchronous_look_meanwhile_is_at_the_old_position(path):
    """fileno(), by which others see the offset, while a read asks."""
    async with aiofiles_c.open(path, "rb") as file:
        await file.seek(SIZE)
        with fault("READ_NOWAIT", errno.EAGAIN, count=2):
            task = asyncio.ensure_future(file.read(SIZE))
            await turns(1)
            assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == SIZE
            assert await within(task) == DATA[SIZE:2 * SIZE]
        assert await file.tell() == 2 * SIZE


READERS = (("r", -1), ("rb", -1), ("rb", 0), ("rb+", 16))


async def read_out(path, mode, buffering, how):
    """All of the file, by parts."""
    got = []
    async with aiofiles_c.open(path, mode, buffering) as file:
        if how == "iteration":
            got = [line async for line in file]
        else:
            while part := await getattr(file, how)(5000):
                got.append(part)
    return b"".join(p if "b" in mode else p.encode() for p in got)


@pytest.mark.parametrize("how", ("read", "readline", "iteration"))
@pytest.mark.parametrize("mode, buffering", READERS)
@pytest.mark.parametrize("times", (1, 3))
async def test_asking_in_each_place_changes_nothing(
    path, mode, buffering, how, times
):
    """The first read that does not find its data, the second, ... the last."""
    if buffering == 0 and how != "read":
        pytest.skip("a line is a system call there")
    for n in range(100):
        with fault(
            "READ_NOWAIT", errno.EAGAIN, skip=n, count=times
        ) as met:
            got = await within(read_out(path, mode, buffering, how))
        assert got == DATA, n
        if not met.happened:
            return
    raise AssertionError("more reads than were thought of")
