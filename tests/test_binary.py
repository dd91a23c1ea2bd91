"""Buffered binary files: reading, writing, the position, what is buffered."""

import asyncio
import builtins
import os

import pytest

from .support.content import BLOCKS, Lent, Room, plain

SIZES = sorted(
    {0, 1, 5, *(block + n for block in BLOCKS for n in (-1, 0, 1))}
)


def pattern(size):
    """Bytes of which no two blocks are alike."""
    return b"".join(b"%07d\n" % n for n in range(size // 8 + 1))[:size]


async def test_read_every_size_returns_the_bytes(lib, make):
    """read(n) gives n bytes, read() the rest, whatever the file's size."""
    for size in SIZES:
        data = pattern(size)
        async with lib.open(make(data), "rb") as file:
            assert await file.read() == data
            assert await file.read() == b""
        async with lib.open(make(data), "rb") as file:
            assert await file.read(3) == data[:3]
            assert await file.read(size) == data[3:]
            assert await file.read(10) == b""


async def test_read_in_small_steps_adds_up_to_the_file(lib, make):
    """Reads of a length that divides nothing cross all the blocks."""
    data = pattern(150_000)
    async with lib.open(make(data), "rb") as file:
        parts = []
        while part := await file.read(997):
            parts.append(part)
    assert b"".join(parts) == data
    assert {len(part) for part in parts[:-1]} == {997}


@pytest.mark.parametrize("buffering", (-1, 16))
@pytest.mark.parametrize("size", (31, 9000, 200_000))
async def test_read_behind_what_was_written_gives_what_was_there(
    lib, path, size, buffering
):
    """Whatever else is known of the file where the write began."""
    data = pattern(size)
    for left in (1, 10, 20):
        for count in (1, 3, 20, 8192, -1):
            async with lib.open(path, "wb+", buffering=buffering) as file:
                await file.write(data)
                await file.seek(0)
                await file.write(b"x" * (size - left))
                wanted = data[-left:] if count < 0 else data[-left:][:count]
                assert await file.read(count) == wanted
                assert await file.tell() == size - left + len(wanted)
                assert await file.read() == data[-left:][len(wanted) :]


async def test_read_large_file_returns_it_whole(lib, make):
    """Some MiB come in one read, into one object."""
    data = pattern(5_000_003)
    async with lib.open(make(data), "rb") as file:
        assert await file.read(1) == data[:1]
        assert await file.read() == data[1:]
    async with lib.open(make(data), "rb") as file:
        assert await file.read(4_000_001) == data[:4_000_001]
        assert await file.tell() == 4_000_001
        assert await file.read(4_000_001) == data[4_000_001:]


async def test_read_zero_or_negative_is_as_in_open(lib, make):
    """0 reads nothing; None and -1 read to the end; -2 is an error."""
    async with lib.open(make(b"data"), "rb") as file:
        assert await file.read(0) == b""
        with pytest.raises(ValueError, match="non-negative or -1"):
            await file.read(-2)
        assert await file.read(None) == b"data"


async def test_read_result_is_the_callers_own(lib, make):
    """What was read does not change when the file goes on."""
    data = pattern(40_000)
    async with lib.open(make(data), "rb+") as file:
        first = await file.read(100)
        lines = await file.readlines(1000)
        await file.seek(0)
        await file.write(b"\xff" * 2000)
        await file.read()
    assert first == data[:100]
    assert b"".join(lines) == data[100:100 + len(b"".join(lines))]


async def test_readline_limit_and_missing_newline(lib, make):
    """A limit cuts a line; the last line may have no end."""
    async with lib.open(make(b"first\nsecond\r\nlast"), "rb") as file:
        assert await file.readline(3) == b"fir"
        assert await file.readline(0) == b""
        assert await file.readline(100) == b"st\n"
        assert await file.readline(-1) == b"second\r\n"
        assert await file.readline() == b"last"
        assert await file.readline() == b""


async def test_readline_longer_than_every_buffer_is_whole(lib, make):
    """A line of a MiB is one line."""
    line = b"x" * (1 << 20) + b"\n"
    async with lib.open(make(line + b"next\n"), "rb") as file:
        assert await file.readline() == line
        assert await file.readline() == b"next\n"


async def test_readlines_hint_stops_after_enough(lib, make):
    """Lines are read until their lengths reach the hint."""
    data = pattern(80)
    lines = data.splitlines(keepends=True)
    async with lib.open(make(data), "rb") as file:
        assert await file.readlines(1) == lines[:1]
        assert await file.readlines(12) == lines[1:3]
        assert await file.readlines(0) == lines[3:]
        assert await file.readlines(None) == []


@pytest.mark.parametrize("form", ("bytearray", "memoryview", "array"))
async def test_readinto_fills_the_buffer(lib, make, form):
    """readinto() fills what it is given and says how much."""
    path = make(pattern(30_000))
    for size in (1, 10, 5000, 20_000):
        with builtins.open(path, "rb") as file:
            wanted = Room(form, size // 4).make()
            assert file.readinto(wanted) > -1
            rest = file.read()
        async with lib.open(path, "rb") as file:
            room = Room(form, size // 4).make()
            count = await file.readinto(room)
            assert count == memoryview(room).nbytes
            assert plain(room) == plain(wanted)
            assert await file.read() == rest


async def test_readinto_at_the_end_leaves_the_buffer_alone(lib, make):
    """A short file fills the beginning; nothing more is touched."""
    room = bytearray(b"--------")
    async with lib.open(make(b"data"), "rb") as file:
        assert await file.readinto(room) == 4
        assert room == b"data----"
        assert await file.readinto(room) == 0
        assert room == b"data----"


async def test_readinto_pins_the_buffer_while_it_is_filled(lib, make):
    """The buffer is free again, to be resized, when the call has ended."""
    room = bytearray(200_000)
    async with lib.open(make(pattern(200_000)), "rb") as file:
        await file.readinto(room)
    if lib.native:  # a thread of an executor may still hold it
        room += b"more"
    assert bytes(room[:200_000]) == pattern(200_000)


async def test_readinto1_gives_a_beginning(ours, make):
    """readinto1() gives at least one byte, at most the buffer's length."""
    data = pattern(20_000)
    async with ours.open(make(data), "rb") as file:
        room = bytearray(10_000)
        count = await file.readinto1(room)
        assert 0 < count <= 10_000
        assert room[:count] == data[:count]
        assert await file.read() == data[count:]
        assert await file.readinto1(room) == 0


async def test_read1_gives_a_beginning(lib, make):
    """read1() gives at least one byte, and no more than asked for."""
    data = pattern(20_000)
    got = b""
    async with lib.open(make(data), "rb") as file:
        assert await file.read1(0) == b""
        while part := await file.read1(7000):
            assert len(part) <= 7000
            got += part
        assert await file.read1() == b""
    assert got == data


async def test_peek_stays_where_it_is(lib, make):
    """peek() shows what is ahead, and the next read gives it."""
    data = pattern(20_000)
    async with lib.open(make(data), "rb") as file:
        for _ in range(3):
            ahead = await file.peek(10)
            assert ahead
            place = await file.tell()
            assert ahead == data[place:place + len(ahead)]
            assert await file.read(5000) == data[place:place + 5000]
        await file.seek(0, 2)
        assert await file.peek() == b""


async def test_seek_and_tell_in_all_directions(lib, make):
    """seek() returns the position that tell() then gives."""
    data = pattern(20_000)
    async with lib.open(make(data), "rb") as file:
        assert await file.tell() == 0
        assert await file.seek(10) == 10
        assert await file.read(5) == data[10:15]
        assert await file.seek(5, os.SEEK_CUR) == 20
        assert await file.seek(-10, os.SEEK_CUR) == 10
        assert await file.read(1) == data[10:11]
        assert await file.seek(-5, os.SEEK_END) == 19_995
        assert await file.read() == data[-5:]
        assert await file.seek(30_000) == 30_000
        assert await file.read(1) == b""
        assert await file.tell() == 30_000


async def test_seek_beyond_the_end_and_write_leaves_a_hole(lib, path):
    """The gap reads as zeros, beyond 4 GiB too."""
    far = (1 << 32) + 5
    async with lib.open(path, "wb+") as file:
        await file.seek(far)
        await file.write(b"end")
        assert await file.tell() == far + 3
        await file.seek(far - 2)
        assert await file.read() == b"\0\0end"
        await file.seek(0)
        assert await file.read(3) == b"\0\0\0"
    assert path.stat().st_size == far + 3


async def test_truncate_cuts_and_extends_without_moving(lib, make):
    """truncate() changes the size, returns it, and leaves the position."""
    path = make(pattern(100))
    async with lib.open(path, "rb+") as file:
        await file.read(10)
        assert await file.truncate(50) == 50
        assert path.stat().st_size == 50
        assert await file.tell() == 10
        assert await file.truncate() == 10
        assert path.read_bytes() == pattern(10)
        assert await file.truncate(12) == 12
        await file.seek(0)
        assert await file.read() == pattern(10) + b"\0\0"


async def test_truncate_writes_what_is_buffered_first(lib, path):
    """What was written before is in the file before it is cut."""
    async with lib.open(path, "wb") as file:
        await file.write(b"0123456789")
        assert await file.truncate(4) == 4
        assert path.read_bytes() == b"0123"
        await file.write(b"more")
    assert path.read_bytes() == b"0123\0\0\0\0\0\0more"


@pytest.mark.parametrize("form", ("bytearray", "memoryview", "ints"))
async def test_write_every_buffer_returns_its_bytes(lib, path, form):
    """Any contiguous buffer is written as its bytes."""
    data = Lent(form, b"0123456789abcdef").make()
    async with lib.open(path, "wb") as file:
        assert await file.write(data) == memoryview(data).nbytes
        assert await file.write(b"") == 0
    assert path.read_bytes() == memoryview(data).tobytes()


@pytest.mark.parametrize("size", (10, 9000, 200_000, 3_000_000))
async def test_write_then_changed_buffer_writes_what_it_was(lib, path, size):
    """What was written is what the buffer held at the time of the call."""
    data = bytearray(pattern(size))
    async with lib.open(path, "wb") as file:
        assert await file.write(data) == size
        data[:] = bytes(size)
        await file.write(memoryview(data)[:3])
        if lib.native:  # a thread of an executor may still hold it
            data.clear()
    assert path.read_bytes() == pattern(size) + b"\0\0\0"


async def test_write_every_size_arrives_in_order(lib, path):
    """Small and large writes, in any mixture, make one file."""
    expected = b""
    async with lib.open(path, "wb") as file:
        for number, size in enumerate(SIZES + SIZES[::-1]):
            data = bytes([number]) * size
            assert await file.write(data) == size
            expected += data
            assert await file.tell() == len(expected)
    assert path.read_bytes() == expected


async def test_write_small_stays_in_the_buffer(lib, path):
    """A small write is in the file after flush() and not before."""
    async with lib.open(path, "wb") as file:
        await file.write(b"data")
        assert path.read_bytes() == b""
        await file.flush()
        assert path.read_bytes() == b"data"
        await file.write(b" more")
        assert path.read_bytes() == b"data"
        await file.seek(0)
        assert path.read_bytes() == b"data more"
        await file.write(b"DATA")
    assert path.read_bytes() == b"DATA more"


async def test_writelines_takes_any_iterable(lib, path):
    """A list, a generator, nothing; the ends of lines are the caller's."""
    async with lib.open(path, "wb") as file:
        assert await file.writelines([b"one\n", b"two"]) is None
        await file.writelines(b"%d" % n for n in range(3))
        await file.writelines([])
        await file.writelines([bytearray(b"x"), memoryview(b"yz")])
    assert path.read_bytes() == b"one\ntwo012xyz"


async def test_writelines_iterator_that_raises_keeps_what_came_before(
    lib, path
):
    """The iterator's error passes; lines before it are written, once."""

    def lines():
        yield b"one\n"
        yield b"two\n"
        raise ZeroDivisionError

    async with lib.open(path, "wb") as file:
        with pytest.raises(ZeroDivisionError):
            await file.writelines(lines())
        await file.write(b"three\n")
    assert path.read_bytes() == b"one\ntwo\nthree\n"


async def test_read_and_write_by_turns_share_one_position(lib, make):
    """In "r+" reads and writes follow each other without a seek."""
    path = make(pattern(30_000))
    expected = bytearray(pattern(30_000))
    place = 0
    async with lib.open(path, "rb+") as file:
        for step in (1, 7, 100, 5000, 9000):
            assert await file.read(step) == expected[place:place + step]
            place += step
            data = b"W" * step
            assert await file.write(data) == step
            expected[place:place + step] = data
            place += step
            assert await file.tell() == place
    assert path.read_bytes() == expected[:max(place, 30_000)]


async def test_write_is_seen_by_the_reads_that_follow(lib, path):
    """What is still in the buffer can be read back."""
    async with lib.open(path, "wb+") as file:
        await file.write(b"0123456789")
        await file.seek(2)
        assert await file.read(3) == b"234"
        await file.write(b"xy")
        assert await file.read() == b"789"
        await file.seek(0)
        assert await file.read() == b"01234xy789"


async def test_flush_and_fileno_leave_the_offset_of_open(lib, path):
    """The descriptor stands where blocking open would leave it."""
    async with lib.open(path, "wb+") as file:
        await file.write(b"0123456789")
        await file.flush()
        descriptor = file.fileno()
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 10
        await file.seek(4)
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 4
        os.write(descriptor, b"XY")
        await file.seek(0)
        assert await file.read() == b"0123XY6789"


async def test_fileno_asked_for_shows_each_write_as_open_does(lib, path):
    """A large write is in the file, and the offset after it, at once."""
    with builtins.open(path, "wb") as file:
        file.write(b"x")
        file.write(b"y" * 100_000)
        expected = os.fstat(file.fileno()).st_size
    async with lib.open(path, "wb") as file:
        descriptor = file.fileno()
        await file.write(b"x")
        await file.write(b"y" * 100_000)
        assert os.fstat(descriptor).st_size == expected
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == expected


async def test_file_grown_by_another_is_read_on(lib, make):
    """A reader at the end sees what another process appends."""
    path = make(b"one\n")
    async with lib.open(path, "rb") as file:
        assert await file.read() == b"one\n"
        assert await file.readline() == b""
        for line in (b"two\n", b"three\n"):
            with path.open("ab") as other:
                other.write(line)
            assert await file.readline() == line
            assert await file.read(1) == b""


async def test_file_cut_by_another_is_read_to_its_end(lib, make):
    """A file that became shorter just ends."""
    path = make(pattern(300_000))
    async with lib.open(path, "rb") as file:
        await file.read(10)
        os.truncate(path, 100)
        await file.seek(200_000)
        assert await file.read() == b""
        await file.seek(90)
        assert await file.read() == pattern(100)[90:]


async def test_isatty_and_abilities_are_those_of_open(lib, make):
    """isatty, readable, writable and seekable tell as io's."""
    path = make(b"")
    for mode in ("rb", "wb", "rb+", "ab"):
        with builtins.open(path, mode) as file:
            expected = (
                file.isatty(), file.readable(), file.writable(),
                file.seekable(),
            )
        async with lib.open(path, mode) as file:
            assert expected == (
                await file.isatty(), file.readable(),
                await file.writable(), await file.seekable(),
            )


async def test_pipe_read_gives_what_has_come(lib):
    """read1() of a pipe gives what is there; read(n) waits for n bytes."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", 0) as writer:
        async with lib.open(reading, "rb") as file:
            assert not await file.seekable()
            writer.write(b"some")
            assert await file.read1(100) == b"some"
            task = asyncio.ensure_future(file.read(8))
            writer.write(b"more")
            await asyncio.sleep(0)
            writer.write(b"data!")
            assert await task == b"moredata"
            writer.close()
            assert await file.read() == b"!"


async def test_pipe_write_arrives_at_flush(lib):
    """A buffered writer over a pipe writes at flush and close."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", 0) as reader:
        async with lib.open(writing, "wb") as file:
            await file.write(b"data")
            await file.flush()
            assert reader.read(10) == b"data"
            await file.write(b"rest")
        assert reader.read() == b"rest"


async def test_pipe_without_a_reader_raises_brokenpipe(lib):
    """A closed pipe is an error of flush; the file can still be closed."""
    reading, writing = os.pipe()
    file = await lib.open(writing, "wb")
    await file.write(b"data")
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        await file.flush()
    with pytest.raises(BrokenPipeError):
        await file.close()
    assert file.closed


async def test_proc_file_without_a_size_is_read_whole(lib):
    """A file whose size reads 0 gives what it holds."""
    if not os.path.exists("/proc/self/status"):
        pytest.skip("there is no /proc")
    with builtins.open("/proc/self/environ", "rb") as file:
        expected = file.read()
    async with lib.open("/proc/self/environ", "rb") as file:
        assert await file.read() == expected


async def test_device_null_reads_nothing_and_takes_all(lib):
    """/dev/null ends at once and takes every write."""
    async with lib.open("/dev/null", "rb") as file:
        assert await file.read() == b""
        assert await file.readline() == b""
    async with lib.open("/dev/null", "wb") as file:
        assert await file.write(b"x" * 100_000) == 100_000


async def test_device_zero_gives_what_is_asked_for(lib):
    """A device without an end gives reads of any length."""
    async with lib.open("/dev/zero", "rb") as file:
        assert await file.read(100_000) == bytes(100_000)
        room = bytearray(b"x" * 10)
        await file.readinto(room)
        assert room == bytes(10)
