"""A cancelled operation is gone at once, and nothing is lost.

What a cancelled read had read is what the next read returns.
"""

import asyncio
import contextlib
import os
import threading

import aiofiles_c
import pytest

from .support import strategies
from .support.examples import examples_of
from .support.inject import held, needs_injection
from .support.model import run_interrupted
from .support.pipes import take
from .support.waiting import (
    begun,
    cancelled,
    eventually,
    jobs_end,
    turns,
    within,
)


@pytest.fixture(autouse=True)
def engine(native):
    """An executor's thread cannot be cancelled, and keeps what it has read."""


READS = {
    "read": lambda f: f.read(6),
    "read to the end": lambda f: f.read(),
    "readline": lambda f: f.readline(),
    "readlines": lambda f: f.readlines(),
    "next": lambda f: f.__anext__(),
    "peek": lambda f: f.peek(3),
    "read1": lambda f: f.read1(100),
    "readinto": lambda f: f.readinto(bytearray(6)),
    "readinto1": lambda f: f.readinto1(bytearray(6)),
}
RAW_READS = ("read", "read to the end", "readline", "readinto")
TEXT_READS = ("read", "read to the end", "readline", "readlines", "next")
EVERY_READ = (
    [("rb", -1, name) for name in READS]
    + [("rb", 0, name) for name in RAW_READS]
    + [("r", -1, name) for name in TEXT_READS]
)
each_read = pytest.mark.parametrize("mode, buffering, name", EVERY_READ)


@each_read
async def test_read_running_cancelled_loses_nothing(
    pipe, mode, buffering, name
):
    """Data that comes after the cancel is what the next read returns."""
    async with aiofiles_c.open(take(pipe, 0), mode, buffering) as file:
        task = await begun(READS[name](file))
        await cancelled(task)
        os.write(pipe[1], b"abc\ndef\n")
        line = await within(file.readline())
        assert line in ("abc\n", b"abc\n")
        os.close(take(pipe, 1))
        assert await within(file.read()) in ("def\n", b"def\n")


@each_read
async def test_read_cancelled_with_half_of_its_data_loses_nothing(
    pipe, mode, buffering, name
):
    """What had come before the cancel is still there after it."""
    if name in ("peek", "read1", "readinto1") or (
        buffering == 0 and name in ("read", "readinto")
    ):
        pytest.skip("it is content with what there is")
    async with aiofiles_c.open(take(pipe, 0), mode, buffering) as file:
        task = await begun(READS[name](file))
        os.write(pipe[1], b"ab")
        await turns(20)
        assert not task.done()
        await cancelled(task)
        os.write(pipe[1], b"c\ndef\n")
        line = await within(file.readline())
        assert line in ("abc\n", b"abc\n")
        os.close(take(pipe, 1))
        assert await within(file.read()) in ("def\n", b"def\n")


@each_read
async def test_read_queued_cancelled_loses_nothing(
    pipe, gate, mode, buffering, name
):
    """A job that had no worker yet is taken back; the next read runs."""
    os.write(pipe[1], b"abc\ndef\n")
    async with aiofiles_c.open(take(pipe, 0), mode, buffering) as file:
        async with gate.shut():
            task = asyncio.ensure_future(READS[name](file))
            await turns(5)
            if task.done():
                pytest.skip("no worker is needed")
            await cancelled(task)
        assert await within(file.readline()) in ("abc\n", b"abc\n")
        os.close(take(pipe, 1))
        assert await within(file.read()) in ("def\n", b"def\n")


@pytest.mark.parametrize("mode", ("r", "rb"))
async def test_read_of_a_disk_file_cancelled_loses_nothing(
    make, gate, mode
):
    """Cancelled with every worker held, or served at once: no byte goes."""
    data = b"".join(b"%07d\n" % n for n in range(5000))
    got = []
    async with aiofiles_c.open(make(data), mode) as file:
        async with gate.shut():
            for _ in range(10):
                task = asyncio.ensure_future(file.read(1000))
                await turns(5)
                if task.done():
                    got.append(task.result())
                else:
                    await cancelled(task)
        got.append(await within(file.read()))
    whole = "".join(got).encode() if mode == "r" else b"".join(got)
    assert whole == data


def test_any_sequence_cancelled_and_done_again_behaves_as_open(tmp_path):
    """Each call of any sequence is cancelled first: before its first step, in
    the queue, with a worker on it, or done and not delivered.  The second
    call gives what the first would have given."""
    loop = asyncio.new_event_loop()

    @examples_of(strategies.interrupted_cases())
    def check(case):
        loop.run_until_complete(
            run_interrupted(case, aiofiles_c.open, tmp_path)
        )

    try:
        check()
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


NEXT = {
    "a byte of the next block": lambda f: f.read(4097 - 10),
    "a byte of the block after it": lambda f: f.read(2 * 4096 + 1 - 10),
    "a line": lambda f: f.readline(),
    "a whole block into memory": lambda f: f.readinto(bytearray(4096)),
    "the rest of the block": lambda f: f.read(4096 - 10),
}
WRITES = {
    "nothing": b"", "some": b"ab", "what fits": b"c" * 4000,
    "what does not": b"d" * 4096, "more": b"e" * 4097,
}


@pytest.mark.parametrize("late", (True, False))
@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("name", NEXT)
async def test_read_cancelled_leaves_others_the_buffer_of_open(
    tmp_path, gate, name, write, late
):
    """The next calls that move the descriptor move it as if it had not been."""
    content = b"".join(b"%05999d\n" % n for n in range(600))
    paths = tmp_path / "reference", tmp_path / "subject"
    for path in paths:
        path.write_bytes(content)
    with open(paths[0], "rb+", 4096) as reference:
        async with aiofiles_c.open(paths[1], "rb+", 4096) as file:
            places = [
                lambda f=f: os.lseek(f.fileno(), 0, os.SEEK_CUR)
                for f in (reference, file)
            ]
            places[1]()  # seen by others from now on
            assert reference.read(10) == await file.read(10)
            async with gate.shut() if not late else contextlib.nullcontext():
                task = asyncio.ensure_future(file.read(2 << 20))
                await turns(1 if late else 5)
                if late:
                    jobs_end()  # the loop has not taken notice of it
                await cancelled(task)
            for call in (
                NEXT[name], lambda f: f.write(WRITES[write]),
                lambda f: f.read(1), lambda f: f.write(WRITES[write]),
            ):
                assert await within(call(file)) == call(reference)
                if places[0]() != 4096:  # what the first read has got
                    assert places[1]() == places[0]()
                assert await file.tell() == reference.tell()
    assert paths[1].read_bytes() == paths[0].read_bytes()


@pytest.mark.parametrize("name", READS)
async def test_read_of_the_buffer_while_a_cancelled_one_is_under_way(
    make, name
):
    """What that one gets later is not taken for what is in the buffer."""
    data = b"0123456789\n" * 10
    path = make(data)
    async with aiofiles_c.open(path, "rb+", 4096) as file:
        file.fileno()
        await file.read(10)
        cancelled_one = file.read(2 << 20)
        cancelled_one.send(None)
        jobs_end()  # the loop has not taken notice of it
        cancelled_one.close()
        await within(READS[name](file))
        await turns()
        place = await file.tell()
        assert await within(file.read(1000)) == data[place:]
        assert await file.tell() == len(data)
        await file.write(b"end")
    assert path.read_bytes() == data + b"end"


@needs_injection
@pytest.mark.parametrize("mode, buffering", (("r", -1), ("rb", 16)))
@pytest.mark.parametrize("name", ("read", "readline", "readlines"))
async def test_seek_cancelled_while_it_is_under_way_is_waited_for(
    at_once, mode, buffering, name
):
    """What comes next is not about what is no longer there; /proc counts as
    slow, so that a worker makes the call."""
    path = "/proc/filesystems"
    if not os.path.exists(path):
        pytest.skip("there is no /proc")
    async with aiofiles_c.open(path, mode, buffering) as file:
        file.fileno()
        await file.read(10)
        with held("LSEEK"):
            seek = await begun(file.seek(100))
            await eventually(lambda: at_once()["running"], "a worker has it")
            await cancelled(seek)
            for ask in (file.seekable, file.writable, file.isatty):
                assert await within(ask()) is (ask == file.seekable)
            task = await begun(READS[name](file))
        found = await within(task)
        with open(path, mode, buffering) as reference:
            reference.seek(100)
            expected = getattr(reference, name)(*([6] * (name == "read")))
            assert found == expected
            if mode == "rb" or name != "readlines":
                assert await file.tell() == reference.tell()


async def test_read_cancelled_before_its_first_step_does_nothing(make):
    """A task that never ran has not touched the file."""
    async with aiofiles_c.open(make(b"0123456789"), "rb") as file:
        task = asyncio.ensure_future(file.read(5))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await file.tell() == 0
        assert await file.read(5) == b"01234"


async def test_read_cancelled_among_others_leaves_them_their_order(pipe):
    """The operations around a cancelled one go on in order."""
    async with aiofiles_c.open(take(pipe, 0), "rb") as file:
        tasks = [asyncio.ensure_future(file.read(2)) for _ in range(5)]
        await turns(5)
        await cancelled(tasks[0])
        await cancelled(tasks[2])
        os.write(pipe[1], b"aabbcc")
        rest = await within(asyncio.gather(tasks[1], tasks[3], tasks[4]))
        assert rest == [b"aa", b"bb", b"cc"]


async def test_readinto_cancelled_leaves_its_buffer_alone_afterwards(pipe):
    """Once the task is gone nobody writes into its buffer."""
    room = bytearray(b"------")
    async with aiofiles_c.open(take(pipe, 0), "rb") as file:
        task = await begun(file.readinto(room))
        await cancelled(task)
        room += b"grown"  # it is not pinned any more
        os.write(pipe[1], b"abcdef")
        assert await within(file.read(6)) == b"abcdef"
    assert room == b"------grown"


async def test_read_cancelled_many_times_loses_nothing(pipe):
    """Hundreds of cancelled reads, then the data comes."""
    async with aiofiles_c.open(take(pipe, 0), "rb") as file:
        for _ in range(300):
            await cancelled(await begun(file.read(10)))
        os.write(pipe[1], b"0123456789")
        assert await within(file.read(10)) == b"0123456789"


@pytest.mark.parametrize("mode", ("r", "rb"))
async def test_wait_for_with_tiny_timeouts_returns_every_byte(pipe, mode):
    """Reads given up again and again return all data, in order."""
    data = b"".join(b"%07d\n" % n for n in range(4000))

    def feed():
        with os.fdopen(writing, "wb", 0) as writer:
            for start in range(0, len(data), 997):
                writer.write(data[start:start + 997])

    writing = take(pipe, 1)
    feeder = threading.Thread(target=feed)
    got = []
    async with aiofiles_c.open(take(pipe, 0), mode) as file:
        feeder.start()
        for number in range(100_000):
            try:
                part = await asyncio.wait_for(
                    file.read(509), (0.00001, 0.0001, 0.001)[number % 3]
                )
            except (asyncio.TimeoutError, TimeoutError):
                continue
            if not part:
                break
            got.append(part)
    feeder.join(20)
    whole = "".join(got).encode() if mode == "r" else b"".join(got)
    assert whole == data


@pytest.mark.parametrize("mode", ("r", "rb"))
async def test_wait_for_of_disk_reads_returns_every_byte(make, mode):
    """The same over a file on disk, by reads, lines and `async for`."""
    data = b"".join(b"%07d\n" % n for n in range(20_000))
    got = []
    async with aiofiles_c.open(make(data), mode) as file:
        calls = (
            lambda: file.read(5000), file.readline, file.__anext__,
            lambda: file.read(70_000),
        )
        for number in range(100_000):
            try:
                part = await asyncio.wait_for(
                    calls[number % 4](),
                    (0.0000001, 0.00001, 0.0001, 0.001, 1)[number % 5],
                )
            except (asyncio.TimeoutError, TimeoutError):
                continue
            except StopAsyncIteration:
                break
            if not part:
                break
            got.append(part)
    whole = "".join(got).encode() if mode == "r" else b"".join(got)
    assert whole == data


@pytest.mark.parametrize("mode", ("r", "rb"))
async def test_reader_task_cancelled_at_every_turn_loses_nothing(make, mode):
    """Whatever step the cancel meets, task and file have all the lines."""
    data = b"".join(b"%07d\n" % n for n in range(3000))
    path = make(data)

    async def reader(file, got):
        while part := await file.read(5000):
            got.append(part)

    for turn in range(40):
        got = []
        async with aiofiles_c.open(path, mode) as file:
            task = asyncio.ensure_future(reader(file, got))
            await turns(turn)
            task.cancel()
            await asyncio.wait([task])
            got.append(await within(file.read()))
        whole = "".join(got).encode() if mode == "r" else b"".join(got)
        assert whole == data, turn


async def test_gather_cancelled_cancels_each_operation(pipe):
    """Cancelling the gather is cancelling all of its operations."""
    async with aiofiles_c.open(take(pipe, 0), "rb") as file:
        reads = asyncio.gather(*(file.read(2) for _ in range(10)))
        await turns(5)
        reads.cancel()
        with pytest.raises(asyncio.CancelledError):
            await within(reads)
        os.write(pipe[1], b"abcd")
        assert await within(file.read(4)) == b"abcd"


async def test_shielded_read_goes_on_when_its_waiter_is_cancelled(pipe):
    """A shield keeps the operation: its result is not given twice."""
    async with aiofiles_c.open(take(pipe, 0), "rb") as file:
        inner = asyncio.ensure_future(file.read(2))
        outer = asyncio.ensure_future(asyncio.shield(inner))
        await turns(5)
        await cancelled(outer)
        os.write(pipe[1], b"abcd")
        assert await within(inner) == b"ab"
        assert await within(file.read(2)) == b"cd"
