"""A cancelled write is in the file once and whole, or not at all.

And whatever was cancelled of what changes a file, what comes next is right.
"""

import asyncio
import contextlib
import os

import aiofiles_c
import pytest

from .support.kernel import evict
from .support.pipes import take
from .support.waiting import begun, cancelled, turns, within


@pytest.fixture(autouse=True)
def engine(native):
    """An executor's thread cannot be cancelled, and keeps what it has read."""


@pytest.mark.parametrize("size", (8, 3000, 40_000))
async def test_writer_task_cancelled_at_every_turn_writes_all_or_nothing(
    path, size
):
    """Each write is in the file once and whole, or not at all."""
    for turn in range(40):
        accepted = []

        async def writer(file, accepted):
            for number in range(60):
                await file.write(b"%07d\n" % number * (size // 8))
                accepted.append(number)

        file = await aiofiles_c.open(path, "wb")
        task = asyncio.ensure_future(writer(file, accepted))
        await turns(turn)
        task.cancel()
        await asyncio.wait([task])
        await file.write(b"end")
        await within(file.close())
        whole = path.read_bytes()
        assert whole.endswith(b"end")
        count = (len(whole) - 3) // (size // 8 * 8)
        assert count in (len(accepted), len(accepted) + 1), turn
        assert whole == b"".join(
            b"%07d\n" % number * (size // 8) for number in range(count)
        ) + b"end"


async def drained(descriptor):
    """Read a pipe to its end, off the loop."""

    def drain():
        with os.fdopen(descriptor, "rb") as reader:
            return reader.read()

    return await asyncio.get_running_loop().run_in_executor(None, drain)


async def test_write_cancelled_while_its_block_is_read_leaves_no_trace(make):
    """A write among cold bytes reads their block first.

    What the cancelled one was in the middle of must not be found by the next
    operation, of this file or of another.
    """
    path = make(bytes(1 << 20))
    async with aiofiles_c.open(path, "rb+", buffering=65536) as other:
        await other.read(10)
        for _ in range(50):
            async with aiofiles_c.open(path, "rb+", buffering=65536) as file:
                await file.read(10)
                evict(path)
                write = asyncio.ensure_future(file.write(b"xx"))
                await turns(1)
                write.cancel()
                await asyncio.wait([write])
                assert await file.seek(20) == 20
                assert await file.tell() == 20
                assert await other.write(b"") == 0
                assert await file.write(b"y") == 1
                assert await file.tell() == 21


@pytest.mark.parametrize("mode", ("w", "wb"))
async def test_flush_of_a_full_pipe_cancelled_is_written_once(pipe, mode):
    """What could not be flushed yet is written later, once, in order."""
    kind = str if mode == "w" else str.encode
    file = await aiofiles_c.open(take(pipe, 1), mode)
    size = 300_000
    task = asyncio.ensure_future(file.write(kind("a" * size)))
    await turns(5)
    if task.done():  # accepted: the buffer's now
        await cancelled(await begun(file.flush()))
        counts = {size}
    else:
        await cancelled(task)
        counts = {0, size}
    whole = asyncio.ensure_future(drained(take(pipe, 0)))
    await within(file.write(kind("b" * 10)))
    await within(file.close())
    data = await within(whole)
    assert data.endswith(b"b" * 10)
    assert len(data) - 10 in counts
    assert set(data[:-10]) <= {ord("a")}


async def test_close_cancelled_still_writes_and_closes(pipe):
    """A cancelled close() is not undone: data and descriptor are let go."""
    file = await aiofiles_c.open(take(pipe, 1), "wb")
    size = 200_000
    await within(file.write(b"a" * 10))
    big = asyncio.ensure_future(file.write(b"b" * size))
    await turns(5)
    closing = await begun(file.close())
    await cancelled(closing)
    whole = asyncio.ensure_future(drained(take(pipe, 0)))
    await within(asyncio.wait([big]))
    await within(file.close())
    assert file.closed
    assert await within(whole) == b"a" * 10 + b"b" * size


async def test_close_after_a_cancelled_read_frees_the_number_safely(pipe):
    """A late job neither reads from nor closes the number's next file."""
    file = await aiofiles_c.open(take(pipe, 0), "rb")
    await cancelled(await begun(file.read(5)))
    closing = asyncio.ensure_future(file.close())
    await turns(5)
    others = [os.pipe() for _ in range(5)]
    try:
        for _, writing in others:
            os.write(writing, b"theirs")
        # Where no worker had the read yet, the pipe may be closed by now.
        with contextlib.suppress(BrokenPipeError):
            os.write(pipe[1], b"late data")
        await within(closing)
        assert file.closed
        for reading, _ in others:
            assert os.read(reading, 10) == b"theirs"
    finally:
        for end in (end for ends in others for end in ends):
            os.close(end)


@pytest.mark.parametrize("last", ("flush", "close"))
async def test_writes_queued_cancelled_are_written_once(path, gate, last):
    """Cancelled while every worker is held: what was accepted is written,
    in order, by the flush or close that follows."""
    accepted = [b"start\n"]
    file = await aiofiles_c.open(path, "wb")
    await file.write(accepted[0])
    async with gate.shut():
        for number in range(20):
            data = b"%07d\n" % number * 3000
            task = asyncio.ensure_future(file.write(data))
            await turns(3)
            if task.done():
                accepted.append(data)
            else:  # no room for it: it was not accepted
                await cancelled(task)
        task = asyncio.ensure_future(getattr(file, last)())
        await turns(3)
        await cancelled(task)
    await within(file.close())
    assert file.closed
    assert path.read_bytes() == b"".join(accepted)


async def test_seek_tell_truncate_queued_cancelled_leave_the_file_usable(
    make, gate
):
    """Whatever was cancelled, what comes next is right."""
    path = make(b"0123456789" * 100)
    async with aiofiles_c.open(path, "rb+") as file:
        await file.read(5)
        async with gate.shut():
            for call in (
                lambda: file.flush(), lambda: file.tell(),
                lambda: file.seek(7), lambda: file.truncate(500),
                lambda: file.seek(0, 2), lambda: file.write(b"x"),
                lambda: file.isatty(), lambda: file.seekable(),
            ):
                task = asyncio.ensure_future(call())
                await turns(3)
                task.cancel()
                await within(asyncio.wait([task]))
        await file.seek(3)
        assert await within(file.read(4)) == b"3456"
        await file.seek(100)
        await file.write(b"written")
    assert path.read_bytes()[100:107] == b"written"
