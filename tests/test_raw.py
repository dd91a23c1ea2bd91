"""Raw files (buffering=0): one call of the system for each call."""

import builtins
import os

import pytest

DATA = bytes(range(256)) * 100


async def test_read_gives_at_most_what_is_asked_for(lib, make):
    """read(n) is one read; read() and readall() go to the end."""
    async with lib.open(make(DATA), "rb", 0) as file:
        assert await file.read(10) == DATA[:10]
        assert await file.read(0) == b""
        assert await file.read(20_000) == DATA[10:20_010]
        assert await file.readall() == DATA[20_010:]
        assert await file.readall() == b""
        assert await file.read(5) == b""
        assert await file.seek(3) == 3
        assert await file.read() == DATA[3:]
        await file.seek(5)
        assert await file.read(None) == DATA[5:]
        await file.seek(7)
        assert await file.read(-5) == DATA[7:]


async def test_read_leaves_the_offset_where_the_data_ended(lib, make):
    """Nothing is read ahead: the descriptor stands at tell()."""
    async with lib.open(make(DATA), "rb", buffering=0) as file:
        for size in (1, 100, 5000):
            await file.read(size)
            assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == (
                await file.tell()
            )
        await file.seek(0)
        os.lseek(file.fileno(), 200, os.SEEK_SET)
        assert await file.tell() == 200
        assert await file.read(2) == DATA[200:202]


async def test_read_sees_what_another_writes_at_once(lib, make):
    """There is no buffer that could be out of date."""
    path = make(b"0123456789")
    async with lib.open(path, "rb", buffering=0) as file:
        assert await file.read(2) == b"01"
        with path.open("rb+") as other:
            other.write(b"abcdefghij")
        assert await file.read() == b"cdefghij"


async def test_readinto_gives_the_number_of_bytes(lib, make):
    """readinto() reads once into the buffer."""
    async with lib.open(make(b"data"), "rb", buffering=0) as file:
        room = bytearray(10)
        assert await file.readinto(room) == 4
        assert room == b"data" + bytes(6)
        assert await file.readinto(room) == 0
        assert await file.readinto(bytearray(0)) == 0


async def test_readline_stops_behind_the_line(lib, make):
    """Lines can be read, and the offset is right behind each."""
    async with lib.open(make(b"one\ntwo\nlast"), "rb", buffering=0) as file:
        assert await file.readline() == b"one\n"
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 4
        assert await file.readline(2) == b"tw"
        assert await file.readlines() == [b"o\n", b"last"]


async def test_write_is_in_the_file_at_once(lib, path):
    """write() has written when it returns, and says how much."""
    async with lib.open(path, "wb", buffering=0) as file:
        assert await file.write(b"data") == 4
        assert path.read_bytes() == b"data"
        assert await file.write(bytearray(b" more")) == 5
        assert path.read_bytes() == b"data more"
        assert await file.write(b"") == 0
        await file.writelines([b"1", b"2"])
        assert path.read_bytes() == b"data more12"
        assert await file.tell() == 11


async def test_write_large_is_whole(lib, path):
    """A large write to a disk file is written whole by one call."""
    data = DATA * 100
    async with lib.open(path, "wb", buffering=0) as file:
        assert await file.write(data) == len(data)
    assert path.read_bytes() == data


async def test_truncate_and_seek_are_those_of_open(lib, make):
    """truncate() keeps the position; seek() knows every whence."""
    path = make(DATA)
    async with lib.open(path, "rb+", buffering=0) as file:
        await file.seek(10)
        assert await file.truncate() == 10
        assert await file.truncate(20) == 20
        assert await file.tell() == 10
        assert await file.seek(-5, os.SEEK_END) == 15
        assert await file.seek(-5, os.SEEK_CUR) == 10
        assert await file.read() == bytes(10)


async def test_pipe_read_is_short_where_little_has_come(lib):
    """A raw read of a pipe gives what is there, without waiting for more."""
    reading, writing = os.pipe()
    async with lib.open(reading, "rb", buffering=0) as file:
        os.write(writing, b"some")
        assert await file.read(100) == b"some"
        os.write(writing, b"more")
        room = bytearray(10)
        assert await file.readinto(room) == 4
        os.write(writing, b"rest")
        os.close(writing)
        assert await file.readall() == b"rest"
        assert await file.read(1) == b""


async def test_pipe_has_no_position(lib):
    """tell() and seek() of a pipe fail as they do for open."""
    reading, writing = os.pipe()
    os.close(writing)
    async with lib.open(reading, "rb", buffering=0) as file:
        assert not await file.seekable()
        for call in (file.tell(), file.seek(0)):
            with pytest.raises(OSError) as caught:
                await call
            assert caught.value.errno == 29


async def test_pipe_write_is_short_where_there_is_no_room(lib):
    """A raw write to a full non-blocking pipe gives None, as FileIO does."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        async with lib.open(writing, "wb", buffering=0) as file:
            while (count := await file.write(DATA)) is not None:
                assert 0 < count <= len(DATA)
    finally:
        os.close(reading)


async def test_nonblocking_pipe_read_gives_none(lib):
    """A raw read where nothing has come gives None, as FileIO does."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    try:
        async with lib.open(reading, "rb", buffering=0) as file:
            assert await file.read(10) is None
            assert await file.readinto(bytearray(5)) is None
            os.write(writing, b"data")
            assert await file.read(10) == b"data"
    finally:
        os.close(writing)


async def test_readall_of_a_growing_proc_file(lib):
    """A file that does not tell its size is read to its end."""
    if not os.path.exists("/proc/self/environ"):
        pytest.skip("there is no /proc")
    with builtins.open("/proc/self/environ", "rb", buffering=0) as file:
        expected = file.readall()
    async with lib.open("/proc/self/environ", "rb", buffering=0) as file:
        assert await file.readall() == expected
