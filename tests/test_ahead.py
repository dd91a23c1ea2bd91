"""Reading ahead, where the kernel cannot say what would not wait.

Overlayfs is such a file system, of the files of others; of one's own it can be
asked what is cached.
"""

import asyncio
import os
import random

import aiofiles_c
import pytest

from .support.waiting import cancelled, turns, within

LINE = b"a line of the file, number %08d\n"

OTHERS = ("read some", "readline", "readinto", "peek", "seek", "tell")


@pytest.fixture
def content(overlay):
    """A file of some blocks, of another user: its path and its lines."""
    path = overlay / "file"
    lines = [LINE % i for i in range(30_000)]
    path.write_bytes(b"".join(lines))
    os.chown(path, os.geteuid() + 1, -1)
    yield path, lines
    path.unlink()


async def test_lines_come_whole_and_in_order(lib, content):
    """Binary and text, by iteration and by readline."""
    path, lines = content
    if not lib.native:
        lines = lines[:3000]  # each is a trip
        path.write_bytes(b"".join(lines))
    async with lib.open(path, "rb") as file:
        assert [line async for line in file] == lines
    async with lib.open(path, encoding="ascii") as file:
        got = []
        while line := await file.readline():
            got.append(line.encode())
    assert got == lines


@pytest.mark.parametrize("size", (1000, 4096, 65536, 131073, 300_000))
async def test_blocks_make_up_the_file(lib, content, size):
    """Whatever the size of a block is to that of what is fetched."""
    path, lines = content
    blocks = []
    async with lib.open(path, "rb") as file:
        while block := await file.read(size):
            assert len(block) == size or not await file.read(1)
            blocks.append(block)
        assert await file.tell() == path.stat().st_size
    assert b"".join(blocks) == b"".join(lines)


async def test_seeks_between_sequential_reads_are_obeyed(lib, content):
    """What was fetched for nothing is not given."""
    path, lines = content
    data = b"".join(lines)
    async with lib.open(path, "rb") as file:
        for start in (0, 500_000, 12_345, 600_000, 3):
            assert await file.seek(start) == start
            for at in range(start, start + 400_000, 50_000):
                assert await file.read(50_000) == data[at : at + 50_000]
            assert await file.tell() == start + 400_000


async def test_writes_between_sequential_reads_are_seen(lib, content):
    """A file that is read and written is in one state."""
    path, lines = content
    data = bytearray(b"".join(lines))
    async with lib.open(path, "rb+") as file:
        for at in range(0, 630_000, 90_000):
            assert await file.read(80_000) == data[at : at + 80_000]
            assert await file.write(b"#" * 10_000) == 10_000
            data[at + 80_000 : at + 90_000] = b"#" * 10_000
    assert path.read_bytes() == data


@pytest.mark.parametrize("size", (60_000, 60_001))
async def test_cancelled_reads_lose_nothing(ours, content, size):
    """Also when the block that they wait for was fetched ahead."""
    path, lines = content
    data, got = b"".join(lines), b""
    async with ours.open(path, "rb") as file:
        while len(got) < len(data):
            task = asyncio.ensure_future(file.read(60_000))
            await turns(1)
            if not task.done() and ours.native:
                await cancelled(task)
                task = asyncio.ensure_future(file.read(size))
            got += await within(task)
    assert got == data


async def test_block_that_was_fetched_is_served_from_memory(at_once, content):
    """Far fewer trips than blocks."""
    path, lines = content
    async with aiofiles_c.open(path, "rb") as file:
        before = at_once()["jobs"]
        reads = 0
        while await file.read(8192):
            reads += 1
        jobs = at_once()["jobs"] - before
    assert reads > 100
    assert jobs < reads / 4


@pytest.mark.parametrize("size", (16_384, 65_536, 131_072))
async def test_blocks_of_one_size_come_two_by_two(at_once, content, size):
    """Who reads block by block gets the objects that a worker has filled."""
    path, _ = content
    path.write_bytes(bytes(64 * size))
    async with aiofiles_c.open(path, "rb") as file:
        before = at_once()["jobs"]
        while block := await file.read(size):
            assert len(block) == size
        jobs = at_once()["jobs"] - before
    assert jobs < 64 / 2 + 6


@pytest.mark.parametrize("seed", range(8))
async def test_blocks_among_other_calls_are_those_of_the_file(
    lib, content, seed
):
    """Reads of one size, and now and then something else."""
    path, lines = content
    data, at = b"".join(lines), 0
    choose = random.Random(seed)
    size = choose.choice((16_384, 20_000, 65_536))
    async with lib.open(path, "rb") as file:
        for _ in range(120):
            call = choose.choice(("read",) * 12 + OTHERS)
            if call == "read":
                block = await file.read(size)
                assert block == data[at : at + size]
            elif call == "read some":
                block = await file.read(n := choose.randrange(40_000))
                assert block == data[at : at + n]
            elif call == "readline":
                block = await file.readline()
                assert block == data[at : data.find(b"\n", at) + 1]
            elif call == "readinto":
                room = bytearray(size)
                n = await file.readinto(room)
                block = room[:n]
                assert block == data[at : at + size]
            elif call == "peek":
                block = b""
                assert data[at:].startswith(await file.peek(1))
            elif call == "seek":
                at, block = choose.randrange(len(data)), b""
                assert await file.seek(at) == at
            else:
                block = b""
                assert await file.tell() == at
            at += len(block)


async def test_fileno_among_blocks_stands_where_it_does_in_io(
    lib, local, content
):
    """What was fetched ahead of the reader was not read, as others see it."""
    path, lines = content
    data = b"".join(lines)
    for count in range(1, 6):
        async with lib.open(path, "rb") as file:
            with open(path, "rb") as same:
                for _ in range(count):
                    assert await file.read(65_536) == same.read(65_536)
                places = [
                    os.lseek(either.fileno(), 0, os.SEEK_CUR)
                    for either in (file, same)
                ]
            assert places[0] == places[1]
            assert await file.read() == data[count * 65_536 :]


async def test_file_that_grows_while_it_is_read_is_read_on(lib, content):
    """The end that a worker has met is asked for again."""
    path, _ = content
    block = os.urandom(65_536)
    path.write_bytes(block * 3)
    async with lib.open(path, "rb") as file, lib.open(path, "ab") as more:
        for _ in range(3):
            assert await file.read(65_536) == block
        assert await file.read(65_536) == b""
        for _ in range(10):
            await more.write(block + b"#")
            await more.flush()
            assert await file.read(65_536) == block
            assert await file.read(65_536) == b"#"
            assert await file.read(65_536) == b""


async def test_text_that_is_not_valid_is_an_error(lib, content):
    """The next block is not asked for while an exception is on its way."""
    path, lines = content
    path.write_bytes(b"caf\xc3\xa9\n" * 20_000)
    async with lib.open(path, encoding="ascii") as file:
        for _ in range(3):
            with pytest.raises(UnicodeDecodeError):
                await within(file.readline())
            await file.seek(0)
