"""A cancelled open() leaves no descriptor, and a cancelled block no file."""

import asyncio
import os

import aiofiles_c
import pytest

from .support.gate import plug
from .support.pipes import take
from .support.waiting import (
    begun,
    cancelled,
    eventually,
    pool_rests,
    turns,
    within,
)


@pytest.fixture(autouse=True)
def engine(native):
    """An executor's thread cannot be cancelled, and keeps what it has read."""


def descriptors_of(path):
    """The descriptors of this process that are open on the path."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}") == str(path):
                found.append(int(name))
        except OSError:
            continue
    return found


needs_proc = pytest.mark.skipif(
    not os.path.isdir("/proc/self/fd"), reason="there is no /proc"
)


async def opening(path, mode="rb"):
    return await aiofiles_c.open(path, mode)


@needs_proc
async def test_open_running_cancelled_leaves_no_descriptor(gate):
    """open() of a FIFO without a peer can be cancelled; nothing stays."""
    path = gate.fifo()
    before = aiofiles_c.stats()["running"]
    task = await begun(opening(path))
    await cancelled(task)
    with plug(path) as descriptor:
        await eventually(
            lambda: aiofiles_c.stats()["running"] == before
            and descriptors_of(path) == [descriptor],
            "the late open is closed again",
        )


@needs_proc
async def test_open_queued_cancelled_leaves_no_descriptor(gate, path):
    """open() without a worker yet can be cancelled; nothing stays."""
    async with gate.shut():
        task = asyncio.ensure_future(opening(path, "wb"))
        await gate.queued(1)
        await cancelled(task)
    await eventually(
        lambda: pool_rests() and descriptors_of(path) == [],
        "nothing is left of the open",
    )


async def test_open_queued_cancelled_is_taken_back(gate):
    """A worker never gets to an open that was cancelled before: no peer
    will ever come for this FIFO, and the worker is needed."""
    async with gate.shut():
        path = gate.fifo()
        task = asyncio.ensure_future(opening(path))
        await gate.queued(1)
        await cancelled(task)
        with plug(path):  # or the gate would not open after a failure
            await eventually(lambda: gate.waiting() == 0, "it is taken back")


@needs_proc
async def test_open_cancelled_at_every_turn_leaves_no_descriptor(make):
    """Whatever step the cancel meets, the file is the task's or nobody's."""
    path = make(b"data")
    for turn in range(15):
        got = []

        async def opener(got):
            got.append(await aiofiles_c.open(path, "rb"))

        task = asyncio.ensure_future(opener(got))
        await turns(turn)
        task.cancel()
        await asyncio.wait([task])
        for file in got:
            await within(file.close())
        await eventually(
            lambda: descriptors_of(path) == [], "nothing is left open"
        )


async def test_with_block_cancelled_closes_the_file(pipe):
    """A task cancelled inside the block leaves it with the file closed."""
    files = []

    async def user():
        async with aiofiles_c.open(take(pipe, 0), "rb") as file:
            files.append(file)
            await file.read(10)

    task = await begun(user())
    await eventually(lambda: files, "the file is open")
    await turns(5)
    task.cancel()
    await turns(5)
    os.close(take(pipe, 1))  # a close may wait for the job's end
    with pytest.raises(asyncio.CancelledError):
        await within(task)
    assert files[0].closed
