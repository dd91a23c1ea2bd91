"""Who looks at the descriptor finds what blocking `open` leaves there.

The content of the file and the descriptor's offset are compared after each
call from the one that asks for `fileno()` on; `model.run` does so.  A case
here is a sequence in which they have differed once.
"""

import os

import aiofiles_c
import pytest

from .support.content import Content, Many, Room, Told
from .support.inject import fault, needs_injection
from .support.model import Case, run

WATCH = ("fileno",)
LINES = Content(20_000)
LARGE = Many(b"ab\n", 50_000)


@pytest.fixture
def same(lib, tmp_path):
    """Run the calls on built-in open and on the library, and compare."""

    async def check(mode, content, *ops, **options):
        case = Case(mode=mode, content=content, ops=ops, **options)
        await run(case, lib.open, tmp_path)

    return check


def offset(file):
    """That of the descriptor, as others see it."""
    return os.lseek(file.fileno(), 0, os.SEEK_CUR)


# ---- binary: what was read ahead, and what is written into it


async def test_write_among_read_bytes_is_read_back_unflushed(same):
    """What is written into the buffer is there; the file has it later."""
    ops = (("read", 3), ("write", b"XY"), ("seek", 0), ("read", 9))
    await same("rb+", LINES, WATCH, *ops)
    await same("rb+", LINES, *ops, WATCH, ("tell",), ("flush",))
    await same("rb+", LINES, *ops[:2], WATCH, *ops[2:])


async def test_seek_among_read_bytes_writes_nothing(same):
    """It stays in the buffer, as does what was written there."""
    ops = (("readline",), ("write", b"a"), ("seek", 0), ("seek", 9000))
    await same("rb+", LINES, *ops)
    await same("rb+", LINES, WATCH, *ops)


async def test_append_among_read_bytes_goes_on_reading_the_buffer(same):
    """The kernel puts the bytes at the end; io reads on in its buffer."""
    await same(
        "ab+", b"", WATCH, ("truncate", 4095), ("peek",), ("write", b"xyz"),
        ("readline",), ("tell",), ("read",),
    )
    await same(
        "ab+", LINES, ("seek", 100), ("read", 3), ("write", b"XY\n"),
        ("readline",), ("tell",), ("seek", 0), ("read",),
    )


async def test_append_after_truncate_tells_where_it_was_put(same):
    """The position is asked of the kernel once the file was cut."""
    await same("ab+", None, ("truncate", 1), ("write", LARGE), ("tell",))


async def test_write_of_nothing_keeps_the_buffer(same):
    """It does not make io forget what it has read ahead."""
    await same(
        "rb+", Content(4095), WATCH, ("readline",), ("write", b""),
        ("seek", 0),
    )


@pytest.mark.parametrize("size", (0, 1, 5000))
async def test_readinto_flushes_when_the_buffer_is_passed(same, size):
    """With nothing to read it flushes all the same."""
    await same(
        "rb+", LINES, WATCH, ("read", 5), ("write", b"ab"),
        ("readinto", Room("bytearray", size)), ("write", b"cd"),
        ("readinto1", Room("bytearray", size)),
    )


async def test_peek_of_a_writable_file_reads_a_block_from_there(same):
    """It flushes and forgets, then reads anew."""
    await same("rb+", LINES, ("read", 10), ("write", b"ab"), ("peek",))
    await same("rb+", LINES, ("read", 10), ("peek",), ("write", b"a"),
               ("seek", 12), ("seek", 5))


async def test_seek_back_behind_a_peek_moves_the_descriptor(lib, make):
    """peek() has dropped what was read before."""
    path = make(bytes(64 << 10))
    calls = ("read", 10), ("read", 4086), ("peek",), ("seek", 4000)
    with open(path, "rb", 4096) as reference:
        async with lib.open(path, "rb", 4096) as file:
            file.fileno()
            for name, *sizes in calls:
                getattr(reference, name)(*sizes)
                await getattr(file, name)(*sizes)
                assert offset(file) == offset(reference)


async def test_writes_after_the_last_line_go_out_as_in_io(lib, make):
    """The end of an iteration leaves the buffer empty."""
    sizes = 3990, 100, 4000, 1, 4096
    path = make(b"line\n" * 20)
    with open(path, "rb+", 4096) as file:
        for _ in file:
            pass
        expected = []
        for size in sizes:
            file.write(b"w" * size)
            expected.append(os.path.getsize(path))
    path = make(b"line\n" * 20)
    async with lib.open(path, "rb+", 4096) as file:
        file.fileno()
        async for _ in file:
            pass
        found = []
        for size in sizes:
            await file.write(b"w" * size)
            found.append(os.path.getsize(path))
    assert found == expected


@needs_injection
@pytest.mark.parametrize("mode", ("rb", "rb+"))
@pytest.mark.parametrize(
    "call", (("read", 5000), ("readline",), ("readlines", 10))
)
@pytest.mark.parametrize("limit", (1, 1000, 4095))
async def test_block_of_which_the_kernel_had_a_part_is_read_to_its_end(
    native, make, mode, call, limit
):
    """What is in memory comes at once, and then the rest of the block."""
    path = make(b"x" * 2999 + b"\n" + b"y" * 20_000)
    with open(path, mode, 4096) as reference:
        async with aiofiles_c.open(path, mode, 4096) as file:
            file.fileno()
            calls = call, ("read", 10), ("read", 9000), ("seek", -9, 1)
            with fault("READ_NOWAIT", limit=limit):
                for name, *sizes in calls:
                    found = await getattr(file, name)(*sizes)
                    assert found == getattr(reference, name)(*sizes)
                    assert await file.tell() == reference.tell()
                    assert offset(file) == offset(reference)


async def test_fileno_after_a_seek_back_stands_behind_the_block(same, local):
    """A seek among what was read does not move the descriptor."""
    await same("rb", Content(4095), ("read", 1), ("seek", 0), WATCH)
    await same("rb", b"0123", ("read", 4), ("seek", 0), WATCH, ("read", 1))
    await same("rb", LINES, ("read", 9000), ("seek", 8500), WATCH, ("read", 1))


async def test_seek_from_the_end_moves_the_descriptor(same):
    """Also to a byte that is in the buffer."""
    await same("rb", b"aaaaa", ("read", 4), ("seek", -1, 2), WATCH)
    back = ("seek", -20_000, 2)
    await same("rb+", LINES, ("read", 4), ("write", b"x"), back)


async def test_fileno_after_read_of_the_end_stands_at_the_end(same):
    """Nothing is left in the buffer then."""
    await same("rb+", b"one\ntwo", ("readlines",), ("seek", 1), WATCH,
               ("write", b"x"), ("read",))


@pytest.mark.parametrize("content", (b"x", b"xy", b"x\ny\n"))
@pytest.mark.parametrize(
    "first", (("read", 1), ("readline",), ("readinto", Room("bytearray", 1)))
)
async def test_fileno_after_another_appended_stands_behind_what_was_read(
    same, local, content, first
):
    """What has come since is not in the buffer, what came before is."""
    grow = ("grow", b"more")
    rest = (("read", 1), ("seek", 0), ("read",))
    await same("rb", content, first, grow, WATCH, *rest)
    await same("rb", content, grow, first, WATCH, *rest)
    await same("rb", content, first, grow, first, WATCH, *rest)
    await same("rb", content, first, grow, ("seek", 0), first, WATCH, *rest)
    await same("rb", content, ("read", 4), grow, ("seek", 0), WATCH, *rest)


# ---- when a write gets to the file


@pytest.mark.parametrize("mode", ("wb", "wb+", "ab"))
@pytest.mark.parametrize(
    "sizes", ((15,), (16,), (17,), (10, 6), (10, 7), (6, 16), (16, 1), (17, 3))
)
async def test_write_that_fills_the_buffer_goes_out_as_in_io(
    same, local, mode, sizes
):
    """What would just fill it passes it in later Pythons."""
    writes = [("write", b"x" * size) for size in sizes]
    await same(mode, None, WATCH, *writes, buffering=16)
    await same(mode, None, *writes, WATCH, *writes, buffering=16)


FILLED = (
    (),
    (("read", 10),),
    (("read", 70),),
    (("read",),),
    (("seek", 0, 2), ("readinto", Room("bytearray", 5))),
    (("readinto", Room("bytearray", 64)),),
    (("readinto", Room("bytearray", 65)),),
    (("read1", 10),),
    (("readline",),),
    (("readlines",),),
    (("peek",),),
    (("peek",), ("read", 3)),
)
# io's buffer is empty then, and yet filled: nobody can tell that afterwards.
EMPTIED = ((("read", 64),), (("seek", 0, 2), ("read", 5)))


@pytest.mark.parametrize(
    "before",
    (*((*ops, WATCH) for ops in FILLED),
     *((WATCH, *ops) for ops in FILLED + EMPTIED)),
)  # fmt: skip
async def test_write_after_a_seek_that_failed_goes_out_as_in_io(
    same, local, before
):
    """The seek has written; io's buffer begins anew, unless it was read."""
    writes = [("write", b"x" * size) for size in (10, 30, 30, 30)]
    ops = (writes[0], ("seek", -1), *writes[1:])
    await same("rb+", LINES, *before, *ops, buffering=64)


@pytest.mark.parametrize("mode", ("rb+", "wb+", "ab+"))
async def test_read_of_nothing_after_a_write_has_written_what_io_has(
    same, local, mode
):
    """read(0) leaves it in the buffer, readinto() an empty one does not."""
    into = ("readinto", Room("bytearray", 0))
    for op in (("read", 0), into, ("read1", 0), ("peek",)):
        await same(mode, LINES, ("write", b"abc"), op, WATCH)
        await same(mode, LINES, WATCH, ("write", b"abc"), op)


async def test_fileno_after_writes_finds_what_io_has_written(same, local):
    """What blocking open still has in its buffer is not in the file."""
    for large in (8193, 100_000, 300_000):
        writes = (
            ("write", Many(b"x", large)), ("write", b"y" * 100),
            ("write", b"z" * 5000),
        )
        for mode in ("wb", "wb+"):
            await same(mode, None, *writes, WATCH, ("write", b"w" * 4000))


async def test_truncate_with_a_bad_size_has_flushed(same):
    """The flush comes first."""
    for bad in (1.5, "3"):
        await same("rb+", b"", WATCH, ("write", b"ab"), ("truncate", bad))
        await same("w", None, WATCH, ("write", "ab"), ("truncate", bad))


# ---- text


@pytest.mark.parametrize("mode", ("w", "w+", "a"))
@pytest.mark.parametrize(
    "sizes",
    ((2, 8191), (2, 8190), (8191, 2), (8000, 500), (8192,), (5, 8193),
     (5, 8000, 500, 8000), (100, 70_000, 5)),
)
async def test_text_hands_on_what_is_pending_as_in_io(
    same, local, mode, sizes
):
    """Which writes are joined differs between Pythons."""
    writes = [("write", Many("x", size)) for size in sizes]
    await same(mode, None, WATCH, *writes)
    await same(mode, None, *writes, WATCH, *writes)


async def test_text_read_of_nothing_hands_on_what_is_pending(same, local):
    """read(0) passes it to the buffer, which keeps it."""
    await same("w+", None, WATCH, ("write", "a" * 5000), ("read", 0),
               ("write", "b" * 5000), ("read", 0))
    await same("w+", None, ("write", "a" * 5000), ("read", 0),
               ("write", "b" * 5000), ("read", 0), WATCH)


async def test_text_seek_into_a_chunk_reads_a_block(same):
    """What the cookie asks for comes by way of the buffer."""
    for size in (4496, 20_000):
        await same(
            "r", Content(size, b"old\rmac\r"), WATCH, ("readline",),
            ("tell",), ("seek", Told(0)), ("readline",), ("tell",),
            ("readlines", 9000), ("seek", 0), ("read",),
        )


@pytest.mark.parametrize("newline", (None, ""))
@pytest.mark.parametrize("buffering", (-1, 16, 8192))
@pytest.mark.parametrize("mode", ("r", "r+"))
async def test_text_seek_into_a_chunk_leaves_a_buffer_behind(
    same, local, mode, buffering, newline
):
    """What was read for the cookie is the next chunk, if nothing flushes."""
    here = ("seek", 0, 1)
    for content in (
        Content(4496, b"old\rmac\r"), Content(20_000, b"old\rmac\r"),
        Content(20_000, "\xe9\r\u20ac\n".encode()),
    ):
        for ops in (
            (("seek", 5), ("readline",)), (("tell",), ("readline",)),
            (("flush",), ("read", 1)), (here, ("seek", 4), here),
            (("seek", 4099), ("read", 9000)), (("read", 9000), here, here),
        ):
            ops = (("readline",), here, *ops)
            for each in ((WATCH, *ops), (*ops, WATCH), ops):
                await same(
                    mode, content, *each, ("tell",), buffering=buffering,
                    newline=newline,
                )


async def test_text_read_behind_a_read_of_all_is_as_large_as_in_io(same):
    """How many bytes a character takes is learnt from chunks alone."""
    ops = (("read",), ("seek", 0), ("read", 4095), ("read", 1))
    content = Many("€".encode(), 8191)
    await same("r", content, WATCH, *ops, encoding="utf-8")
    await same("r", content, ("read", 1), WATCH, *ops, encoding="utf-8")


async def test_text_write_that_cannot_be_encoded_leaves_the_buffer(same):
    """It has handed nothing on, so that a line comes from what is there."""
    await same(
        "r+", Content(8191, b"old\rmac\r"), WATCH, ("readline",),
        ("seek", 0, 1), ("write", "\ud800"), ("readline",),
    )


async def test_text_seek_that_finds_too_little_has_decoded_it(same):
    """The error leaves the characters that there are."""
    here = ("seek", 0, 1)
    await same(
        "r+", Content(4095, "\xe9\r\u20ac\n".encode()), ("seek", 8),
        ("next",), here, ("truncate", 10), here, ("readline",), ("next",),
        errors="replace", probe=True,
    )
    await same("r+", b"a", WATCH, ("seek", 2**128), ("readline", 0))


async def test_text_seek_to_a_bad_cookie_has_flushed(same):
    """A number that is no cookie is found out after the flush."""
    await same("r+", b"", WATCH, ("write", "a"), ("seek", 2**192 + 2),
               ("seek", 2**300))


@pytest.mark.parametrize("call", ("readline", "readlines"))
async def test_text_call_that_is_wrong_hands_nothing_on(same, call):
    """Its arguments are looked at before what is pending is."""
    write = ("write", Many("x", 8191))
    await same("w", None, WATCH, write, (call, "3"), (call, 1.5))
    await same("w", None, WATCH, write, ("readline", None))
    await same("w", None, WATCH, write, (call, 3))


async def test_text_readable_keeps_the_file_native(same):
    """It tells what the file can do and moves nothing."""
    await same("r", b"one\ntwo\n", WATCH, ("read", 1), ("readable",),
               ("readline",))
    await same("r+", b"", WATCH, ("write", "a"), ("readable",))


# ---- tell() after errors


async def test_text_tell_after_a_read_that_failed_is_behind_its_chunk(same):
    """read() has taken the chunk before the one that does not decode."""
    filler = "\U0001f600\u20ac\xe9\r\n".encode()
    for size in (4095, 4496):
        await same("r", Content(size, filler), ("read", 4095), probe=True)


async def test_text_tell_after_lines_that_failed_is_behind_what_was_read(
    same,
):
    """Also where a seek has left the decoder in a state of its own."""
    for mode in ("r", "r+"):
        await same(mode, b"\xff\xfe", ("seek", 2**64), ("readlines",),
                   ("flush",), ("tell",))
        await same(mode, b"\xc3", ("readline",), ("readlines",), ("flush",),
                   ("tell",))


async def test_text_tell_after_lines_that_failed_behind_a_seek(same, local):
    """A seek to a place within a line end is still where telling begins."""
    content = Content(4496, filler="caf\u00e9\r\n".encode(), marks=((4000, b"\xff"),))
    within_line_end, too_large = 1 << 64, 1 << 191
    for ops in ((("readlines",),), (("readlines",), ("tell",))):
        await same(
            "r", content, WATCH, ("seek", within_line_end), *ops,
            ("seek", too_large), ("tell",), ("readline",), ("tell",),
            encoding="utf-8",
        )  # fmt: skip
    flags = 64 << 64  # of which no decoder knows
    await same("r", b"\xed\xa0\x80", WATCH, ("seek", flags), ("readlines",),
               ("seek", too_large), ("tell",), encoding="utf-8", start=0)


async def test_text_tell_after_several_reads_that_failed(same):
    """What was read last is behind, be it the first or not that is not noted."""
    content = Content(65_535, marks=((8191, b"\xc3"),))
    failing = ("readline",), ("read", 10), ("readline",), ("read",)
    for mode in ("r", "r+"):
        await same(mode, content, ("readline",), ("readlines",), ("flush",),
                   *failing, probe=True)


async def test_text_seek_with_a_wrong_whence_has_not_flushed(same):
    """So that tell() stays off, after lines that failed."""
    await same("r", b"\xff", ("readlines",), ("seek", 0, 2**40), ("tell",))


async def test_text_tell_after_lines_cut_short_is_where_it_reads_on(same):
    """The end of the file is a chunk, too, which io has not noted."""
    for mode in ("r", "r+"):
        await same(mode, b"a\nb\nc\n", ("read", 1), ("readlines", 1),
                   ("read", 5000), ("flush",), ("tell",), ("read",))


async def test_text_truncate_that_is_refused_enables_tell(same):
    """It flushes first, which ends what readlines() has begun."""
    await same("r", b"aa", ("readlines", 1), ("tell",), ("truncate",),
               ("tell",))
    await same("r", b"\xff", ("readlines",), ("truncate",), ("tell",))


async def test_text_read_in_part_and_written_is_read_on_as_in_io(same):
    """Without a record for tell() later Pythons keep what is decoded."""
    for ops in (
        (("read",),), (("readline",), ("read", 2), ("read",)),
        (("next",), ("readlines",)), (("read", 100),),
    ):
        for first in ((), (("seek", 0),)):
            await same("r+", LINES, *first, ("readlines", 1),
                       ("write", "x"), *ops)
            await same("r+", LINES, WATCH, *first, ("readlines", 1),
                       ("write", "x"), *ops)
