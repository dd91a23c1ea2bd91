"""Hypothesis strategies for cases of `support.model`."""

import os
from dataclasses import replace

from hypothesis import strategies as st

from .content import (
    BLOCKS,
    ROOMS,
    BadIndex,
    Content,
    Index,
    Lent,
    Lines,
    Many,
    Room,
    Told,
)
from .model import Case

ENCODINGS = (
    None,
    "utf-8",
    "ascii",
    "latin-1",
    "utf-8-sig",
    "utf-16",
    "cp1252",
    "UTF8",
    "iso-8859-1",
    "utf-16-le",
    "shift_jis",
)
ERRORS = (
    None,
    "strict",
    "replace",
    "ignore",
    "backslashreplace",
    "surrogateescape",
    "surrogatepass",
    "xmlcharrefreplace",
    "namereplace",
)
NEWLINES = (None, "", "\n", "\r", "\r\n")

# The more there is to go wrong, the more often.
TEXT_MODES = ("r",) * 5 + ("r+",) * 4 + ("w+",) * 2 + (
    "w", "a", "a+", "x", "x+", "rt", "wt+"
)
BINARY_MODES = ("rb",) * 5 + ("rb+",) * 4 + ("wb+",) * 2 + (
    "wb", "ab", "ab+", "xb", "xb+"
)

# Bytes that text layers stumble over: halves of line ends, of characters, of
# byte order marks; bytes that no character begins with.
PIECES = (
    b"a",
    b"bc ",
    b"\n",
    b"\r\n",
    b"\r",
    b"line\n",
    b"0123456789",
    "é".encode(),
    "€".encode(),
    "\U0001f600".encode(),
    "\u2028\x85\x1c\x0b".encode(),
    b"\xff",
    b"\xc3",
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\x81",
    b"\x00",
    b"\x1a",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
)
CHARACTERS = (
    "ab \n\r\t\x00\x1a\x85\xe9\xff\u20ac\u2028\ufeff\U0001f600\ud800\udc80"
)

_FILLERS = (
    b"0123456789abcdef\n",
    b"some words in a line\r\n",
    b"x",
    b"\n",
    b"old\rmac\r",
    "h\xe9t\xe9rog\xe8ne \u20ac\n".encode(),
    "\U0001f600\u20ac\xe9\r\n".encode(),
)


def _near(*values):
    return st.sampled_from(
        [value + delta for value in values for delta in (-1, 0, 1, 2)]
    )


def _weighted(*pairs):
    """Choose by weight: one_of alone would weigh every leaf the same."""
    return st.sampled_from(
        [each for each, weight in pairs for _ in range(weight)]
    ).flatmap(lambda each: each)


_short = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)


@st.composite
def _long(draw):
    """A file around a block's end, with a piece right across it."""
    block = draw(st.sampled_from(BLOCKS))
    size = draw(st.one_of(_near(block, 2 * block), st.just(block + 400)))
    marks = []
    for _ in range(draw(st.integers(0, 3))):
        mark = draw(st.sampled_from(PIECES))
        if draw(st.booleans()):
            mark += draw(st.sampled_from(PIECES))
        edge = draw(st.sampled_from((block, 8192, 4096, 100)))
        marks.append((max(edge - draw(st.integers(0, len(mark))), 0), mark))
    return Content(size, draw(st.sampled_from(_FILLERS)), tuple(marks))


def contents(encoding="utf-8", large=3):
    """The bytes of a file: small and odd, in the encoding, or large."""
    inside = st.text(CHARACTERS, max_size=12).map(
        lambda text: text.encode(encoding or "utf-8", "ignore")
    )
    return _weighted((_short, 2), (inside, 1), (_long(), large))


_counts = _weighted(
    (st.integers(0, 12), 4),
    (st.just(-1), 1),
    (st.sampled_from((100, 1000)), 1),
    (_near(*BLOCKS), 2),
)
_odd_counts = st.sampled_from(
    (None, -2, -(2**40), True, 1.5, "3", b"3", (), 2**70, -(2**70),
     Index(3), Index(-1), BadIndex())
)


def _sizes(odd=True):
    return st.integers(0, 19).flatmap(
        lambda roll: _odd_counts if odd and roll == 0 else _counts
    )


_places = _weighted(
    (st.integers(0, 20), 3),
    (_near(*BLOCKS), 2),
    (st.sampled_from((5000, 140_000)), 1),
)
_odd_places = st.sampled_from(
    (None, -1, -(2**40), 1.5, "3", 2**63, 2**70, Index(4), BadIndex(), True)
)

_seek = st.just("seek")
_seeks = _weighted(
    (st.tuples(_seek, _places), 3),
    (st.tuples(_seek, _places, st.just(os.SEEK_SET)), 1),
    (st.tuples(_seek, st.integers(0, 3).map(Told)), 5),
    (st.just(("seek", 0)), 3),
    (st.just(("seek", 0, os.SEEK_CUR)), 1),
    (st.just(("seek", 0, os.SEEK_END)), 2),
    (
        st.tuples(
            _seek,
            st.integers(-30, 30),
            st.sampled_from((os.SEEK_SET, os.SEEK_CUR, os.SEEK_END)),
        ),
        3,
    ),
    (st.tuples(_seek, _odd_places), 1),
    (
        st.tuples(
            _seek,
            st.just(0),
            st.sampled_from((-1, 3, 4, 5, 99, 2**40, "0", None, 1.5)),
        ),
        1,
    ),
)
# Cookies that no tell() gave: flags, bytes to feed, characters to skip.
_cookies = st.tuples(
    st.just("seek"),
    st.sampled_from(
        (2**64, 2**64 + 3, 2**128, 2**128 + 5, 2**192 + 2, 2**256, 2**300)
    ),
)
_truncates = _weighted(
    (st.just(("truncate",)), 2),
    (st.tuples(st.just("truncate"), _places), 3),
    (
        st.tuples(
            st.just("truncate"),
            st.sampled_from((None, -1, 1.5, "3", 2**70, Index(4))),
        ),
        1,
    ),
)
_simple = st.sampled_from(
    (("flush",),) * 4 + (("tell",),) * 6 + (("fileno",),) * 3
    + (("isatty",), ("readable",), ("writable",), ("seekable",))
)
_close = st.just(("close",))
_sync = st.just(("sync",))

_strings = st.one_of(
    st.text(CHARACTERS, max_size=8),
    st.sampled_from(("plain\n", "\r", "\n", "a\r\nb\n", "\xe9", "")),
    st.builds(
        Many,
        st.sampled_from(("ab\n", "\xe9\n", "\u20ac", "x", "\r\n")),
        st.sampled_from((10, 2731, 3000, 8191, 8192, 8193, 50_000)),
    ),
)
_odd_strings = st.sampled_from(
    (b"bytes", None, 5, 1.5, ["a"], Lent("bytearray", b"ab"))
)
_runs = st.one_of(
    _short,
    st.builds(
        Many,
        st.sampled_from((b"ab\n", b"x", b"\x00\xff")),
        st.sampled_from(
            (10, 1000, 2731, 4096, 8191, 8192, 8193, 50_000, 65_537)
        ),
    ),
)
_bytes = st.one_of(
    _runs,
    st.builds(
        Lent,
        st.sampled_from(("bytearray", "memoryview", "strided", "ints")),
        st.sampled_from((b"", b"lent", b"lent" * 3000)),
    ),
)
_odd_bytes = st.sampled_from(("str", None, 5, 1.5, [b"a"]))


def _writes(good, odd, several):
    items = st.lists(good, max_size=several)
    lazy = st.builds(Lines, items.map(tuple), st.booleans())
    wrong = st.one_of(
        st.tuples(st.just("write"), odd),
        st.tuples(st.just("writelines"), st.lists(odd, max_size=2)),
        st.tuples(st.just("writelines"), odd),
    )
    return _weighted(
        (st.tuples(st.just("write"), good), 7),
        (st.tuples(st.just("writelines"), items), 2),
        (st.tuples(st.just("writelines"), lazy), 1),
        (wrong, 1),
    )


def _reads(names):
    calls = {
        "read": _sizes().map(lambda size: ("read", size)),
        "readline": _sizes().map(lambda size: ("readline", size)),
        "readlines": _sizes().map(lambda size: ("readlines", size)),
        "read1": _sizes().map(lambda size: ("read1", size)),
        "peek": _sizes().map(lambda size: ("peek", size)),
        "all": st.sampled_from((("read",), ("readlines",))),
        "line": st.just(("readline",)),
        "next": st.just(("next",)),
        "readall": st.just(("readall",)),
    }
    rooms = st.builds(
        Room, st.sampled_from(sorted(ROOMS)), st.one_of(
            st.integers(0, 20), _near(4096, 8192, 131072)
        ),
    )
    plain_rooms = st.builds(
        Room, st.just("bytearray"), st.integers(0, 10_000)
    )
    calls["readinto"] = st.tuples(st.just("readinto"), rooms)
    calls["readinto1"] = st.tuples(st.just("readinto1"), plain_rooms)
    return _weighted(*((calls[name], 1) for name in names))


_text_reads = _reads(
    ("read",) * 5 + ("line",) * 2 + ("readline",) * 2 + ("next",) * 3
    + ("readlines", "all")
)
_buffered_reads = _reads(
    ("read",) * 4 + ("line",) + ("readline",) * 2 + ("next",) * 2
    + ("readlines", "all", "read1", "peek", "readinto", "readinto1")
)
_raw_reads = _reads(
    ("read",) * 3
    + ("line", "readline", "readlines", "all", "next", "readinto", "readall")
)
_offsets = _weighted((_places, 9), (st.sampled_from((-1, 2**40)), 1))
_placed = _weighted(
    (st.tuples(st.just("pread"), _counts, _offsets), 4),
    (st.tuples(st.just("pwrite"), _runs, _places), 4),
    (_sync, 1),
)
_text_writes = _writes(_strings, _odd_strings, 4)
_binary_writes = _writes(_bytes, _odd_bytes, 4)




def _sequences(mode, reads, writes, *others):
    """Mostly what the mode allows, now and then what it does not."""
    both = "+" in mode
    sequence = st.lists(
        _weighted(
            (reads, 6 if both or "r" in mode else 1),
            (writes, 6 if both or "r" not in mode else 1),
            (_seeks, 3),
            (_simple, 3),
            (_truncates, 1),
            *others,
        ),
        min_size=1,
        max_size=14,
    )
    ends = st.lists(
        _weighted(
            (_close, 2), (reads, 1), (writes, 1), (_seeks, 1), (_simple, 1),
            (_truncates, 1),
        ),
        max_size=3,
    )
    return st.tuples(sequence, ends).map(lambda two: tuple(two[0] + two[1]))


def _present(draw, mode, encoding, large=3):
    """The content; `x` wants a file that is not there, others rarely."""
    absent = draw(st.integers(0, 9)) == 0
    if ("x" in mode) != absent:
        return None
    return draw(contents(encoding, large))


def _start(draw, mode):
    """A descriptor that stands somewhere, or None for a path."""
    if "x" in mode or draw(st.integers(0, 7)):
        return None
    return draw(st.sampled_from((0, 0, 3, 100)))


@st.composite
def text_cases(draw):
    mode = draw(st.sampled_from(TEXT_MODES))
    encoding = draw(st.sampled_from(ENCODINGS))
    content = _present(draw, mode, encoding)
    ops = draw(
        _sequences(mode, _text_reads, _text_writes, (_cookies, 1), (_sync, 1))
    )
    return Case(
        mode=mode,
        buffering=draw(st.sampled_from((-1, -1, -1, 1, 2, 16, 8192, 100_000))),
        encoding=encoding,
        errors=draw(st.sampled_from(ERRORS)),
        newline=draw(st.sampled_from(NEWLINES)),
        content=content,
        ops=_arranged(draw, mode, content, ops),
        start=_start(draw, mode),
        probe=draw(st.booleans()),
    )


@st.composite
def buffered_cases(draw):
    mode = draw(st.sampled_from(BINARY_MODES))
    content = _present(draw, mode, "utf-8")
    ops = draw(_sequences(mode, _buffered_reads, _binary_writes, (_placed, 3)))
    return Case(
        mode=mode,
        buffering=draw(
            st.sampled_from((-1, -1, -1, 1, 2, 16, 4096, 100_000))
        ),
        content=content,
        ops=_arranged(draw, mode, content, ops),
        start=_start(draw, mode),
        probe=draw(st.booleans()),
    )


@st.composite
def raw_cases(draw):
    mode = draw(st.sampled_from(BINARY_MODES))
    # A raw file reads its lines byte by byte: large ones take long.
    content = _present(draw, mode, "utf-8", large=1)
    # io takes a file whose very first seek fails for a pipe, unless it was
    # asked before.
    calls = _sequences(mode, _raw_reads, _binary_writes, (_placed, 3))
    ops = (("seekable",), *draw(calls))
    return Case(
        mode=mode,
        buffering=0,
        content=content,
        ops=_arranged(draw, mode, content, ops),
        start=_start(draw, mode),
        probe=draw(st.booleans()),
    )


def _arranged(draw, mode, content, ops):
    """Watch the descriptor from the start, or let another process append.

    What is appended is seen in due order where the file is within one block
    and only read; beyond, it is the buffer's size that says which call sees
    or overwrites it.
    """
    roll = draw(st.integers(0, 9))
    if roll in (0, 1):
        return (("fileno",), *ops)
    small = isinstance(content, bytes) and mode in ("r", "rt", "rb")
    if roll == 2 and small:
        at = draw(st.integers(0, len(ops)))
        data = draw(st.sampled_from(PIECES))
        return ops[:at] + (("grow", data),) + ops[at:]
    return ops


def cases():
    return st.one_of(text_cases(), buffered_cases(), raw_cases())


@st.composite
def interrupted_cases(draw):
    """Cases for `run_interrupted`: fileno() now and then meanwhile."""
    asked = draw(st.sampled_from((None,) * 9 + tuple(range(1, 10))))
    return replace(draw(cases()), asked=asked)


@st.composite
def burst_cases(draw):
    """Cases for `run_at_once`: nothing that needs an earlier result."""
    if draw(st.booleans()):
        mode = draw(st.sampled_from(("r", "r+", "w+", "a+", "w")))
        ops = _sequences(mode, _text_reads, _text_writes)
        more = {
            "encoding": draw(st.sampled_from(("utf-8", "latin-1", "ascii"))),
            "newline": draw(st.sampled_from(NEWLINES)),
        }
    else:
        mode = draw(st.sampled_from(("rb", "rb+", "wb+", "ab+", "wb")))
        reads = _reads(
            ("read", "read", "readline", "readlines", "next", "readinto")
        )
        ops = _sequences(mode, reads, _binary_writes, (_placed, 3))
        more = {"buffering": draw(st.sampled_from((-1, -1, 0, 16)))}
    first = (("seekable",),) if more.get("buffering") == 0 else ()  # see above
    return Case(
        mode=mode,
        content=draw(contents(more.get("encoding", "utf-8"))),
        ops=first + tuple(op for op in draw(ops) if _independent(op)),
        **more,
    )


def _independent(op):
    """Whether the operation is a coroutine and needs no earlier result."""
    told = any(isinstance(value, Told) for value in op[1:])
    return not told and op[0] not in ("fileno", "readable")
