"""Large reads and writes, which workers share: the same as small ones."""

import asyncio
import builtins
import codecs
import os

import aiofiles_c
import pytest

from .support.child import python
from .support.outcome import difference, outcome_of, outcome_of_await
from .support.waiting import cancelled, jobs_end, turns, within

MIB = 1 << 20
# Where an engine may begin to share, or cut into parts, and about there.
SIZES = (MIB - 1, MIB, MIB + 1, 4 * MIB - 1, 4 * MIB, 6 * MIB + 1)
# Of text that is decoded at once, by parts, and by workers.
TEXTS = (MIB // 4, MIB, 3 * MIB, 9 * MIB)
# What lies across the places where a large text is cut.
UNITS = {
    "ascii": b"0123456789abcde\n",
    "latin": "caf\u00e9 au lait\n".encode(),
    "wide": "a\u00e9\u20ac\u4e2d \u0442\u0435\u0441\u0442\n".encode(),
    "astral": "x\U0001f600\u20ac\r\n".encode(),
    "returns": b"one\rtwo\r\nthree\n\r\r\n",
}


def repeated(unit, size, shift=0):
    """About size bytes of whole units, moved by shift bytes."""
    return b"." * shift + unit * (size // len(unit) + 1)


@pytest.mark.parametrize("size", SIZES)
async def test_read_of_all_bytes_gives_them_at_every_size(lib, make, size):
    """Whoever reads which part, the bytes are in their places."""
    count = size // 16 + 1
    data = (b"%015d\n" * count % tuple(range(count)))[:size]
    path = make(data)
    async with lib.open(path, "rb") as file:
        assert await file.read() == data
        assert await file.read() == b""
        assert await file.seek(5) == 5
        assert await file.read(size) == data[5:]
        assert await file.seek(-7, 2) == size - 7
        assert await file.read() == data[-7:]


async def test_readinto_fills_a_large_buffer(lib, make):
    """As built-in: all of it, less at the end."""
    data = bytes(range(251)) * 24000
    path = make(data)
    async with lib.open(path, "rb") as file:
        buffer = bytearray(5 * MIB)
        assert await file.readinto(buffer) == 5 * MIB
        assert buffer == data[: 5 * MIB]
        left = len(data) - 5 * MIB
        assert await file.readinto(buffer) == left
        assert buffer[:left] == data[5 * MIB :]


@pytest.mark.parametrize("newline", (None, "", "\n", "\r", "\r\n"))
@pytest.mark.parametrize("kind", UNITS)
async def test_read_of_all_text_gives_what_built_in_open_gives(
    lib, make, kind, newline
):
    """Characters and line ends across all cuts, of all widths."""
    for shift, size in ((0, MIB), (0, 2 * MIB), (1, 2 * MIB)):
        path = make(repeated(UNITS[kind], size, shift))
        with builtins.open(path, encoding="utf-8", newline=newline) as file:
            wanted, newlines = file.read(), file.newlines
        async with lib.open(path, encoding="utf-8", newline=newline) as file:
            assert await file.read() == wanted
            assert file.newlines == newlines
            assert await file.tell() == path.stat().st_size
            assert await file.read() == ""


@pytest.mark.parametrize("size", TEXTS)
@pytest.mark.parametrize("last", ("", "\u00e9", "\u4e2d", "\U0001f600", "\r"))
async def test_read_of_ascii_and_a_last_character_that_may_be_none(
    lib, make, size, last
):
    """What has been looked at as ASCII is of the width of that one."""
    wanted = "0123456789abcde\n" * (size // 16) + last
    path = make(wanted.encode())
    async with lib.open(path, encoding="utf-8", newline="") as file:
        assert await file.read() == wanted


@pytest.mark.parametrize("encoding", ("ascii", "latin-1", "utf-8-sig"))
async def test_read_of_all_text_of_other_codecs(lib, make, encoding):
    """The codecs that need no care, and one that has a mark."""
    unit = "pla\u00efn\n" if encoding == "latin-1" else "plain\n"
    text = unit * 400_000
    path = make(text.encode(encoding))
    async with lib.open(path, encoding=encoding) as file:
        assert await file.read() == text


@pytest.mark.parametrize("begun", ("line", "characters", "seek"))
async def test_read_of_the_rest_of_a_large_text_goes_on_where_it_was(
    lib, make, begun
):
    """What was decoded before is not given again, nor left out."""
    path = make(repeated(UNITS["astral"], 3 * MIB))

    def start(file):
        if begun == "line":
            return file.readline()
        return file.read(5) if begun == "characters" else file.seek(11)

    with builtins.open(path, encoding="utf-8") as file:
        start(file)
        wanted = file.read()
    async with lib.open(path, encoding="utf-8") as file:
        await start(file)
        assert await file.read() == wanted


@pytest.mark.parametrize("newline", (None, ""))
@pytest.mark.parametrize("size", TEXTS)
@pytest.mark.parametrize("first", (2, 3, 4))
async def test_newlines_after_the_rest_of_a_large_text_are_those_met(
    lib, make, newline, size, first
):
    """Also where a pair of them has been given in half."""
    path = make(repeated(b"ab\r\n", size))
    with builtins.open(path, encoding="utf-8", newline=newline) as file:
        wanted = file.read(first), file.read(), file.newlines
    async with lib.open(path, encoding="utf-8", newline=newline) as file:
        given = await file.read(first), await file.read(), file.newlines
    assert given == wanted


@pytest.mark.parametrize("errors", ("strict", "replace", "surrogateescape"))
@pytest.mark.parametrize(
    ("size", "where"), ((MIB, -1), *((3 * MIB, n) for n in (10, 2 * MIB, -1)))
)
async def test_invalid_bytes_in_a_large_text_are_the_error_handlers(
    lib, make, errors, size, where
):
    """The same error, at the same place, or the same characters."""
    data = bytearray(repeated(UNITS["wide"], size))
    data[where] = 0xFF
    path = make(data)
    kept = dict(encoding="utf-8", errors=errors)
    with builtins.open(path, **kept) as file:
        wanted = outcome_of(file.read)
    async with lib.open(path, **kept) as file:
        given = await outcome_of_await(file.read)
    assert not difference(wanted, given)


# Of which a read takes several steps, if it is done without workers.
MUCH = pytest.mark.parametrize(
    ("mode", "kind", "size"),
    (
        ("r", "wide", MIB),
        ("r", "wide", 3 * MIB),
        ("r", "wide", 8 * MIB),
        ("r", "ascii", 7 * MIB),
        ("rb", "wide", 7 * MIB),
    ),
)


def much(make, mode, kind, size):
    """How to open such a file, and what is in it."""
    data = repeated(UNITS[kind], size)
    if mode == "rb":
        return (make(data), mode), data
    given = data.decode().replace("\r\n", "\n").replace("\r", "\n")
    return (make(data), mode, -1, "utf-8"), given


@MUCH
async def test_read_of_much_that_is_cancelled_loses_nothing(
    ours, make, mode, kind, size
):
    """At whatever stage: the next read gives all of it."""
    opening, wanted = much(make, mode, kind, size)
    for stage in range(6):
        async with ours.open(*opening) as file:
            task = asyncio.ensure_future(file.read())
            await turns(stage + 1)
            if not task.done():
                if not ours.native:
                    await within(task)
                    continue
                await cancelled(task)
                assert await within(file.read()) == wanted


async def turns_until(task):
    """How often the loop turns before the task is done."""
    seen = 0
    while not task.done():
        await asyncio.sleep(0)
        seen += 1
    return seen


@MUCH
async def test_loop_turns_while_much_is_read(ours, make, mode, kind, size):
    """The work is not done in one step of the loop's thread."""
    opening, wanted = much(make, mode, kind, size)
    async with ours.open(*opening) as file:
        task = asyncio.ensure_future(file.read())
        seen = await turns_until(task)
    assert task.result() == wanted
    assert seen > (2 if mode == "r" else 1)  # in the first it begins


async def test_loop_turns_while_much_is_taken_of_a_shared_file(native, make):
    """What others see comes by the buffer, and is copied out in pieces."""
    data = b"0123456789abcdef" * (2 * MIB)
    async with aiofiles_c.open(make(data), "rb") as file:
        file.fileno()
        task = asyncio.ensure_future(file.read(len(data)))
        await turns(1)
        jobs_end()
        seen = await turns_until(task)
    assert task.result() == data
    assert seen > 8


# Characters of a str from which on it may be encoded by parts, and about there.
LENGTHS = (256 * 1024, 256 * 1024 + 1, 700_001)


@pytest.mark.parametrize("shared", (False, True))
@pytest.mark.parametrize("newline", (None, "\r\n"))
@pytest.mark.parametrize("kind", UNITS)
async def test_write_of_a_large_text_writes_what_built_in_open_writes(
    lib, path, tmp_path, kind, newline, shared
):
    """All of it once, in its order, with what comes before and behind."""
    unit = UNITS[kind].decode()
    texts = [(unit * (n // len(unit) + 1))[:n] for n in LENGTHS]
    kept = dict(mode="w", encoding="utf-8", newline=newline)
    with builtins.open(tmp_path / "other", **kept) as file:
        for _ in range(2):
            file.write("first\n")
            file.writelines(texts)
    async with lib.open(path, **kept) as file:
        if shared:
            file.fileno()
        await file.write("first\n")
        for text in texts:
            assert await file.write(text) == len(text)
        await file.write("first\n")
        await file.writelines(texts)
    assert path.read_bytes() == (tmp_path / "other").read_bytes()


@pytest.mark.parametrize("errors", ("strict", "replace", "xmlcharrefreplace"))
@pytest.mark.parametrize("where", (10, 300_000, -1))
async def test_characters_that_a_large_text_cannot_have_are_the_handlers(
    lib, path, tmp_path, errors, where
):
    """The same error, which has the whole text, or the same bytes."""
    text = list("pla\u00efn\n" * 100_000)
    text[where] = "\u20ac"
    text = "".join(text)
    kept = dict(mode="w", encoding="latin-1", errors=errors)
    with builtins.open(tmp_path / "other", **kept) as file:
        wanted = outcome_of(file.write, text)
    async with lib.open(path, **kept) as file:
        given = await outcome_of_await(file.write, text)
    assert not difference(wanted, given)
    assert path.read_bytes() == (tmp_path / "other").read_bytes()


async def test_error_handler_is_called_once_for_each_character(
    lib, path, tmp_path
):
    """Also where a write waits for the one before it."""
    calls = []

    def count(error):
        calls.append(error.start)
        return f"<{len(calls)}>", error.end

    codecs.register_error("counted", count)
    kept = dict(mode="w", encoding="ascii", errors="counted")
    texts = ["x" * 8000, "y" * 300_000 + "\u00e9", "\u00e9" * 20, "z\u00e9" * 9000]
    with builtins.open(tmp_path / "other", **kept) as file:
        file.fileno()
        for text in texts:
            file.write(text)
        file.writelines(texts)
    wanted, calls = calls, []
    async with lib.open(path, **kept) as file:
        file.fileno()
        for text in texts:
            await file.write(text)
        await file.writelines(texts)
    assert calls == wanted
    assert path.read_bytes() == (tmp_path / "other").read_bytes()


async def test_write_of_a_large_text_that_is_cancelled_is_whole_or_not_at_all(
    ours, path
):
    """At whatever stage; what is written next comes behind it."""
    text = UNITS["wide"].decode() * 200_000
    whole = text.encode()
    for stage in range(20):
        async with ours.open(path, "w", encoding="utf-8") as file:
            task = asyncio.ensure_future(file.write(text))
            await turns(stage + 1)
            if not task.done():
                await cancelled(task)
            await file.write("end")
        assert path.read_bytes() in (b"end", whole + b"end")


async def test_loop_turns_while_a_large_text_is_written(ours, path):
    """It is not encoded in one step of the loop's thread."""
    text = UNITS["wide"].decode() * 1_600_000
    async with ours.open(path, "w", encoding="utf-8") as file:
        task = asyncio.ensure_future(file.write(text))
        seen = await turns_until(task)
        assert task.result() == len(text)
    assert seen > 4


@pytest.mark.parametrize("size", (65535, 65536, 65537, 3 * MIB))
async def test_stream_of_writes_is_in_the_file_in_order(lib, path, size):
    """Whether a write is copied or referred to, and however fast they come."""
    blocks = [bytes([i % 251]) * size for i in range(6 * MIB // size + 2)]
    async with lib.open(path, "wb") as file:
        for block in blocks:
            assert await file.write(block) == size
    assert path.read_bytes() == b"".join(blocks)


async def test_copy_by_blocks_is_the_same_file(lib, make, tmp_path):
    """Reading and writing overlap; the bytes do not mind."""
    data = bytes(range(256)) * (20 * 1024)
    source, target = make(data), tmp_path / "target"
    async with lib.open(source, "rb") as f, lib.open(target, "wb") as g:
        while block := await f.read(65536):
            await g.write(block)
            del block
    assert target.read_bytes() == data


@pytest.mark.skipif(
    not os.path.exists("/proc/self/statm"), reason="needs Linux's /proc"
)
@pytest.mark.parametrize("mib", (13, 18))
async def test_large_text_is_read_where_its_memory_is_all_there_is(
    at_once, make, mib
):
    """What the buffer has besides is not insisted on."""
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("the sanitizer needs all addresses")
    path = make(UNITS["ascii"] * (6 * MIB // 16))
    done = python(
        """
        import asyncio, resource, sys
        import aiofiles_c

        async def main():
            async with aiofiles_c.open(sys.argv[1]) as file:
                await file.read(1)
                await file.seek(0)
                with open("/proc/self/statm") as statm:
                    used = int(statm.read().split()[0]) * resource.getpagesize()
                limit = used + int(sys.argv[2]) * (1 << 20)
                resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
                print(len(await file.read()))

        asyncio.run(main())
        """,
        path,
        mib,
        cwd=path.parent,
    )
    assert int(done.stdout) == 6 * MIB
