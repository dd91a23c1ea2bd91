"""Bad input to open() has the answer of built-in `open`.

The type of the exception, its errno, its file name and its message: every
row of the tables is done to built-in `open` and to the library.  Bad input
to the methods of a file is in test_errors_methods.py.
"""

import builtins
import os
import warnings

import pytest

from .support.content import BadIndex
from .support.outcome import difference, outcome_of, outcome_of_await
from .support.tables import CONTENT, Differences


class NotAPath:
    def __fspath__(self):
        return 5

    def __repr__(self):
        return "NotAPath()"


# open(*arguments, **options); "P" stands for the path of a file that is
# there, "D" for a directory, "N" for a name that is not there.
BAD_OPENS = {
    "mode": [
        (("P", ""), {}),
        (("P", "b"), {}),
        (("P", "t"), {}),
        (("P", "+"), {}),
        (("P", "q"), {}),
        (("P", "rw"), {}),
        (("P", "rwx"), {}),
        (("P", "rr"), {}),
        (("P", "r++"), {}),
        (("P", "rbt"), {}),
        (("P", "rtb"), {}),
        (("P", "r+b+"), {}),
        (("P", "r "), {}),
        (("P", "R"), {}),
        (("P", "r\0"), {}),
        (("P", "\xe9"), {}),
        (("P", "\ud800"), {}),
        (("P", "U+"), {}),
        (("P", "wU"), {}),
        (("P", 5), {}),
        (("P", None), {}),
        (("P", b"r"), {}),
    ],
    "buffering": [
        (("P", "r", 0), {}),
        (("P", "w", 0), {}),
        (("P", "r", "1"), {}),
        (("P", "r", 1.0), {}),
        (("P", "r", None), {}),
        (("P", "rb", 2**40), {}),
        (("P", "rb", -(2**40)), {}),
        (("P", "rb", BadIndex()), {}),
    ],
    "codec": [
        (("P", "r"), {"encoding": "no-such-encoding"}),
        (("P", "w"), {"encoding": "no-such-encoding"}),
        (("P", "r"), {"encoding": ""}),
        (("P", "r"), {"encoding": "utf-8\0"}),
        (("P", "r"), {"encoding": "\ud800"}),
        (("P", "r"), {"encoding": "hex"}),
        (("P", "r"), {"encoding": "rot13"}),
        (("P", "r"), {"encoding": 5}),
        (("P", "r"), {"encoding": b"utf-8"}),
        (("P", "rb"), {"encoding": "utf-8"}),
        (("P", "rb", 0), {"encoding": "utf-8"}),
        (("P", "r"), {"errors": 5}),
        (("P", "r"), {"errors": "strict\0"}),
        (("P", "rb"), {"errors": "strict"}),
        (("P", "r"), {"newline": "x"}),
        (("P", "r"), {"newline": "\n\r"}),
        (("P", "r"), {"newline": "\n\n"}),
        (("P", "r"), {"newline": "\0"}),
        (("P", "r"), {"newline": 5}),
        (("P", "r"), {"newline": b"\n"}),
        (("P", "rb"), {"newline": "\n"}),
        (("P", "w"), {"newline": "\r\r\n"}),
    ],
    # Which error comes first.
    "several": [
        (("P", "rb", 0), {"encoding": "x", "errors": "y", "newline": "z"}),
        (("P", "q", 0), {"encoding": "no-such-encoding"}),
        (("N", "r", 0), {}),
        (("N", "r"), {"encoding": "no-such-encoding"}),
        (("N", "rb"), {"newline": "\n"}),
        ((-1, "r", 0), {}),
    ],
    "file": [
        (("N",), {}),
        (("N", "rb"), {}),
        (("N", "r+"), {}),
        (("N", "rb", 0), {}),
        (("N/below", "w"), {}),
        (("P/below", "r"), {}),
        (("P/", "r"), {}),
        (("P", "x"), {}),
        (("P", "xb", 0), {}),
        (("D", "r"), {}),
        (("D", "rb"), {}),
        (("D", "rb", 0), {}),
        (("D", "w"), {}),
        (("D", "a+"), {}),
        (("D", "x"), {}),
        (("D/", "wb"), {}),
        (("",), {}),
        ((b"",), {}),
        (("N" + "x" * 300,), {}),
        (("loop",), {}),
        (("dangling",), {}),
        (("dangling", "x"), {}),
        (("a\0b",), {}),
        ((b"a\0b", "rb"), {}),
        (("\0", "w"), {}),
        (("\ud800",), {}),
        ((None,), {}),
        ((1.5,), {}),
        (((),), {}),
        ((["P"],), {}),
        ((bytearray(b"x"),), {}),
        ((memoryview(b"x"),), {}),
        ((NotAPath(),), {}),
        ((2 + 0j,), {}),
    ],
    "descriptor": [
        ((-1,), {}),
        ((-5, "wb"), {}),
        ((987654,), {}),
        ((987654, "wb", 0), {}),
        ((2**31,), {}),
        ((2**40,), {}),
        ((2**70,), {}),
        ((-(2**70),), {}),
        (("P",), {"closefd": False}),
        (("N",), {"closefd": False}),
    ],
    "opener": [
        (("P",), {"opener": lambda name, flags: -1}),
        (("P",), {"opener": lambda name, flags: -5}),
        (("P",), {"opener": lambda name, flags: "x"}),
        (("P",), {"opener": lambda name, flags: None}),
        (("P",), {"opener": lambda name, flags: 2**40}),
        (("P",), {"opener": lambda name, flags: 987654}),
        (("P",), {"opener": lambda name: 0}),
        (("P",), {"opener": 5}),
    ],
}


@pytest.fixture
def places(tmp_path):
    """The names that the table uses."""
    (tmp_path / "P").write_text(CONTENT)
    (tmp_path / "D").mkdir()
    os.symlink("loop", tmp_path / "loop")
    os.symlink("nowhere", tmp_path / "dangling")
    return tmp_path


@pytest.mark.parametrize("what", BAD_OPENS)
async def test_open_bad_argument_raises_what_open_raises(
    lib, places, monkeypatch, what
):
    """Exception type, errno, file name and message are those of open."""
    monkeypatch.chdir(places)
    found = Differences()
    for arguments, options in BAD_OPENS[what]:
        (places / "P").write_text(CONTENT)
        expected = outcome_of(builtins.open, *arguments, **options)
        assert expected.failed, f"not bad: {arguments}"
        (places / "P").write_text(CONTENT)
        actual = await outcome_of_await(lib.open, *arguments, **options)
        if not actual.failed:
            await actual.value.close()
        found.note((arguments, options), expected, actual)
    found.none()


async def test_open_universal_newlines_mode_is_that_of_open(lib, places):
    """The mode "U" is what it is in the running Python."""
    path = places / "P"
    with warnings.catch_warnings(record=True) as expected_warnings:
        warnings.simplefilter("always")
        expected = outcome_of(builtins.open, path, "U")
    with warnings.catch_warnings(record=True) as actual_warnings:
        warnings.simplefilter("always")
        actual = await outcome_of_await(lib.open, path, "U")
    assert [str(w.message) for w in actual_warnings] == [
        str(w.message) for w in expected_warnings
    ]
    assert actual.failed == expected.failed
    if expected.failed:
        assert not difference(expected, actual)
    else:
        expected.value.close()
        await actual.value.close()


@pytest.mark.parametrize("mode", ("r", "rb", "w", "ab"))
async def test_open_descriptor_of_a_directory_raises_and_stays_open(
    lib, tmp_path, mode
):
    """A directory's descriptor is refused as open does, and not closed."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        expected = outcome_of(builtins.open, descriptor, mode)
        actual = await outcome_of_await(lib.open, descriptor, mode)
        assert expected.failed
        assert not difference(expected, actual)
        os.fstat(descriptor)
    finally:
        os.close(descriptor)


async def test_open_without_arguments_raises_typeerror(lib):
    """The file is required."""
    with pytest.raises(TypeError):
        await lib.open()
    with pytest.raises(TypeError):
        await lib.open("file", no_such_option=True)


@pytest.mark.parametrize("encoding", ("utf-8", "latin-1", "utf-16"))
async def test_open_unknown_error_handler_fails_when_it_is_needed(
    lib, make, encoding
):
    """An error handler's name is looked up as late as open does."""
    path = make("\ud800".encode("utf-8", "surrogatepass") * 3)
    options = {"encoding": encoding, "errors": "no-such-handler"}

    expected = outcome_of(builtins.open, path, **options)
    actual = await outcome_of_await(lib.open, path, **options)
    assert actual.failed == expected.failed
    if expected.failed:  # a debug build, or -X dev
        assert not difference(expected, actual)
        return
    reads = outcome_of(expected.value.read)
    expected.value.close()
    read = await outcome_of_await(actual.value.read)
    await actual.value.close()
    assert not difference(reads, read)
