"""Operations for which all is in memory, which do not enter a file's queue.

What they give and leave is compared with blocking files elsewhere; here is
where the short way must not be taken, or must not be seen.
"""

import asyncio
import errno
import gc
import os
import weakref

import aiofiles_c
import pytest

from .support.inject import fault, needs_injection
from .support.waiting import turns_counted, within

LINES = [b"line %d\n" % n for n in range(5000)]


@pytest.fixture(autouse=True)
def engine(native):
    """The delegate has one way only."""


@pytest.mark.parametrize("mode", ("r", "rb"))
async def test_line_that_was_given_is_not_kept(make, mode):
    """Nor its file: what is used again holds neither."""

    class Kept:
        pass

    async with aiofiles_c.open(make(b"".join(LINES)), mode) as file:
        kept = Kept()
        file.kept = kept
        gone = weakref.ref(kept)
        for _ in range(100):
            assert await file.readline()
        async for _ in file:
            break
    del file, kept
    gc.collect()
    assert gone() is None


async def test_operation_that_its_argument_takes_hold_of_lives_on(path):
    """By the collector, while it is destroyed; and is destroyed once more."""
    kept = []

    class Bytes(bytes):
        def __del__(self):
            kept.extend(
                found
                for found in gc.get_objects()
                if type(found).__name__ == "Operation"
                and getattr(found, "__name__", "") == "mine"
            )

    async with aiofiles_c.open(path, "wb") as file:
        await file.write(b"1")
        operation = file.write(Bytes(b"22"))
        operation.__name__ = "mine"
        assert await operation == 2
        del operation
        assert len(kept) == 1
        with pytest.raises(RuntimeError, match="already awaited"):
            await kept[0]
        kept.clear()
        assert await file.write(b"3") == 1
    assert path.read_bytes() == b"1223"


@needs_injection
@pytest.mark.parametrize("mode", ("w", "wb"))
@pytest.mark.parametrize("size", (10, 20_000, 100_000))
async def test_write_for_which_there_is_no_memory_is_not_done(
    path, mode, size
):
    """Whatever lies before it: bytes that were copied, or are referred to."""
    kind = bytes if "b" in mode else bytes.decode
    async with aiofiles_c.open(path, mode) as file:
        expected = b"x" * size
        await file.write(kind(expected))
        for n in range(20):
            added = b"%d" % n * 1000
            with fault("MEMORY", errno.ENOMEM):
                try:
                    assert await file.write(kind(added)) == len(added)
                except MemoryError:
                    continue
            expected += added
    assert path.read_bytes() == expected


@pytest.mark.parametrize("back", (2, 5, 10, 20))
async def test_long_line_in_the_buffer_is_given_by_pieces(make, back):
    """That of a readline() which was cancelled so many turns before its end:
    while its bytes were copied, or before."""
    line = b"x" * (32 << 20) + b"\n"
    async with aiofiles_c.open(make(line), "rb") as file:
        for _ in range(2):  # the first makes the buffer as well
            async with turns_counted() as turns:
                await within(file.readline())
                whole = len(turns)
            await file.seek(0)
        task = asyncio.ensure_future(file.readline())
        for _ in range(whole - back):
            await asyncio.sleep(0)
        task.cancel()
        await within(asyncio.wait([task]))
        if not task.cancelled():
            await file.seek(0)
        async with turns_counted() as turns:
            assert await within(file.readline()) == line
            assert len(turns) >= 4


@pytest.mark.parametrize("size", (100, 100_000, 1_500_000))
async def test_line_after_the_last_is_empty(make, size):
    """Where the buffer was given up, and where it was not."""
    data = b"".join(b"%09d\n" % n for n in range(size // 10))
    async with aiofiles_c.open(make(data), encoding="ascii") as file:
        for _ in range(3):
            await file.readline()
        assert len(await file.read()) == len(data) - 30
        for _ in range(2):
            assert await file.readline() == ""
        assert [line async for line in file] == []


@pytest.mark.parametrize("mode", ("r", "rb"))
async def test_line_of_a_closed_or_converted_file_is_not_at_hand(make, mode):
    """Though its bytes may still be in memory."""
    kind = bytes if "b" in mode else bytes.decode
    path = make(b"".join(LINES))
    async with aiofiles_c.open(path, mode) as file:
        assert await file.readline() == kind(LINES[0])
        assert file._file.readline() == kind(LINES[1])
        assert await file.readline() == kind(LINES[2])
    with pytest.raises(ValueError, match="closed file"):
        await file.readline()
    with pytest.raises(ValueError, match="closed file"):
        async for _ in file:
            pass


@pytest.mark.parametrize("mode", ("r", "rb"))
async def test_read_of_a_closed_or_converted_file_is_not_at_hand(make, mode):
    """Nor is that of one whose descriptor others see."""
    kind = bytes if "b" in mode else bytes.decode
    data = b"".join(LINES)
    path = make(data)
    async with aiofiles_c.open(path, mode) as file:
        assert await file.read(3) == kind(data[:3])
        assert file._file.read(3) == kind(data[3:6])
        assert await file.read(3) == kind(data[6:9])
    with pytest.raises(ValueError, match="closed file"):
        await file.read(3)
    if mode == "rb":
        async with aiofiles_c.open(path, mode) as file:
            assert await file.read(3) == data[:3]
            seen = os.lseek(file.fileno(), 0, os.SEEK_CUR)
            assert await file.read(3) == data[3:6]
            assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == seen


@pytest.mark.parametrize("buffering", (-1, 1000, 2_000_000))
async def test_read_takes_what_the_builtin_takes_for_a_size(make, buffering):
    """Numbers of any kind, in any place of the buffer; wrong ones too."""
    data = b"".join(LINES)
    path = make(data)

    class Five:
        def __index__(self):
            return 5

    sizes = (7, True, False, Five(), 0, 999, 1001, 1 << 70, -2, 2.0, "1", 3)
    calls = [((size,), {}) for size in sizes]
    calls += [((1, 2), {}), ((), {"size": 5}), ((4000,), {}), ((None,), {})]
    with open(path, "rb", buffering) as real:
        async with aiofiles_c.open(path, "rb", buffering) as file:
            for args, kwargs in calls:
                try:
                    expected = real.read(*args, **kwargs)
                except Exception as error:
                    with pytest.raises(type(error)) as raised:
                        await file.read(*args, **kwargs)
                    assert str(raised.value) == str(error)
                else:
                    assert await file.read(*args, **kwargs) == expected
                assert await file.tell() == real.tell()


async def test_reads_from_the_buffer_leave_the_loop_its_turns(make):
    """Small ones without end are work, too."""
    async with aiofiles_c.open(make(bytes(8 << 20)), "rb") as file:
        async with turns_counted() as turns:
            while await file.read(4096):
                pass
        assert len(turns) >= 2


@pytest.mark.parametrize("mode", ("w", "wb"))
async def test_write_beside_a_descriptor_that_others_see_is_not_at_hand(
    path, mode
):
    """It goes where, and when, that of blocking open() does."""
    kind = bytes if "b" in mode else bytes.decode
    async with aiofiles_c.open(path, mode) as file:
        await file.write(kind(b"one\n"))
        descriptor = file.fileno()
        await file.write(kind(b"two\n"))
        await file.flush()
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 8
        assert path.read_bytes() == b"one\ntwo\n"
