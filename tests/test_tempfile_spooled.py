"""Temporary files that stay in memory up to a size."""

import asyncio
import os

import aiofiles_c.tempfile
import pytest
from aiofiles_c.tempfile import temptypes

from .support.waiting import cancelled, turns, within

pytestmark = pytest.mark.usefixtures("place")


@pytest.mark.parametrize("mode", ("w+b", "w+"))
async def test_spooled_file_is_in_memory_up_to_its_size(temp, place, mode):
    """It has no name there; beyond max_size it is a file without one."""
    data = b"0123456789" if "b" in mode else "0123456789"
    async with temp.SpooledTemporaryFile(
        15, mode, encoding=None if "b" in mode else "utf-8"
    ) as file:
        assert await file.write(data) == 10
        assert file.name is None
        assert file.mode == mode
        assert await file.tell() == 10
        assert await file.write(data) == 10
        assert type(file.name) is int
        assert await file.tell() == 20
        assert await file.write(data) == 10
        assert await file.seek(0) == 0
        assert await file.read() == data * 3
        assert not await file.isatty()
        assert os.listdir(place) == []
        assert file._file._rolled


@pytest.mark.parametrize("how", ("rollover", "fileno", "truncate"))
@pytest.mark.parametrize("mode", ("w+b", "w+"))
async def test_spooled_file_rolls_over_where_it_stands(temp, mode, how):
    """Data and position are what they were."""
    data = "one\ntwo\nthree\n"
    data = data.encode() if "b" in mode else data
    async with temp.SpooledTemporaryFile(
        100, mode, encoding=None if "b" in mode else "utf-8"
    ) as file:
        await file.writelines([data[:8], data[8:]])
        await file.seek(4)
        if how == "rollover":
            await file.rollover()
        elif how == "fileno":
            assert await file.fileno() == file.name
        else:
            await file.truncate(1000)
        assert type(file.name) is int
        assert await file.tell() == 4
        assert await file.readline() == data[4:8]
        assert await file.readlines(1) == [data[8:14]]
        if how == "truncate":
            assert os.fstat(file.name).st_size == 1000
        await file.rollover()
        await file.truncate(8)
        await file.seek(0)
        assert await file.read(100) == data[:8]


async def test_spooled_file_iterates_in_memory_and_on_disk(temp):
    """Lines come either way."""
    async with temp.SpooledTemporaryFile(1000) as file:
        await file.write(b"one\ntwo\n")
        for _ in range(2):
            await file.seek(0)
            assert [line async for line in file] == [b"one\n", b"two\n"]
            await file.rollover()


async def test_spooled_text_keeps_what_it_has_encoded(temp):
    """What is in memory moves as bytes: nothing is translated twice."""
    async with temp.SpooledTemporaryFile(
        1000, "w+", encoding="utf-8", newline="\r\n"
    ) as file:
        await file.write("zwölf\nBoxkämpfer\n")
        assert await file.tell() == 21
        await file.rollover()
        assert await file.tell() == 21
        await file.write("€\n")
        await file.flush()
        assert file.encoding == "utf-8"
        descriptor = await file.fileno()
        assert os.pread(descriptor, 100, 0) == (
            "zwölf\r\nBoxkämpfer\r\n€\r\n".encode()
        )


async def test_spooled_text_in_another_codec_rolls_over(temp):
    """A codec that the engine does not know is the standard library's."""
    async with temp.SpooledTemporaryFile(
        4, "w+", encoding="utf-16-le"
    ) as file:
        await file.write("data")
        assert type(file.name) is int
        await file.write("more")
        await file.seek(0)
        assert await file.read() == "datamore"


async def test_spooled_file_closed_says_so(temp):
    """As any file; closing again is no error."""
    file = await temp.SpooledTemporaryFile(100)
    await file.close()
    await file.close()
    assert file.closed
    for call in (file.read, file.tell, file.flush):
        with pytest.raises(ValueError):
            await call()


async def test_spooled_file_whose_standard_object_rolled_goes_on(temp):
    """Whoever rolls `_file` over himself finds the file there."""
    async with temp.SpooledTemporaryFile(1000) as file:
        await file.write(b"one\ntwo\n")
        file._file.rollover()
        assert type(file.name) is int
        await file.seek(4)
        assert await file.readline() == b"two\n"
        await file.write(b"three\n")
        await file.seek(0)
        assert await file.read() == b"one\ntwo\nthree\n"


async def test_spooled_file_whose_file_was_asked_for_goes_on(temp):
    """After the rollover `_file` has the file, at its position."""
    async with temp.SpooledTemporaryFile(4) as file:
        await file.write(b"one\ntwo\n")
        await file.seek(4)
        assert file._file._rolled
        assert file._file.readline() == b"two\n"
        assert await file.tell() == 8
        await file.write(b"three\n")
        await file.seek(0)
        assert await file.read() == b"one\ntwo\nthree\n"


async def test_spooled_file_at_once_in_memory(at_once, place):
    """Until it rolls over no thread has anything to do with it."""
    before = aiofiles_c.stats()
    async with aiofiles_c.tempfile.SpooledTemporaryFile(1000) as file:
        for _ in range(10):
            await file.write(b"line\n")
        await file.seek(0)
        assert len([line async for line in file]) == 10
    after = aiofiles_c.stats()
    assert after["delegate"] == before["delegate"]
    assert after["jobs"] == before["jobs"]


async def test_spooled_file_used_while_it_rolls_over_loses_nothing(
    our_temp, gate
):
    """What is called meanwhile waits, and finds the file."""
    async with our_temp.SpooledTemporaryFile(10) as file:
        await file.write(b"one\n")
        if not isinstance(file, temptypes.AsyncSpooledTemporaryFile):
            pytest.fail("not the documented type")
        if our_temp.lib.native:
            async with gate.shut():
                rolling = asyncio.ensure_future(file.rollover())
                await gate.queued(1)
                write = asyncio.ensure_future(file.write(b"two\n"))
                tell = asyncio.ensure_future(file.tell())
                await turns()
                assert not write.done() and not tell.done()
            await within(asyncio.gather(rolling, write, tell))
        else:
            await file.rollover()
            await file.write(b"two\n")
        await file.seek(0)
        assert await file.read() == b"one\ntwo\n"


async def test_spooled_file_cancelled_while_it_rolls_over_has_its_data(
    our_temp, gate, place
):
    """The write that made it roll is done; nothing is written twice."""
    if not our_temp.lib.native:
        pytest.skip("a thread's rollover is not the engine's")
    async with our_temp.SpooledTemporaryFile(2) as file:
        async with gate.shut():
            write = asyncio.ensure_future(file.write(b"data"))
            await gate.queued(1)
            await cancelled(write)
        await file.write(b"more")
        assert type(file.name) is int
        await file.seek(0)
        assert await file.read() == b"datamore"


async def test_spooled_file_that_cannot_roll_over_has_its_data(temp, place):
    """The error is raised where the file was to be made."""
    file = await temp.SpooledTemporaryFile(100, dir=place / "missing")
    await file.write(b"data")
    with pytest.raises(FileNotFoundError):
        await file.rollover()
    await file.seek(0)
    assert await file.read() == b"data"
    await file.close()
