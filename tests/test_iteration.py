"""`async for` over a file gives its lines."""

import pytest

from .support.content import BLOCKS
from .support.waiting import within

MODES = ("r", "rb", "r+", "rb+")


def lines_of(data, mode):
    """What iteration is to give: the lines, with their ends."""
    lines = data.splitlines(keepends=True)
    return lines if "b" in mode else [line.decode() for line in lines]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("buffering", (-1, 0, 7, 100_000))
async def test_iteration_gives_every_line(lib, make, mode, buffering):
    """All lines, in order, the last without an end as it is."""
    if buffering == 0 and "b" not in mode:
        pytest.skip("text is never unbuffered")
    data = b"".join(b"line %d\n" % n * (n % 3 + 1) for n in range(400))
    data += b"\n\nlast"
    async with lib.open(make(data), mode, buffering) as file:
        assert [line async for line in file] == lines_of(data, mode)


@pytest.mark.parametrize("mode", MODES)
async def test_iteration_of_lines_around_the_blocks(lib, make, mode):
    """A line that ends right at, before or after a block's end is whole."""
    for block in BLOCKS:
        for delta in (-2, -1, 0, 1):
            head = b"x" * (block + delta) + b"\n"
            data = head + b"second\n" + head + b"end"
            async with lib.open(make(data), mode) as file:
                got = [line async for line in file]
            assert got == lines_of(data, mode)


@pytest.mark.parametrize("mode", MODES)
async def test_iteration_of_an_empty_file_ends_at_once(lib, make, mode):
    """There is no line in an empty file."""
    async with lib.open(make(b""), mode) as file:
        assert [line async for line in file] == []


@pytest.mark.parametrize("mode", MODES)
async def test_iteration_of_a_huge_line_gives_one(lib, make, mode):
    """A line of three MiB is one line."""
    data = b"y" * (3 << 20) + b"\n" + b"z"
    async with lib.open(make(data), mode) as file:
        assert [line async for line in file] == lines_of(data, mode)


async def test_file_is_its_own_iterator(lib, make):
    """aiter() is the file, and each step is an awaitable."""
    async with lib.open(make(b"one\ntwo\n")) as file:
        assert file.__aiter__() is file
        assert await file.__anext__() == "one\n"
        assert await within(file.__anext__()) == "two\n"
        for _ in range(2):
            with pytest.raises(StopAsyncIteration):
                await file.__anext__()


@pytest.mark.parametrize("mode", MODES)
async def test_iteration_broken_off_goes_on_where_it_was(lib, make, mode):
    """`break`, then a read, tell or another loop: nothing is skipped."""
    data = b"".join(b"line %d\n" % n for n in range(20))
    lines = lines_of(data, mode)
    async with lib.open(make(data), mode) as file:
        async for line in file:
            assert line == lines[0]
            break
        assert await file.tell() == len(lines[0])
        assert await file.readline() == lines[1]
        async for line in file:
            assert line == lines[2]
            place = await file.tell()
            break
        assert [line async for line in file] == lines[3:]
        await file.seek(place)
        assert [line async for line in file] == lines[3:]


async def test_iteration_with_reads_and_writes_between(lib, make):
    """Reading and writing inside the loop move the one position."""
    data = b"".join(b"%07d\n" % n for n in range(10))
    path = make(data)
    seen = []
    async with lib.open(path, "rb+") as file:
        async for line in file:
            seen.append(line)
            await file.write(b"written\n")
            await file.read(8)
    assert seen == [b"%07d\n" % n for n in (0, 3, 6, 9)]
    assert path.read_bytes()[8:16] == b"written\n"


async def test_iteration_to_the_end_goes_on_when_the_file_grows(lib, make):
    """After its end a loop may be started again, for what came since."""
    path = make(b"one\n")
    async with lib.open(path, "rb") as file:
        assert [line async for line in file] == [b"one\n"]
        with path.open("ab") as other:
            other.write(b"two\nthr")
        assert [line async for line in file] == [b"two\n", b"thr"]
        with path.open("ab") as other:
            other.write(b"ee\n")
        assert [line async for line in file] == [b"ee\n"]


@pytest.mark.parametrize(
    "newline, expected",
    (
        (None, ["a\n", "b\n", "c\n", "d\n", "e"]),
        ("", ["a\n", "b\r\n", "c\r", "d\n", "e"]),
        ("\n", ["a\n", "b\r\n", "c\rd\n", "e"]),
        ("\r", ["a\nb\r", "\nc\r", "d\ne"]),
        ("\r\n", ["a\nb\r\n", "c\rd\ne"]),
    ),
)
async def test_iteration_knows_each_kind_of_line_end(
    lib, make, newline, expected
):
    """newline= says what ends a line."""
    path = make(b"a\nb\r\nc\rd\ne")
    async with lib.open(path, newline=newline) as file:
        assert [line async for line in file] == expected


async def test_iteration_splits_at_newlines_alone(lib, make):
    """Other characters that split strings do not end a line of a file."""
    text = "one\x0btwo\x0cthree\x1cfour\x85five\u2028six\n"
    path = make(text.encode())
    async with lib.open(path, encoding="utf-8") as file:
        assert [line async for line in file] == [text]


@pytest.mark.parametrize("mode", ("w", "wb", "a", "xb"))
async def test_iteration_of_a_file_for_writing_raises(lib, path, mode):
    """A file that is not readable cannot be iterated."""
    async with lib.open(path, mode) as file:
        with pytest.raises(OSError):
            async for _ in file:
                pass


@pytest.mark.parametrize("mode", MODES)
async def test_iteration_of_a_closed_file_raises(lib, make, mode):
    """Once closed, also in the middle of a loop, there is ValueError."""
    file = await lib.open(make(b"one\ntwo\n"), mode)
    with pytest.raises(ValueError, match="closed"):
        async for _ in file:
            await file.close()
    with pytest.raises(ValueError, match="closed"):
        await file.__anext__()


async def test_iterations_of_one_file_share_its_lines(lib, make):
    """Two loops by turns get every line once."""
    data = b"".join(b"line %d\n" % n for n in range(10))
    async with lib.open(make(data), "rb") as file:
        seen = []
        async for line in file:
            seen.append(line)
            async for other in file:
                seen.append(other)
                break
    assert seen == data.splitlines(keepends=True)
