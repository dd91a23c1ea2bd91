"""Text files: encodings, errors, newlines, cookies, buffering by lines."""

import builtins
import codecs
import contextlib
import os
import random

import pytest

from .support.content import BLOCKS
from .support.outcome import difference, outcome_of, outcome_of_await

ENCODINGS = (
    "utf-8", "utf-8-sig", "ascii", "latin-1", "cp1252", "utf-16", "utf-16-le",
    "utf-32", "shift_jis", "utf-7", "koi8-r",
)
SAMPLES = {
    "ascii": "plain words\n",
    "latin-1": "h\xe9t\xe9rog\xe8ne\n",
    "cp1252": "h\xe9 \u20ac\n",
    "shift_jis": "\u30c6\u30b9\u30c8\n",
    "koi8-r": "\u0442\u0435\u0441\u0442\n",
}
MIXED = "caf\xe9 \u20ac \U0001f600 \u30c6\n"


def sample(encoding):
    return SAMPLES.get(encoding, MIXED)


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_write_then_read_every_encoding_gives_the_text(
    lib, path, encoding
):
    """Text comes back as it was written; the bytes are the codec's."""
    line = sample(encoding)
    async with lib.open(path, "w", encoding=encoding) as file:
        assert await file.write(line) == len(line)
        await file.writelines([line] * 500)
        assert file.encoding == encoding
    assert path.read_text(encoding=encoding) == line * 501
    async with lib.open(path, encoding=encoding) as file:
        assert await file.readline() == line
        assert await file.read(3) == line[:3]
        assert await file.read() == line[3:] + line * 499


WORDS = ("", "a", "plain words ", "h\xe9", "\u0442\u0435\u0441\u0442 ",
         "\u30c6\u30b9\u30c8", "\U0001f600", "\xff\u0100\uffff\U00010000")


def lines_of_words(seed):
    """Lines of up to 900 characters of each width, alone and mixed."""
    pick = random.Random(seed)
    for _ in range(400):
        words = pick.sample(WORDS, pick.randint(1, 3))
        count = pick.choice((1, 3, 10, 60))
        yield "".join(pick.choice(words) for _ in range(count)) + "\n"


@pytest.mark.parametrize("newline", (None, "", "\n", "\r\n"))
async def test_lines_of_characters_of_each_width_are_those_of_open(
    lib, path, newline
):
    """As they are written, and as lines and numbers of characters are read."""
    lines = list(lines_of_words(repr(newline)))
    async with lib.open(path, "w", encoding="utf-8", newline=newline) as file:
        for line in lines:
            assert await file.write(line) == len(line)
    with open(path, encoding="utf-8", newline=newline) as file:
        expected = file.readlines()
    text = "".join(expected)
    assert text.replace("\r", "") == "".join(lines)
    async with lib.open(path, encoding="utf-8", newline=newline) as file:
        assert [line async for line in file] == expected
        await file.seek(0)
        assert [await file.readline() for _ in lines] == expected
        await file.seek(0)
        for start in range(0, len(text), 37):
            assert await file.read(37) == text[start : start + 37]


@pytest.mark.parametrize("text", ("\ud800", "x\udfff\u20ac"))
@pytest.mark.parametrize("errors", ("strict", "surrogatepass", "replace"))
async def test_surrogate_after_other_lines_has_the_outcome_of_open(
    lib, path, text, errors
):
    """A line that cannot be encoded leaves those before it."""
    lines = ("\xe9\n", "\u20ac\n", text, "\n")
    with open(path, "w", encoding="utf-8", errors=errors) as file:
        for line in lines:
            with contextlib.suppress(UnicodeEncodeError):
                file.write(line)
    expected = path.read_bytes()
    async with lib.open(path, "w", encoding="utf-8", errors=errors) as file:
        for line in lines:
            with contextlib.suppress(UnicodeEncodeError):
                await file.write(line)
    assert path.read_bytes() == expected


@pytest.mark.parametrize("encoding", ("utf-8-sig", "utf-16", "utf-32"))
async def test_append_writes_no_second_byte_order_mark(lib, path, encoding):
    """The mark is at the beginning alone, as io has it."""
    for _ in range(3):
        async with lib.open(path, "a", encoding=encoding) as file:
            await file.write("text\n")
    assert path.read_bytes() == ("text\n" * 3).encode(encoding)
    async with lib.open(path, "r+", encoding=encoding) as file:
        await file.seek(0, os.SEEK_END)
        await file.write("end")
        await file.seek(0)
        await file.write("TEXT")
        await file.seek(0)
        assert await file.read() == "TEXT\ntext\ntext\nend"


async def test_encoding_none_is_that_of_the_locale(lib, path):
    """Without an encoding, it is what open would take."""
    with builtins.open(path, "w") as file:
        expected = file.encoding
    async with lib.open(path, "w") as file:
        assert file.encoding == expected
        assert file.errors == "strict"


@pytest.mark.parametrize("block", BLOCKS)
async def test_character_across_a_block_is_one(lib, make, block):
    """A character whose bytes lie in two blocks is decoded as one."""
    for character in ("\xe9", "\u20ac", "\U0001f600", "\r\n"):
        encoded = character.encode()
        for before in range(1, len(encoded)):
            head = "x" * (block - before)
            text = head + character + "tail"
            async with lib.open(
                make(text.encode()), encoding="utf-8", newline=""
            ) as file:
                assert await file.read(len(head)) == head
                assert await file.read(len(character)) == character
                assert await file.read() == "tail"


@pytest.mark.parametrize("encoding", ("utf-8", "utf-16", "shift_jis"))
async def test_read_by_characters_adds_up_to_the_text(lib, make, encoding):
    """read(n) counts characters, not bytes."""
    text = ("a" + sample(encoding)) * 2000
    got = []
    async with lib.open(
        make(text.encode(encoding)), encoding=encoding
    ) as file:
        while part := await file.read(1009):
            got.append(part)
    assert "".join(got) == text
    assert {len(part) for part in got[:-1]} == {1009}


async def test_read_large_text_returns_it_whole(lib, make):
    """Some MiB of text, in one read and in two."""
    text = "some ascii words\n" * 100_000 + MIXED * 50_000
    path = make(text.encode())
    async with lib.open(path, encoding="utf-8") as file:
        assert await file.read() == text
        assert await file.read() == ""
    async with lib.open(path, encoding="utf-8") as file:
        assert await file.read(1_500_000) == text[:1_500_000]
        assert await file.read() == text[1_500_000:]


@pytest.mark.parametrize("width", ("a", "\xe9", "\u20ac", "\U0001f600"))
async def test_read_gives_strings_of_every_width(lib, make, width):
    """Strings have their narrowest form, whatever stood around them."""
    text = ("ascii\n" * 50 + width + "\n") * 20
    async with lib.open(make(text.encode()), encoding="utf-8") as file:
        assert await file.read(7) == "ascii\na"
        await file.seek(0)
        lines = await file.readlines()
    assert lines == text.splitlines(keepends=True)
    assert {*map(hash, lines)} == {hash("ascii\n"), hash(width + "\n")}
    assert all(line.isascii() for line in lines if line.startswith("ascii"))


BAD = {
    "utf-8": b"good \xff bad \xc3( cut \xe2\x82",
    "ascii": b"good \x80 bad \xff",
    "utf-8-sig": b"\xef\xbb\xbfgood \xff\xfe bad",
    "cp1252": b"good \x81 bad",
    "utf-16-le": "good".encode("utf-16-le") + b"\x00\xd8x\x00",
}


@pytest.mark.parametrize(
    "errors",
    ("strict", "replace", "ignore", "backslashreplace", "surrogateescape",
     "surrogatepass", "xmlcharrefreplace", "namereplace"),
)
@pytest.mark.parametrize("encoding", BAD)
async def test_read_bad_bytes_has_the_outcome_of_open(
    lib, make, encoding, errors
):
    """Each error handler does what it does for open, then goes on so."""
    path = make(BAD[encoding] * 3 + b"\nnext\n")
    options = {"encoding": encoding, "errors": errors}
    calls = [("readline",), ("read", 4), ("read",), ("tell",), ("read",)]
    with builtins.open(path, **options) as file:
        expected = [outcome_of(getattr(file, n), *a) for n, *a in calls]
    async with lib.open(path, **options) as file:
        for want, (name, *arguments) in zip(expected, calls, strict=True):
            have = await outcome_of_await(getattr(file, name), *arguments)
            assert not difference(want, have), name


@pytest.mark.parametrize(
    "errors",
    ("strict", "replace", "ignore", "backslashreplace", "surrogateescape",
     "surrogatepass", "xmlcharrefreplace", "namereplace"),
)
@pytest.mark.parametrize("encoding", ("utf-8", "ascii", "latin-1", "cp1252"))
async def test_write_bad_characters_has_the_outcome_of_open(
    lib, path, encoding, errors
):
    """Each handler writes, or refuses, what it does for open."""
    options = {"encoding": encoding, "errors": errors}
    texts = ("a\u20acb", "\udcff", "\ud800x", "\U0001f600", "plain")
    with builtins.open(path, "w", **options) as file:
        expected = [outcome_of(file.write, text) for text in texts]
    written = path.read_bytes()
    async with lib.open(path, "w", **options) as file:
        for want, text in zip(expected, texts, strict=True):
            have = await outcome_of_await(file.write, text)
            assert not difference(want, have), text
    assert path.read_bytes() == written


async def test_error_handler_of_the_programs_own_is_called(lib, make):
    """A handler registered with codecs is called with the error."""
    seen = []

    def handler(error):
        seen.append((error.start, error.end))
        return "<bad>", error.end

    codecs.register_error("aiofiles_c.test", handler)
    path = make(b"one \xff two\n")
    async with lib.open(
        path, "r+", encoding="utf-8", errors="aiofiles_c.test"
    ) as file:
        assert await file.read() == "one <bad> two\n"
        await file.write("\ud800")
    assert path.read_bytes() == b"one \xff two\n<bad>"
    assert len(seen) == 2


NEWLINES = (None, "", "\n", "\r", "\r\n")


@pytest.mark.parametrize("newline", NEWLINES)
async def test_lines_of_bad_bytes_longer_than_blocks_are_those_of_open(
    lib, make, newline
):
    """Blocks whose characters need one, two and four bytes meet in a line,
    and some line ends lie across two of them."""
    parts = b"\xe9" * 20_000, "\u20ac".encode() * 9_000, b"\xff\r\n" * 3_000
    wide = "\U0001f600".encode() * 5_000 + b"\xfe"
    path = make(b"good\r\n" + b"".join(parts) + wide + b"\rlast\n" + parts[0])
    options = {"encoding": "utf-8", "errors": "replace", "newline": newline}
    with builtins.open(path, **options) as file:
        lines = file.readlines()
    async with lib.open(path, **options) as file:
        assert await file.readlines() == lines
        await file.seek(0)
        assert [line async for line in file] == lines
        await file.seek(0)
        assert await file.readline() == lines[0]
        rest = "".join(lines[1:])
        assert await file.read(30_000) == rest[:30_000]
        assert await file.read(10) == rest[30_000:30_010]
        assert "".join(await file.readlines()) == rest[30_010:]


@pytest.mark.parametrize("newline", NEWLINES)
async def test_read_newlines_are_translated_as_by_open(lib, make, newline):
    """Lines, text and `newlines` are those of open for every newline=."""
    path = make(b"a\nb\r\nc\rd\r\n\r\n\n\r")
    with builtins.open(path, newline=newline) as file:
        assert file.newlines is None
        lines, kinds = file.readlines(), file.newlines
    with builtins.open(path, newline=newline) as file:
        text = file.read()
    async with lib.open(path, newline=newline) as file:
        assert file.newlines is None
        assert await file.readlines() == lines
        assert file.newlines == kinds
    async with lib.open(path, newline=newline) as file:
        assert await file.read() == text
        assert file.newlines == kinds


@pytest.mark.parametrize("newline", NEWLINES)
async def test_write_newlines_are_translated_as_by_open(lib, path, newline):
    """"\\n" becomes what newline= says; "\\r" is never touched."""
    text = "a\nb\r\nc\r\n\n"
    with builtins.open(path, "w", newline=newline) as file:
        file.write(text)
        file.writelines([text, "x"])
    expected = path.read_bytes()
    async with lib.open(path, "w", newline=newline) as file:
        assert await file.write(text) == len(text)
        await file.writelines([text, "x"])
    assert path.read_bytes() == expected


async def test_newlines_attribute_grows_with_what_was_read(lib, make):
    """`newlines` tells the kinds met so far, in io's order."""
    one, other = b"x\n" * 10_000, b"y\r\n" * 10_000
    async with lib.open(make(one + other + b"z\r")) as file:
        await file.readline()
        assert file.newlines == "\n"
        await file.read(21_000)
        assert file.newlines == ("\n", "\r\n")
        await file.read()
        assert file.newlines == ("\r", "\n", "\r\n")


async def test_newlines_after_tell_is_that_of_open(lib, make):
    """To find the position io resets its decoder and feeds it anew."""
    path = make(b"\xf0\x9f\x98\n\r\na")
    options = {"encoding": "utf-8", "errors": "backslashreplace"}
    with builtins.open(path, **options) as file:
        expected = [file.readline(), file.tell(), file.newlines]
    async with lib.open(path, **options) as file:
        assert [
            await file.readline(), await file.tell(), file.newlines
        ] == expected


async def test_newlines_after_seek_to_half_a_line_end_is_that_of_open(
    lib, path
):
    """The cookie has the line end decoded once more."""
    with builtins.open(path, "w+") as file:
        file.write("\r")
        file.seek(0)
        file.readline()
        cookie = file.tell()
        file.write("")
        file.seek(cookie)
        expected = file.newlines
    async with lib.open(path, "r+") as file:
        await file.seek(cookie)
        assert file.newlines == expected


async def test_carriage_return_at_the_very_end_is_a_newline(lib, make):
    """A "\\r" with nothing behind it ends the last line."""
    for size in (1, *BLOCKS):
        data = b"x" * (size - 1) + b"\r"
        async with lib.open(make(data)) as file:
            assert await file.readline() == "x" * (size - 1) + "\n"
            assert await file.readline() == ""
            assert file.newlines == "\r"


async def test_tell_at_each_line_leads_back_there(lib, make):
    """seek() to a cookie of tell() gives the same text again."""
    text = "".join(f"line {n} \xe9\u20ac\r\n" for n in range(1500))
    for encoding in ("utf-8", "utf-16", "latin-1"):
        data = text.encode(encoding, "replace")
        expected = data.decode(encoding).replace("\r\n", "\n")
        lines = expected.splitlines(keepends=True)
        async with lib.open(make(data), encoding=encoding) as file:
            places = []
            for line in lines[:40]:
                places.append(await file.tell())
                assert await file.readline() == line
            for number in (39, 0, 17, 3):
                await file.seek(places[number])
                assert await file.readline() == lines[number]
                assert await file.tell() == (
                    places[number + 1] if number < 39 else await file.tell()
                )
            await file.seek(places[5])
            assert await file.read() == "".join(lines[5:])


async def test_tell_cookies_are_those_of_open(lib, make):
    """Cookies are the same numbers: one may be kept by the other library."""
    text = "a\r\n\xe9\u20ac\rb\nc" * 3000
    path = make(text.encode())
    steps = (1, 1, 2, 3, 5, 8, 13, 5000, 1, 8000, 7, 1)
    with builtins.open(path, encoding="utf-8") as file:
        expected = [(file.read(n), file.tell()) for n in steps]
    async with lib.open(path, encoding="utf-8") as file:
        for size, (part, cookie) in zip(steps, expected, strict=True):
            assert await file.read(size) == part
            assert await file.tell() == cookie
        for part, cookie in expected[:-1]:
            await file.seek(cookie)
        await file.seek(expected[3][1])
        assert await file.read(5) == expected[4][0]


async def test_seek_that_text_cannot_do_raises_as_open(lib, make):
    """Only beginning, end, here and cookies can be sought."""
    path = make(b"some text\n")
    calls = [(1, 1), (-1, 1), (-1, 2), (3, 2), (-1, 0), (0, 9), (0, 2), (0, 1)]
    # of which the position is 0, but no other part
    calls += [(1 << bit, how) for bit in (64, 96, 128, 160) for how in (1, 2)]
    with builtins.open(path) as file:
        expected = [outcome_of(file.seek, *call) for call in calls]
    async with lib.open(path) as file:
        for want, call in zip(expected, calls, strict=True):
            assert not difference(
                want, await outcome_of_await(file.seek, *call)
            )


async def test_read_and_write_by_turns_is_what_open_does(lib, make):
    """In "r+" a write after a read goes where it does for open."""
    data = b"one\r\ntwo\r\nthree\r\n" * 3

    def steps(file):
        return (
            (file.readline,), (file.write, "W\n"), (file.read, 2),
            (file.seek, 0), (file.read,), (file.write, "end\n"),
            (file.seek, 0), (file.readlines,),
        )

    path = make(data)
    with builtins.open(path, "r+", newline="") as file:
        expected = [outcome_of(*step) for step in steps(file)]
    written = path.read_bytes()
    async with lib.open(make(data), "r+", newline="") as file:
        for want, step in zip(expected, steps(file), strict=True):
            assert not difference(want, await outcome_of_await(*step))
    assert path.read_bytes() == written


async def test_line_buffering_writes_at_each_newline(lib, path):
    """buffering=1: a line is in the file when it is complete."""
    async with lib.open(path, "w", buffering=1) as file:
        assert file.line_buffering is True
        await file.write("no end yet")
        assert path.read_bytes() == b""
        await file.write(" - done\n")
        assert path.read_bytes() == b"no end yet - done\n"
        await file.write("a\rb")
        assert path.read_bytes() == b"no end yet - done\na\rb"
        await file.writelines(["one\n", "two"])


async def test_write_small_stays_in_the_buffer(lib, path):
    """A small write is in the file after flush() and not before."""
    async with lib.open(path, "w") as file:
        assert file.line_buffering is False
        await file.write("data\n")
        assert path.read_bytes() == b""
        await file.flush()
        assert path.read_bytes() == b"data\n"
        await file.write("more\n")
    assert path.read_bytes() == b"data\nmore\n"


async def test_write_many_lines_arrive_in_order(lib, path):
    """Lines written one by one make the file that join() would."""
    lines = [f"{n} \xe9\n" * (n % 4) for n in range(5000)]
    async with lib.open(path, "w", encoding="utf-8") as file:
        for line in lines:
            assert await file.write(line) == len(line)
    assert path.read_text(encoding="utf-8") == "".join(lines)


async def test_write_large_text_is_whole(lib, path):
    """Some MiB in one write, then a little more."""
    text = MIXED * 200_000
    async with lib.open(path, "w", encoding="utf-8") as file:
        assert await file.write(text) == len(text)
        await file.write("end")
    assert path.read_bytes() == (text + "end").encode()


async def test_truncate_cuts_what_was_read_ahead(lib, make):
    """Lines behind the chunk that io has read are gone for the reader too."""
    path = make(b"0123456789abcde\n" * 20_000)
    with builtins.open(path, "r+") as file:
        expected = [file.readline() for _ in range(600)]
        expected += [file.truncate(), file.read(), file.read()]
    make(b"0123456789abcde\n" * 20_000)
    async with lib.open(path, "r+") as file:
        found = [await file.readline() for _ in range(600)]
        found += [await file.truncate(), await file.read(), await file.read()]
    assert found == expected


async def test_truncate_at_a_cookie_cuts_there(lib, make):
    """truncate() writes what is buffered and cuts at the position."""
    path = make("h\xe9llo w\xf6rld\n".encode())
    async with lib.open(path, "r+", encoding="utf-8") as file:
        await file.seek(6)
        assert await file.truncate() == 6
        await file.seek(0)
        assert await file.read() == "h\xe9llo"
        await file.write("!")
        assert await file.truncate(3) == 3
    assert path.read_bytes() == "h\xe9".encode()


async def test_readable_and_writable_are_those_of_open(lib, make):
    """In text both are coroutines, as in aiofiles."""
    path = make(b"")
    for mode in ("r", "w", "a+", "r+"):
        with builtins.open(path, mode) as file:
            expected = file.readable(), file.writable(), file.seekable()
        async with lib.open(path, mode) as file:
            assert expected == (
                await file.readable(), await file.writable(),
                await file.seekable(),
            )


async def test_null_characters_are_text(lib, make):
    """A file of zeros, and with zeros in its lines, reads as it is."""
    text = "a\0b\n\0\0\nlast\0"
    async with lib.open(make(text.encode())) as file:
        assert await file.readlines() == text.splitlines(keepends=True)


async def test_pipe_gives_lines_as_they_come(lib):
    """A line of a pipe is there when its end is; no position is needed."""
    reading, writing = os.pipe()
    async with lib.open(reading) as file:
        os.write(writing, b"one\ntw")
        assert await file.readline() == "one\n"
        os.write(writing, b"o\r\nend")
        assert await file.readline() == "two\n"
        os.close(writing)
        assert await file.read() == "end"
        assert await file.readline() == ""
        with pytest.raises(OSError):
            await file.tell()


async def test_str_subclass_is_written_as_its_text(lib, path):
    """A subclass of str is written by its characters."""

    class Text(str):
        def __len__(self):
            return 99

        def encode(self, *args):
            raise AssertionError("not asked for")

    reference = path.with_name("reference")
    with builtins.open(reference, "w") as file:
        expected = outcome_of(file.write, Text("abc\n"))
    async with lib.open(path, "w") as file:
        actual = await outcome_of_await(file.write, Text("abc\n"))
    assert not difference(expected, actual)
    assert path.read_bytes() == reference.read_bytes()
