"""pread(), pwrite() and sync(): what files have beyond those of io.

Results are compared with os.pread() and os.pwrite() on the same file.  Calls
may overlap in time: what is ordered by the engine alone, since an executor has
several threads, is tested on the engine alone.
"""

import asyncio
import builtins
import errno
import io
import os
import random

import aiofiles_c
import pytest
from aiofiles_c import tempfile

from .support.child import python
from .support.inject import fault, held, inject_or_skip, uncached
from .support.waiting import cancelled, eventually, turns, within

KIB, MIB = 1 << 10, 1 << 20
DATA = random.Random(5).randbytes(300 * KIB)
LARGE = 2 * MIB  # more than is read on the loop thread

READERS = [("rb", -1), ("rb", 0), ("rb+", -1), ("rb+", 0), ("ab+", -1)]
WRITERS = [("rb+", -1), ("rb+", 0), ("wb", -1), ("wb", 0), ("wb+", 16)]
readers = pytest.mark.parametrize("mode, buffering", READERS)
writers = pytest.mark.parametrize("mode, buffering", WRITERS)


@pytest.fixture
def engine(native, libraries):
    """aiofiles_c, where its engine is on."""
    return libraries.get("aiofiles_c")


def running():
    return aiofiles_c.stats()["running"]


@pytest.fixture
def threads():
    """Enough threads for all that a test starts at once."""
    before = aiofiles_c.stats()["max_threads"]
    aiofiles_c.set_threads(16)
    yield 16
    aiofiles_c.set_threads(before)


# ---- results ----


@readers
async def test_pread_gives_what_os_pread_gives(ours, make, mode, buffering):
    """Any offset and length: inside, over the end, behind it."""
    numbers = random.Random(1)
    places = [(10, 0), (0, 5), (10, len(DATA) - 3), (5, len(DATA)), (5, 2**40)]
    places += [
        (numbers.randrange(9000), numbers.randrange(len(DATA)))
        for _ in range(30)
    ]
    async with ours.open(make(DATA), mode, buffering) as file:
        for n, offset in places:
            found = await file.pread(n, offset)
            assert type(found) is bytes
            assert found == DATA[offset:offset + n], (n, offset)


@pytest.mark.parametrize("size", (LARGE, 9 * MIB + 5))
async def test_pread_of_much_is_whole(ours, make, size):
    """More than one call of the system, or one worker, may give."""
    data = random.Random(2).randbytes(size)
    async with ours.open(make(data), "rb") as file:
        assert await file.pread(size, 0) == data
        assert await file.pread(size, 12_345) == data[12_345:]
        assert await file.pread(2 * size, 1) == data[1:]


@writers
async def test_pwrite_writes_all_and_gives_the_number(
    ours, make, mode, buffering
):
    """The bytes are in the file when it returns, wherever they go."""
    path = make(DATA[:1000])
    async with ours.open(path, mode, buffering) as file:
        expected = bytearray(path.read_bytes())
        for data, offset in (
            (b"inside", 10), (b"", 3), (b"over the end", 995), (b"far", 5000),
            (DATA, 100),
        ):
            assert await file.pwrite(data, offset) == len(data)
            if data:
                expected.extend(bytes(max(0, offset - len(expected))))
                expected[offset:offset + len(data)] = data
            assert path.read_bytes() == expected


@pytest.mark.parametrize(
    "data",
    (
        b"bytes",
        bytearray(b"array"),
        memoryview(b"ints" * 4).cast("i"),
        memoryview(b"xxinsidexx")[2:-2],
    ),
    ids=("bytes", "bytearray", "ints", "slice"),
)
async def test_pwrite_takes_any_run_of_bytes(ours, path, data):
    """As os.pwrite() does; the number is that of bytes."""
    async with ours.open(path, "wb") as file:
        assert await file.pwrite(data, 2) == len(bytes(data))
    assert path.read_bytes() == b"\0\0" + bytes(data)


@pytest.mark.parametrize("buffering", (-1, 0))
async def test_position_is_not_used_and_does_not_move(ours, make, buffering):
    """Reads and writes in between go on where they were."""
    async with ours.open(make(DATA), "rb+", buffering) as file:
        assert await file.read(10) == DATA[:10]
        assert await file.pread(5, 1000) == DATA[1000:1005]
        assert await file.tell() == 10
        assert await file.pwrite(b"there", 2000) == 5
        assert await file.tell() == 10
        assert await file.read(5) == DATA[10:15]
        await file.write(b"here")
        assert await file.pread(6, 14) == DATA[14:15] + b"here" + DATA[19:20]
        assert await file.tell() == 19
        assert await file.read(5) == DATA[19:24]


@pytest.mark.parametrize("buffering", (-1, 0, 16))
@pytest.mark.parametrize("asked", (False, True), ids=("private", "fileno"))
async def test_read_sees_what_pwrite_has_written(
    ours, make, buffering, asked
):
    """Bytes read ahead are not kept where they are out of date."""
    async with ours.open(make(DATA), "rb+", buffering) as file:
        if asked:
            file.fileno()
        await file.read(100)
        await file.pwrite(b"NEW", 150)
        assert await file.read(60) == (
            DATA[100:150] + b"NEW" + DATA[153:160]
        )
        await file.pwrite(b"BACK", 110)
        await file.seek(-50, os.SEEK_CUR)
        assert await file.read(4) == b"BACK"


@pytest.mark.parametrize("asked", (False, True), ids=("private", "fileno"))
@pytest.mark.parametrize("mode", ("wb+", "ab+"))
async def test_pread_sees_what_was_written_before(ours, path, mode, asked):
    """What lies in the buffer is in the file by then."""
    async with ours.open(path, mode) as file:
        if asked:
            file.fileno()
        await file.write(b"small")
        assert await file.pread(10, 0) == b"small"
        await file.write(DATA)
        assert await file.pread(len(DATA), 5) == DATA
        await file.write(b"end")
        assert await file.pread(9, 5 + len(DATA)) == b"end"


async def test_pwrite_comes_after_what_was_written_before(ours, path):
    """It is not undone by what was still in the buffer."""
    async with ours.open(path, "wb") as file:
        await file.write(b"old old old")
        assert await file.pwrite(b"NEW", 4) == 3
        assert path.read_bytes() == b"old NEW old"
        await file.write(b"!")
    assert path.read_bytes() == b"old NEW old!"


async def test_pwrite_appends_in_a_file_opened_for_appending(ours, make):
    """So Linux has it, whatever the offset; the position stays."""
    path = make(b"start")
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    try:
        os.pwrite(descriptor, b"1", 0)
    finally:
        os.close(descriptor)
    if path.read_bytes() != b"start1":
        pytest.skip("this system writes where it is told")
    async with ours.open(path, "ab+") as file:
        assert await file.pwrite(b"2", 0) == 1
        assert await file.pread(9, 0) == b"start12"
        await file.write(b"3")
        assert await file.pwrite(b"4", 3) == 1
    assert path.read_bytes() == b"start1234"


@pytest.mark.parametrize("size", (100, 8193, 70_000))
async def test_tell_after_a_pwrite_that_appended_is_that_of_io(
    ours, make, size
):
    """The end, where the next write goes, has moved."""
    path = make(b"")
    with builtins.open(path, "ab+") as same:
        os.pwrite(same.fileno(), b"x" * 30, 0)
        same.write(b"y" * size)
        wanted = same.tell(), same.flush(), same.tell()
    path.write_bytes(b"")
    async with ours.open(path, "ab+") as file:
        await file.pwrite(b"x" * 30, 0)
        await file.write(b"y" * size)
        found = await file.tell(), await file.flush(), await file.tell()
    assert found == wanted


async def test_sync_of_text_enables_tell_as_flush_does(ours, make):
    """Also where there is nothing to write."""
    async with ours.open(make(b"\xff"), encoding="utf-8") as file:
        with pytest.raises(UnicodeDecodeError):
            await file.readlines()
        await file.sync()
        assert await file.tell() == 1


@pytest.mark.parametrize("mode", ("wb", "ab", "rb+", "w", "r+", "a"))
async def test_sync_leaves_all_in_the_file(ours, make, mode):
    """What was accepted before is with the system, and then on the device."""
    path = make(b"")
    async with ours.open(path, mode) as file:
        for _ in range(3):
            await file.write("data" if "b" not in mode else b"data")
            assert await file.sync() is None
            with builtins.open(path, "rb") as other:
                assert other.read().endswith(b"data")
    assert path.read_bytes() == b"data" * 3


async def test_sync_of_a_file_that_is_only_read(ours, make):
    """There is nothing to flush; it is no error, as for os.fsync()."""
    for mode in ("rb", "r"):
        async with ours.open(make(b"data"), mode) as file:
            await file.read(1)
            await file.sync()
            assert len(await file.read()) == 3


async def test_temporary_files_have_them():
    """They are files like others."""
    async with tempfile.NamedTemporaryFile() as named:
        assert await named.pwrite(b"data", 1) == 4
        assert await named.pread(9, 0) == b"\0data"
        await named.sync()
    async with tempfile.TemporaryFile(buffering=0) as unnamed:
        assert await unnamed.pwrite(b"data", 1) == 4
        assert await unnamed.pread(9, 0) == b"\0data"
        await unnamed.sync()


async def test_text_files_have_sync_alone(ours, path):
    """Characters have no offsets."""
    async with ours.open(path, "w+") as file:
        assert not hasattr(file, "pread")
        assert not hasattr(file, "pwrite")
        await file.sync()


# ---- errors ----


@pytest.mark.parametrize(
    "arguments",
    (
        (-1, 0), (0, -1), (5, -1), (-5, -5), (2**70, 0), (1, 2**70),
        ("1", 0), (1, None), (1.5, 0), (1, 2.0), (2, 2**63 - 1),
    ),
)
@pytest.mark.parametrize("buffering", (-1, 0))
async def test_pread_of_nonsense_raises_as_os_pread(
    ours, make, buffering, arguments
):
    """Type and errno are those of the function."""
    path = make(b"data")
    with builtins.open(path, "rb") as plain:
        with pytest.raises(Exception) as expected:
            os.pread(plain.fileno(), *arguments)
            raise EOFError
    async with ours.open(path, "rb", buffering) as file:
        try:
            assert await file.pread(*arguments) == b""
        except Exception as error:
            assert type(error) is expected.type
            assert getattr(error, "errno", 0) == (
                getattr(expected.value, "errno", 0)
            )
        else:
            assert expected.type is EOFError
        assert await file.pread(2, 1) == b"at"  # and does no harm
        assert await file.read() == b"data"


@pytest.mark.parametrize(
    "arguments",
    (
        (b"x", -1), ("x", 0), (None, 0), (5, 0), (b"x", "0"), (b"x", 2**70),
        (memoryview(b"abcd")[::2], 0), (b"x", 2**63 - 1),
    ),
)
async def test_pwrite_of_nonsense_raises_as_os_pwrite(ours, make, arguments):
    """Type and errno are those of the function, and nothing is written."""
    path = make(b"data")
    with builtins.open(path, "rb+") as plain:
        with pytest.raises(Exception) as expected:
            os.pwrite(plain.fileno(), *arguments)
    async with ours.open(path, "rb+") as file:
        with pytest.raises(expected.type) as raised:
            await file.pwrite(*arguments)
        assert getattr(raised.value, "errno", 0) == (
            getattr(expected.value, "errno", 0)
        )
        assert await file.pwrite(b"D", 0) == 1
    assert path.read_bytes() == b"Data"


async def test_wrong_number_of_arguments_is_a_type_error(ours, path):
    """Where it is awaited, if not before."""
    async with ours.open(path, "wb+") as file:
        for call in (
            lambda: file.pread(),
            lambda: file.pread(1),
            lambda: file.pread(1, 2, 3),
            lambda: file.pread(1, 2, 3, 4),
            lambda: file.pread(n=1, offset=2),
            lambda: file.pwrite(b"data"),
            lambda: file.sync(1),
        ):
            with pytest.raises(TypeError):
                await call()


@pytest.mark.parametrize("buffering", (-1, 0))
async def test_mode_that_does_not_allow_it_is_an_unsupported_operation(
    ours, make, buffering
):
    """What read() and write() of such a file raise."""
    path = make(b"data")
    async with ours.open(path, "rb", buffering) as file:
        with pytest.raises(io.UnsupportedOperation):
            await file.pwrite(b"x", 0)
    async with ours.open(path, "rb+", buffering) as file:
        await file.pwrite(b"x", 0)
    async with ours.open(path, "ab", buffering) as file:
        with pytest.raises(io.UnsupportedOperation):
            await file.pread(1, 0)
    assert path.read_bytes() == b"xata"


@pytest.mark.parametrize("buffering", (-1, 0))
async def test_closed_file_is_a_value_error(ours, make, buffering):
    """As for all that is done to a closed file."""
    async with ours.open(make(b"data"), "rb+", buffering) as file:
        pass
    for call in (
        lambda: file.pread(1, 0),
        lambda: file.pwrite(b"x", 0),
        lambda: file.sync(),
    ):
        with pytest.raises(ValueError, match="closed file"):
            await call()


async def test_pipe_has_no_offsets(ours):
    """ESPIPE, as os.pread() says; nor has it a device to sync to."""
    reading, writing = os.pipe()
    async with ours.open(reading, "rb") as reader:
        async with ours.open(writing, "wb") as writer:
            with pytest.raises(OSError) as raised:
                await reader.pread(1, 0)
            assert raised.value.errno == errno.ESPIPE
            with pytest.raises(OSError) as raised:
                await writer.pwrite(b"x", 0)
            assert raised.value.errno == errno.ESPIPE
            await writer.write(b"data")
            with pytest.raises(OSError) as raised:
                await writer.sync()
            assert raised.value.errno == errno.EINVAL
            assert await within(reader.read(4)) == b"data"


@pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="this system has no /dev/full"
)
async def test_device_that_is_full_is_an_os_error(ours):
    """pwrite() raises its own error, sync() that of what was accepted."""
    async with ours.open("/dev/full", "rb+", 0) as file:
        with pytest.raises(OSError) as raised:
            await file.pwrite(b"x", 0)
        assert raised.value.errno == errno.ENOSPC
        assert await file.pread(3, 7) == b"\0\0\0"
    file = await ours.open("/dev/full", "wb")
    await file.write(b"x")
    with pytest.raises(OSError) as raised:
        await file.sync()
    assert raised.value.errno == errno.ENOSPC
    with pytest.raises(OSError):
        await file.close()


# ---- many at once, and in order ----


async def test_many_at_once_on_one_file(ours, make):
    """Hundreds that do not overlap: each does what it would alone."""
    path = make(DATA)
    blocks = [DATA[at:at + 512] for at in range(0, len(DATA), 512)]
    async with ours.open(path, "rb+") as file:
        found = await within(
            asyncio.gather(
                *[file.pread(512, 512 * i) for i in range(len(blocks))]
            )
        )
        assert found == blocks
        blocks.reverse()
        counts = await within(
            asyncio.gather(
                *[file.pwrite(b, 512 * i) for i, b in enumerate(blocks)]
            )
        )
        assert counts == [len(block) for block in blocks]
    assert path.read_bytes() == b"".join(blocks)


async def test_preads_of_what_is_cached_need_no_thread(at_once, make):
    """The kernel answers at once, however many there are."""
    async with aiofiles_c.open(make(DATA), "rb") as file:
        await file.pread(1, 0)  # whatever this file system has to learn
        if at_once()["kernel"] == 0:
            pytest.skip("this file system cannot say what it has cached")
        before = at_once()
        await asyncio.gather(*[file.pread(100, i) for i in range(50)])
        after = at_once()
    if after["kernel"] == before["kernel"]:
        pytest.skip("this file system cannot say what it has cached")
    assert after["kernel"] - before["kernel"] == 50
    assert after["jobs"] == before["jobs"]


async def test_each_is_a_job_of_its_own(engine, make, gate):
    """None waits for another before a worker may take it."""
    async with engine.open(make(bytes(LARGE)), "rb+") as file:
        async with gate.shut():
            tasks = [
                asyncio.ensure_future(file.pwrite(b"x" * 64, 64 * i))
                for i in range(16)
            ]
            tasks += [
                asyncio.ensure_future(file.pread(LARGE - 2048, 2048 + i))
                for i in range(2)
            ]
            tasks.append(asyncio.ensure_future(file.sync()))
            await gate.queued(18)
            await turns()
            # sync() is for what was accepted before: it waits for the writes.
            assert gate.waiting() == 18
            assert not any(task.done() for task in tasks)
        found = await within(asyncio.gather(*tasks))
    assert found[:16] == [64] * 16


async def test_workers_are_inside_at_once(engine, make, threads):
    """As many preads are under way as there are workers."""
    async with engine.open(make(DATA), "rb") as file:
        with uncached(), held("READV"):
            tasks = [
                asyncio.ensure_future(file.pread(4096, 4096 * i))
                for i in range(8)
            ]
            await eventually(lambda: running() == 8, "all are running")
        found = await within(asyncio.gather(*tasks))
    assert found == [DATA[i:i + 4096] for i in range(0, 8 * 4096, 4096)]


async def test_those_that_overlap_are_done_in_order(engine, path):
    """The last one started is what is in the file; a read is between."""
    async with engine.open(path, "wb+") as file:
        tasks = []
        for i in range(50):
            tasks.append(asyncio.ensure_future(file.pwrite(b"%03d" % i, 1)))
            tasks.append(asyncio.ensure_future(file.pread(3, 1)))
        found = await within(asyncio.gather(*tasks))
    assert found[1::2] == [b"%03d" % i for i in range(50)]


async def test_end_of_the_file_moves_in_order(engine, path):
    """A read of what is not there yet sees what was started before it."""
    async with engine.open(path, "wb+") as file:
        for at in range(100, 5000, 100):
            found = await within(
                asyncio.gather(
                    file.pread(9, at - 50),
                    file.pwrite(b"x", at),
                    file.pread(9, at - 50),
                )
            )
            assert found == [b"", 1, bytes(9)], at


async def test_reads_and_writes_within_the_file_are_all_at_once(
    engine, make, gate
):
    """What is known to be there: only the same bytes are waited for."""
    async with engine.open(make(bytes(2 * LARGE)), "rb+") as file:
        async with gate.shut():
            tasks = []
            for i in range(4):
                at = 1024 * i
                tasks.append(asyncio.ensure_future(file.pwrite(b"x", at)))
                tasks.append(asyncio.ensure_future(file.pread(LARGE, 5000)))
                at = LARGE + 6000 + 1024 * i
                tasks.append(asyncio.ensure_future(file.pwrite(b"y", at)))
            await gate.queued(12)
        await within(asyncio.gather(*tasks))


async def test_calls_at_once_are_done_in_the_order_of_their_start(
    engine, make
):
    """With those that use the position, and those that change the size."""
    path = make(DATA)
    async with engine.open(path, "rb+") as file:
        found = await within(
            asyncio.gather(
                file.read(10),
                file.pwrite(b"NEW", 12),
                file.read(10),
                file.write(b"written"),
                file.pread(9, 19),
                file.truncate(25),
                file.pread(9, 19),
                file.pwrite(b"x", 30),
                file.pread(99, 24),
                file.seek(12),
                file.read(3),
                file.sync(),
                file.close(),
            )
        )
    assert found == [
        DATA[:10], 3, DATA[10:12] + b"NEW" + DATA[15:20], 7,
        DATA[19:20] + b"written" + DATA[27:28], 25,
        DATA[19:20] + b"writt", 1, b"t\0\0\0\0\0x", 12, b"NEW", None, None,
    ]
    assert path.read_bytes()[24:] == b"t\0\0\0\0\0x"


async def test_write_waits_for_the_preads_before_it(engine, make, threads):
    """They see what was there before; reads and syncs go on beside them."""
    async with engine.open(make(DATA), "rb+") as file:
        await file.read(1)
        with uncached(), held("READV"):
            pread = asyncio.ensure_future(file.pread(5, 1))
            sync = asyncio.ensure_future(file.sync())
            await within(sync)
            write = asyncio.ensure_future(file.write(b"later"))
            after = asyncio.ensure_future(file.tell())
            await turns(20)
            assert not write.done() and not after.done()
        assert await within(pread) == DATA[1:6]
        assert await within(write) == 5
        assert await within(after) == 6
        assert await file.pread(5, 1) == b"later"


async def test_writes_go_on_beside_a_sync(engine, path, threads):
    """Only what was accepted before it is waited for."""
    async with engine.open(path, "wb") as file:
        await file.write(b"before")
        with held("FSYNC"):
            sync = asyncio.ensure_future(file.sync())
            await eventually(lambda: running() == 1, "fsync is under way")
            assert await within(file.write(b" after")) == 6
            await within(file.flush())
            assert path.read_bytes() == b"before after"
            assert not sync.done()
            closing = asyncio.ensure_future(file.close())
            await turns(20)
            assert not closing.done()
        await within(sync)
        await within(closing)


# ---- the end of one ----


async def test_pwrite_cancelled_in_the_queue_writes_nothing(
    engine, make, gate
):
    """Its job is taken back; the bytes are its owner's again."""
    path = make(b"data")
    room = bytearray(b"XX")
    async with engine.open(path, "rb+") as file:
        async with gate.shut():
            task = asyncio.ensure_future(file.pwrite(room, 1))
            behind = asyncio.ensure_future(file.pwrite(b"Y", 2))
            await gate.queued(1)
            await cancelled(task)
            room += b"more"
        assert await within(behind) == 1
        assert await file.pread(9, 0) == b"daYa"


async def test_pread_cancelled_in_the_queue_is_no_more(engine, make, gate):
    """What comes after goes on, and close() has nothing to wait for."""
    async with engine.open(make(bytes(LARGE)), "rb") as file:
        async with gate.shut():
            task = asyncio.ensure_future(file.pread(LARGE, 0))
            await gate.queued(1)
            await cancelled(task)
            assert gate.waiting() == 0
        assert await within(file.read(2)) == b"\0\0"


async def test_pwrite_cancelled_while_it_runs_is_whole(
    engine, path, threads
):
    """A worker has it: it is written, and the file closed after it."""
    room = bytearray(b"x" * 100)
    async with engine.open(path, "wb") as file:
        with held("WRITEV"):
            task = asyncio.ensure_future(file.pwrite(room, 3))
            await eventually(lambda: running() == 1, "a worker has it")
            await cancelled(task)
            with pytest.raises(BufferError):
                room.append(1)
            closing = asyncio.ensure_future(file.close())
            await turns(20)
            assert not closing.done()
        await within(closing)
        room.append(1)
    assert path.read_bytes() == b"\0\0\0" + b"x" * 100


async def test_pread_cancelled_while_it_runs_leaves_the_file_usable(
    engine, make, threads
):
    """The descriptor stays open below the worker, the queue goes on."""
    async with engine.open(make(DATA), "rb") as file:
        with uncached(), held("READV"):
            task = asyncio.ensure_future(file.pread(100, 0))
            await eventually(lambda: running() == 1, "a worker has it")
            await cancelled(task)
            closing = asyncio.ensure_future(file.close())
            await turns(20)
            assert not closing.done()
        await within(closing)


async def test_cancelled_while_it_waits_for_its_turn(
    engine, make, threads
):
    """One that waits for another of the same bytes leaves no trace."""
    async with engine.open(make(b"data"), "rb+") as file:
        with held("WRITEV"):
            first = asyncio.ensure_future(file.pwrite(b"1", 0))
            second = asyncio.ensure_future(file.pwrite(b"2", 0))
            third = asyncio.ensure_future(file.pread(4, 0))
            await eventually(lambda: running() == 1, "a worker has one")
            await cancelled(second)
            await turns(5)
            assert not third.done()
        assert await within(first) == 1
        assert await within(third) == b"1ata"


async def test_many_cancelled_at_any_time_leave_all_or_nothing(
    engine, path
):
    """Each block is the old one or the new one, and the file works."""
    numbers = random.Random(7)
    async with engine.open(path, "wb+") as file:
        await file.pwrite(b"-" * 64 * KIB, 0)
        for _ in range(20):
            tasks = [
                asyncio.ensure_future(file.pwrite(b"x" * KIB, KIB * i))
                for i in range(64)
            ]
            await turns(numbers.randrange(3))
            for task in numbers.sample(tasks, 32):
                task.cancel()
            await asyncio.wait(tasks)
        await within(file.flush())
        for at in range(0, 64 * KIB, KIB):
            assert await file.pread(KIB, at) in (b"-" * KIB, b"x" * KIB)


async def test_dropped_file_is_closed_when_its_job_is_back(
    engine, make, threads
):
    """The fixture that counts descriptors sees that it is closed at all."""
    inject_or_skip()  # before there is a file to be dropped
    file = await engine.open(make(DATA), "rb")
    with uncached(), held("READV") as release, pytest.warns(ResourceWarning):
        task = asyncio.ensure_future(file.pread(100, 0))
        await eventually(lambda: running() == 1, "a worker has it")
        await cancelled(task)
        descriptors = set(os.listdir("/proc/self/fd"))
        del task, file
        await turns(5)
        assert set(os.listdir("/proc/self/fd")) == descriptors
        release()
        await eventually(
            lambda: len(os.listdir("/proc/self/fd")) < len(descriptors),
            "the file is closed",
        )


async def test_synchronous_file_is_not_given_away_under_a_job(
    engine, make, threads
):
    """It could close the descriptor, whose number may become another's."""
    async with engine.open(make(DATA), "rb") as file:
        with uncached(), held("READV"):
            task = asyncio.ensure_future(file.pread(100, 0))
            await eventually(lambda: running() == 1, "a worker has it")
            for ask in (
                lambda: file._file, lambda: file.raw, lambda: file.detach()
            ):
                with pytest.raises(RuntimeError, match="pread.* is under way"):
                    ask()
        assert await within(task) == DATA[:100]
        assert file._file.read(3) == DATA[:3]
        assert await file.pread(3, 7) == DATA[7:10]
        assert await file.tell() == 3


def test_file_goes_on_in_another_loop(native, make):
    """The first loop is closed while a worker is inside."""
    path = make(DATA)

    async def begin():
        file = await aiofiles_c.open(path, "rb+")
        task = asyncio.ensure_future(file.pwrite(b"first", 0))
        await eventually(lambda: running() == 1, "a worker has it")
        return file, task

    async def go_on(file, release):
        reading = asyncio.ensure_future(file.pread(9, 0))
        await turns(5)
        assert not reading.done()
        release()
        assert await within(reading) == b"first" + DATA[5:9]
        await within(file.close())

    with held("WRITEV") as release:
        loop = asyncio.new_event_loop()
        file, task = loop.run_until_complete(begin())
        task.cancel()
        loop.run_until_complete(asyncio.wait([task]))
        loop.close()
        asyncio.run(go_on(file, release))


@pytest.mark.skipif(
    not hasattr(os, "fork"), reason="this system has no fork"
)
def test_fork_leaves_the_jobs_to_the_parent(native, tmp_path):
    """The child has the file, and nothing to wait for."""
    done = python(
        """
        import asyncio, os, sys, warnings
        import aiofiles_c
        warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)

        async def child(file):
            assert await file.pread(4, 0) == b"data"
            assert await file.pwrite(b"C", 4) == 1
            await file.close()

        async def main():
            with open("file", "wb") as plain:
                plain.write(b"data")
            os.mkfifo("fifo")
            file = await aiofiles_c.open("file", "rb+")
            opening = asyncio.ensure_future(
                aiofiles_c.open("fifo", "rb", buffering=0).__aenter__())
            while aiofiles_c.stats()["running"] == 0:
                await asyncio.sleep(0.001)
            write = asyncio.ensure_future(file.pwrite(b"P", 0))
            while aiofiles_c.stats()["queued"] == 0:
                await asyncio.sleep(0.001)
            pid = os.fork()
            if not pid:
                code = 1
                try:
                    asyncio._set_running_loop(None)
                    asyncio.run(asyncio.wait_for(child(file), 20))
                    code = 0
                except BaseException:
                    import traceback
                    traceback.print_exc()
                finally:
                    sys.stderr.flush()
                    os._exit(code)
            _, status = os.waitpid(pid, 0)
            assert status == 0, status
            with open("fifo", "wb"):
                await (await opening).close()
            assert await write == 1
            assert await file.pread(9, 0) == b"PataC"
            await file.close()

        asyncio.run(main())
        print("good")
        """,
        cwd=tmp_path,
        AIOFILES_C_THREADS="1",
    )
    assert done.stdout.split() == ["good"], done


# ---- faults of the system ----


async def test_short_writes_go_on_to_the_end(engine, path):
    """The kernel takes less than it is given; pwrite() does not."""
    async with engine.open(path, "wb+") as file:
        with fault("WRITEV", count=5, limit=3):
            assert await file.pwrite(b"0123456789abcdefgh", 2) == 18
        with uncached(), fault("READV", count=5, limit=3):
            assert await file.pread(18, 2) == b"0123456789abcdefgh"


async def test_errors_of_the_device_are_raised_once(engine, make):
    """By the call that had them, which others do not hear of."""
    async with engine.open(make(DATA), "rb+") as file:
        with fault("WRITEV", errno.EIO):
            with pytest.raises(OSError) as raised:
                await file.pwrite(b"data", 0)
        assert raised.value.errno == errno.EIO
        assert raised.value.filename is None
        with uncached(), fault("READV", errno.EIO):
            with pytest.raises(OSError) as raised:
                await file.pread(4, 0)
        assert raised.value.errno == errno.EIO
        with fault("FSYNC", errno.EIO):
            with pytest.raises(OSError) as raised:
                await file.sync()
        assert raised.value.errno == errno.EIO
        await file.sync()
        assert await file.pread(4, 0) == DATA[:4]


# ---- readinto() ----


async def test_readinto_is_one_trip_however_large(native, make):
    """The bytes go straight to the buffer that was given."""
    data = random.Random(3).randbytes(8 * MIB)
    room = bytearray(len(data))
    async with aiofiles_c.open(make(data), "rb") as file:
        await file.seek(0)
        before = native()["jobs"]
        assert await file.readinto(room) == len(data)
        assert room == data
        # Others may help the one that has it.
        assert native()["pool"] and native()["jobs"] - before <= 1 + (
            os.cpu_count() or 1
        )


async def test_readinto_cancelled_holds_its_buffer_until_the_job_ends(
    engine, make, threads
):
    """Whoever has lent it may not move it below a worker's hands."""
    room = bytearray(LARGE)
    async with engine.open(make(bytes(LARGE)), "rb") as file:
        with held("READV"):
            task = asyncio.ensure_future(file.readinto(room))
            await eventually(lambda: running() >= 1, "a worker has it")
            await cancelled(task)
            with pytest.raises(BufferError):
                room.append(1)
        assert await within(file.read(5)) == bytes(5)  # nothing was lost
        assert await file.tell() == 5
        room.append(1)


async def test_large_readinto_where_others_see_the_descriptor(ours, make):
    """It is copied by pieces, between which the loop turns."""
    data = random.Random(4).randbytes(5 * MIB)
    room = bytearray(len(data) + 10)
    async with ours.open(make(data), "rb") as file:
        assert await file.read(3) == data[:3]
        number = file.fileno()
        assert await file.readinto(room) == len(data) - 3
        assert room[:len(data) - 3] == data[3:]
        assert os.lseek(number, 0, os.SEEK_CUR) == len(data)
        assert await file.readinto(room) == 0
