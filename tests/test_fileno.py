"""`fileno()` while an operation of the file is under way.

It cannot wait in the loop, so it takes back a job that no worker has begun,
and waits for one that has; the operation then ends as if nobody had asked.
"""

import asyncio
import builtins
import os

import aiofiles_c
import pytest

from .support.waiting import jobs_end, turns, within


@pytest.fixture(autouse=True)
async def engine(native):
    """The delegate's files have a descriptor that nobody moves.

    The clock has just been looked at, so that no first step gives way.
    """
    async with aiofiles_c.open(__file__, "rb") as file:
        for _ in range(1000):
            await file.tell()


async def begin(awaitable, gate, ended):
    """A task whose job, if it needs one, is queued or has just ended.

    With `ended` the job has ended and the loop does not know it yet.
    """
    task = asyncio.ensure_future(awaitable)
    if ended:
        await turns(1)
        jobs_end()
    else:
        await turns(5)
    return task


class Open:
    """No gate: the workers are free."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        pass


each_state = pytest.mark.parametrize(
    "ended", (False, True), ids=("queued", "ended")
)


@each_state
@pytest.mark.parametrize(
    "mode, buffering",
    (("rb+", 0), ("rb+", -1), ("r+", -1), ("wb", -1), ("w", -1)),
)
async def test_fileno_during_a_seek_to_the_end_lets_it_get_there(
    make, gate, mode, buffering, ended
):
    """The next write is put where the seek has said that it stands."""
    path = make(b"0123456789")
    text = str if "b" not in mode else str.encode
    async with aiofiles_c.open(path, mode, buffering) as file:
        await file.write(text("0123456789"))
        await file.flush()
        await file.seek(2)
        async with Open() if ended else gate.shut():
            seek = await begin(file.seek(0, 2), gate, ended)
            file.fileno()
        assert await within(seek) == 10
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 10
        await file.write(text("AB"))
    with open(path, "rb") as written:
        assert written.read() == b"0123456789AB"


@each_state
async def test_fileno_during_a_seek_reads_on_from_there(make, gate, ended):
    """A reader's buffer is that of the new place."""
    path = make(b"0123456789" * 10)
    async with aiofiles_c.open(path, "rb") as file:
        await file.read(3)
        async with Open() if ended else gate.shut():
            seek = await begin(file.seek(-5, 2), gate, ended)
            file.fileno()
        assert await within(seek) == 95
        assert await file.read() == b"56789"
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 100


@pytest.mark.parametrize("mode", ("rb", "wb", "w"))
async def test_fileno_of_a_file_that_close_has_just_closed_is_refused(
    make, gate, mode
):
    """A number that may be another file's by now is not given away."""
    file = await aiofiles_c.open(make(b"x" * 10), mode)
    if mode != "rb":
        await file.write("y" if mode == "w" else b"y")
    close = await begin(file.close(), gate, ended=True)
    with pytest.raises(ValueError):
        file.fileno()
    await within(close)
    assert file.closed


@pytest.mark.parametrize("call", ("write", "writelines"))
async def test_fileno_while_a_write_among_read_bytes_looks_at_them(
    make, call
):
    """At whatever stage: the offset is that of built-in open."""
    data, given = bytes(range(250)) * 80, (b"XY", [b"XY"])[call != "write"]
    with builtins.open(make(data), "rb+") as file:
        file.read(1)
        getattr(file, call)(given)
        wanted = os.lseek(file.fileno(), 0, os.SEEK_CUR)
    for stage in range(40):
        path = make(data)
        async with aiofiles_c.open(path, "rb+") as file:
            await file.read(1)
            task = asyncio.ensure_future(getattr(file, call)(given))
            await turns(stage // 2)
            if stage % 2:
                jobs_end()
            number = file.fileno()
            await within(task)
            assert os.lseek(number, 0, os.SEEK_CUR) == wanted
            assert await file.read(3) == data[3:6]
        assert path.read_bytes() == data[:1] + b"XY" + data[3:]
