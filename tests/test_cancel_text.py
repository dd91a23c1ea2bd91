"""Cancelled operations of text: where the file stands afterwards.

What a read had decoded ahead is still to be returned; tell() says where that
begins, though there are newer chunks.
"""

import asyncio
import builtins
import io
import os
import tracemalloc

import aiofiles_c
import pytest

from .support.waiting import cancelled, jobs_end, turns, within


async def was_cancelled(ours, awaitable, stage, late=False):
    """Start it, cancel it some turns later, or when its job is done and the
    loop has not seen it; False if it ended before, as what a thread of an
    executor does is let to."""
    task = asyncio.ensure_future(awaitable)
    await turns(stage)
    if late:
        jobs_end()
    if task.done() or not ours.native:
        await within(task)
        return False
    await cancelled(task)
    return True


async def after_cancelled_readlines(ours, make, mode):
    """Files whose readlines() was cancelled behind the first line, at whatever
    stage, with all their lines."""
    lines = [f"{n} \u20ac line\n" for n in range(30_000)]
    path = make("".join(lines).encode())
    for stage in range(1, 8):
        async with ours.open(path, mode, encoding="utf-8") as file:
            assert await file.readline() == lines[0]
            if await was_cancelled(ours, file.readlines(), stage):
                yield file, lines


@pytest.mark.parametrize("mode", ("r", "r+"))
async def test_readlines_cancelled_leaves_the_position_told(ours, make, mode):
    """tell() and readline() are as if it had not been."""
    async for file, lines in after_cancelled_readlines(ours, make, mode):
        begin = len(lines[0].encode())
        assert await file.tell() == begin
        assert await file.readline() == lines[1]
        assert await file.seek(begin) == begin
        assert await file.readlines() == lines[1:]


async def test_readlines_cancelled_leaves_the_synchronous_file_there(
    ours, make
):
    """What takes over goes on with the next line."""
    async for file, lines in after_cancelled_readlines(ours, make, "r"):
        assert file._file.readline() == lines[1]


CONTENTS = {
    "bad": b"\xff" * 150_000,
    "good then bad": b"ab\xc3\xa9" * 20_000 + b"\xff" * 80_000,
    "line ends": b"a\xff\r" * 60_000,
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize(
    "call",
    (("readlines",), ("readline",), ("read", 140_000)),
    ids=lambda call: call[0],
)
@pytest.mark.parametrize("skip", (5, 9000))
async def test_tell_after_a_cancelled_read_is_as_before(
    ours, make, content, call, skip
):
    """Of characters that an error handler has made, among whose bytes there
    is no finding the way by counting; and seek() goes there."""
    path = make(CONTENTS[content] + b"\nend\n")
    name, *sizes = call
    newline = "" if content == "line ends" else None
    stages = 0
    for stage in range(1, 30, 3):
        async with ours.open(
            path, encoding="utf-8", errors="replace", newline=newline
        ) as file:
            file.fileno()  # chunk by chunk, as blocking open() reads it
            assert len(await file.read(skip)) == skip
            place = await file.tell()
            if not await was_cancelled(
                ours, getattr(file, name)(*sizes), stage
            ):
                continue
            stages += 1
            assert await file.tell() == place
            first = await file.read(10_000)
            further = await file.tell()
            rest = await file.read()
            assert await file.seek(place) == place
            assert await file.read(10_000) == first
            assert await file.tell() == further
            assert await file.read() == rest
    if ours.native and name == "readlines":
        assert stages > 0


async def test_newlines_after_a_cancelled_read_are_all_that_were_met(
    ours, make
):
    """Also where tell() has looked for its way in what was decoded."""
    some = b"a\xff\n" * 2800  # more than a block
    path = make(some + b"\xff\r\n" + some * 10)
    async with ours.open(path, encoding="utf-8", errors="replace") as file:
        file.fileno()
        await file.readline()
        for stage in range(1, 9):
            if not await was_cancelled(ours, file.readlines(), stage):
                break
            await file.tell()
        await within(file.readlines())
        assert file.newlines == ("\n", "\r\n")


async def test_readlines_cancelled_behind_an_unended_line_has_not_moved(
    ours, make
):
    """tell(), and what the synchronous object then reads."""
    met = 0
    for size in range(200_000, 330_000, 10_000):
        path = make(b"first\nsecond\n" + b"x" * size)
        for sends in range(1, 6):
            async with ours.open(path, encoding="utf-8") as file:
                await file.readline()
                if not await was_cancelled(ours, file.readlines(), sends):
                    continue
                met += 1
                assert await file.tell() == 6
                assert await file.readline() == "second\n"
                assert file._file.read() == "x" * size
    assert met > 0 or not ours.native


async def test_decoded_characters_of_a_pipe_are_not_handed_over(native):
    """They would be lost, as nothing can go back there."""
    end, other = os.pipe()
    os.write(other, b"\xffabc\xff")
    os.close(other)
    async with aiofiles_c.open(
        end, encoding="utf-8", errors="replace"
    ) as file:
        assert await within(file.read(2)) == "\ufffda"
        with pytest.raises(io.UnsupportedOperation):
            _ = file._file
        assert await within(file.read(2)) == "bc"


@pytest.mark.parametrize("late", (False, True))
@pytest.mark.parametrize("shared", (False, True))
@pytest.mark.parametrize("whence", (0, 1))
async def test_seek_cancelled_is_done_or_has_not_moved(
    ours, make, whence, shared, late
):
    """Where the place is among the characters that one byte gave: it is not
    left at the byte's."""
    path = make(b"\xff" * 20_000)
    options = {"encoding": "ascii", "errors": "backslashreplace"}
    async with ours.open(path, **options) as file:
        if shared:
            file.fileno()
        await file.read(10)
        first = await file.tell()
        await file.read(8000)
        second = await file.tell()
        arguments = (0, 1) if whence == 1 else (first,)
        places = {first: r"ff\xff", second: (r"\xff" * 4000)[8010 % 4:][:6]}
        for stage in range(1, 9):
            await was_cancelled(ours, file.seek(*arguments), stage, late)
            place = await file.tell()
            assert place == second if whence == 1 else place in places
            assert await file.read(6) == places[place]
            await file.seek(second)


@pytest.mark.parametrize("late", (False, True))
async def test_write_only_file_is_written_after_a_cancelled_seek(
    ours, path, late
):
    """It cannot skip characters, and is at the byte that they begin at, as in
    io, or has not moved."""
    cookie = 5 | 3 << 96 | 1 << 128  # feed 3 bytes there, skip a character
    for stage in range(1, 9):
        async with ours.open(path, "w") as file:
            file.fileno()
            try:
                await was_cancelled(ours, file.seek(cookie), stage, late)
            except io.UnsupportedOperation:
                assert await file.tell() == 5
            place = await file.tell()
            assert place in (0, 5)
            assert await file.write("ab") == 2
            await file.flush()
            assert path.read_bytes() == bytes(place) + b"ab"


@pytest.mark.parametrize("call", ("write", "writelines"))
async def test_write_after_a_cancelled_seek_is_where_io_has_it(
    ours, make, call
):
    """Or where it was, if the seek is not done."""
    data = b"\xff\n" * 10_000
    options = {"encoding": "ascii", "errors": "backslashreplace"}
    contents = []
    for seek in (True, False):
        path = make(data)
        with builtins.open(path, "r+", **options) as file:
            file.read(7)
            place = file.tell()
            file.seek(0)
            if seek:
                file.seek(place)
            file.write("X")
        contents.append(path.read_bytes())
    for stage in range(1, 9):
        path = make(data)
        async with ours.open(path, "r+", **options) as file:
            await was_cancelled(ours, file.seek(place), stage)
            await getattr(file, call)("X")
        assert path.read_bytes() in contents


async def test_seek_during_which_fileno_comes_is_done(ours, make):
    """What a worker has read of a file that is shared now is read again."""
    path = make(b"\xff\n" * 20)
    options = {"encoding": "ascii", "errors": "backslashreplace"}
    async with ours.open(path, **options) as file:
        await file.read(7)
        place = await file.tell()
        rest = await file.read()
    for stage in range(6):
        async with ours.open(path, **options) as file:
            seeking = asyncio.ensure_future(file.seek(place))
            await turns(stage)
            file.fileno()
            assert await within(seeking) == place
            assert await file.read() == rest


async def test_memory_of_what_was_decoded_is_given_back(native, make):
    """Also where bytes that only the codec can decode go on."""
    path = make((b"\xff" * 79 + b"\n") * 100_000)
    options = {"encoding": "utf-8", "errors": "replace"}
    tracemalloc.start()
    try:
        async with aiofiles_c.open(path, **options) as file:
            for call in (file.readlines, lambda: file.read(5_000_000)):
                await call()
                assert tracemalloc.get_traced_memory()[0] < 1_000_000
                await file.seek(0)
                await file.read(10)
    finally:
        tracemalloc.stop()
