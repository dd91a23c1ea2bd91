"""Bad input to a file's methods has the answer of the built-in file.

Every row of the tables is done to built-in `open` and to the library, for
each kind of file: wrong arguments, closed files, modes that do not allow it,
descriptors that are gone, devices that are full.
"""

import builtins
import io
import os
from array import array

import pytest

from .support.content import BadIndex, Index, Lent, Room, built, plain
from .support.outcome import (
    Outcome,
    difference,
    outcome_of,
    outcome_of_await,
    raised,
)
from .support.tables import CONTENT, KINDS, Differences

each_kind = pytest.mark.parametrize("kind", KINDS)


class Liar(str):
    """A str that is not quite one."""


# Calls on an open file: (method, *arguments).
BAD_CALLS = [
    *((name, value)
      for name in ("read", "readline", "readlines", "read1", "peek")
      for value in ("1", b"1", 1.0, None, (), BadIndex(), Index(2), True,
                    -1, -2, -(2**31), -(2**63), 2**63 - 1 if name not in
                    ("read", "read1", "peek") else 3,
                    2**63, 2**70, -(2**70))),
    ("readinto", b"1234"),
    ("readinto", "1234"),
    ("readinto", None),
    ("readinto", 5),
    ("readinto", Room("readonly", 4)),
    ("readinto", Room("strided", 4)),
    ("readinto", Room("memoryview", 4)),
    ("readinto", Room("array", 4)),
    ("readinto", Room("bytearray", 0)),
    ("readinto", []),
    ("readall", 1),
    ("write", None),
    ("write", 5),
    ("write", 1.5),
    ("write", "text"),
    ("write", b"bytes"),
    ("write", bytearray(b"bytes")),
    ("write", Lent("strided", b"bytes")),
    ("write", Lent("ints", b"bytes")),
    ("write", array("d", [1.0])),
    ("write", ["a"]),
    ("write", io.BytesIO(b"x")),
    ("write", Liar("liar")),
    ("write", "\ud800"),
    ("writelines", None),
    ("writelines", 5),
    ("writelines", "text"),
    ("writelines", b"bytes"),
    ("writelines", [1]),
    ("writelines", ["a", b"b", "c"]),
    ("writelines", [b"a", "b", b"c"]),
    ("writelines", []),
    ("seek", None),
    ("seek", "0"),
    ("seek", 1.0),
    ("seek", -1),
    ("seek", -(2**63)),
    ("seek", 2**63 - 1),
    ("seek", 2**63),
    ("seek", 2**70),
    ("seek", -(2**70)),
    ("seek", Index(2)),
    ("seek", BadIndex()),
    ("seek", 0, -1),
    ("seek", 0, 3),
    ("seek", 0, 99),
    ("seek", 0, 2**31),
    ("seek", 0, 2**70),
    ("seek", 0, "0"),
    ("seek", 0, None),
    ("seek", 1, 1),
    ("seek", -1, 1),
    ("seek", -1, 2),
    ("seek", -1000, 2),
    ("seek", 1, 2),
    ("truncate", "0"),
    ("truncate", 1.0),
    ("truncate", -1),
    ("truncate", 2**62),
    ("truncate", 2**63),
    ("truncate", 2**70),
    ("truncate", -(2**70)),
    ("truncate", Index(2)),
    ("truncate", BadIndex()),
    ("truncate", None),
]


async def called(file, name, arguments):
    """The outcome of a method, a coroutine or not, and its buffers."""
    try:
        arguments = [built(value) for value in arguments]
        result = getattr(file, name)(*arguments)
        if hasattr(result, "__await__"):
            result = await result
        if name.startswith("readinto"):
            result = (result, [plain(value) for value in arguments])
        return Outcome(False, result)
    except Exception as error:
        return Outcome(True, raised(error))


@each_kind
async def test_method_bad_argument_raises_what_open_raises(lib, path, kind):
    """Each method's bad argument has the outcome of the built-in file.

    So have the next calls: a refused argument leaves the file as it was.
    """
    mode, options = KINDS[kind]
    found = Differences()
    for name, *arguments in BAD_CALLS:
        calls = (name, arguments), ("tell", ()), ("read", ()), ("close", ())

        path.write_text(CONTENT)
        file = builtins.open(path, mode, **options)
        wanted = [await called(file, *call) for call in calls]
        wanted.append(outcome_of(path.read_bytes))

        path.write_text(CONTENT)
        file = await lib.open(path, mode, **options)
        had = [await called(file, *call) for call in calls]
        had.append(outcome_of(path.read_bytes))

        for after, want, have in zip(
            ("", "tell", "read", "close", "content"), wanted, had, strict=True
        ):
            found.note((name, *arguments, after), want, have)
    found.none()


WRONG_NUMBERS = [
    ("read", (1, 2), {}),
    ("read", (), {"n": 1}),
    ("readline", (1, 2), {}),
    ("readlines", (1, 2), {}),
    ("readlines", (), {"no": 1}),
    ("write", (), {}),
    ("write", ("a", "b"), {}),
    ("writelines", (), {}),
    ("writelines", ([], []), {}),
    ("seek", (), {}),
    ("seek", (0, 0, 0), {}),
    ("seek", (0,), {"from_": 1}),
    ("tell", (1,), {}),
    ("truncate", (1, 2), {}),
    ("flush", (1,), {}),
    ("close", (1,), {}),
    ("isatty", (1,), {}),
    ("seekable", (1,), {}),
    ("writable", (1,), {}),
    ("readable", (1,), {}),
    ("fileno", (1,), {}),
]


@each_kind
async def test_method_wrong_number_of_arguments_raises_typeerror(
    lib, make, kind
):
    """Too many, too few or unknown arguments: an error, nothing done.

    It is TypeError, but where io has a method only to refuse it.
    """
    mode, options = KINDS[kind]
    path = make(CONTENT.encode())
    reference = builtins.open(path, mode, **options)
    async with lib.open(path, mode, **options) as file:
        for name, arguments, keywords in WRONG_NUMBERS:
            want = outcome_of(
                lambda: getattr(reference, name)(*arguments, **keywords)
            )
            with pytest.raises((TypeError, want.value.type)):
                result = getattr(file, name)(*arguments, **keywords)
                if hasattr(result, "__await__"):
                    await result
        assert await file.tell() == 0
    reference.close()


CALLS = [
    ("read",),
    ("read", 1),
    ("read", 0),
    ("readline",),
    ("readline", 0),
    ("readlines",),
    ("readlines", 1),
    ("read1", 1),
    ("read1",),
    ("readall",),
    ("peek",),
    ("peek", 1),
    ("readinto", bytearray(3)),
    ("readinto", bytearray(0)),
    ("write", "a"),
    ("write", b"a"),
    ("write", ""),
    ("write", b""),
    ("writelines", []),
    ("writelines", ["a"]),
    ("writelines", [b"a"]),
    ("seek", 0),
    ("seek", 0, 1),
    ("seek", 0, 2),
    ("tell",),
    ("truncate",),
    ("truncate", 3),
    ("flush",),
    ("close",),
    ("isatty",),
    ("seekable",),
    ("readable",),
    ("writable",),
    ("fileno",),
]


@each_kind
async def test_method_of_a_closed_file_raises_what_open_raises(
    lib, make, kind
):
    """Every method of a closed file has the outcome of the built-in one."""
    mode, options = KINDS[kind]
    closed = builtins.open(make(CONTENT.encode()), mode, **options)
    closed.close()
    file = await lib.open(make(CONTENT.encode()), mode, **options)
    await file.close()
    found = Differences()
    for name, *arguments in CALLS:
        want = await called(closed, name, arguments)
        have = await called(file, name, arguments)
        found.note((name, *arguments), want, have)
    for name in ("closed", "name", "mode", "encoding", "errors", "newlines"):
        want = outcome_of(getattr, closed, name)
        found.note(name, want, outcome_of(getattr, file, name))
    found.none()
    assert repr(file).endswith(repr(closed))


@each_kind
async def test_method_bad_argument_of_a_closed_file_raises_the_same(
    lib, make, kind
):
    """Which is told first, the argument or the closed file, is as in io."""
    mode, options = KINDS[kind]
    closed = builtins.open(make(CONTENT.encode()), mode, **options)
    closed.close()
    file = await lib.open(make(CONTENT.encode()), mode, **options)
    await file.close()
    found = Differences()
    for name, *arguments in BAD_CALLS:
        want = await called(closed, name, arguments)
        have = await called(file, name, arguments)
        found.note((name, *arguments), want, have)
    found.none()


@each_kind
async def test_method_the_mode_does_not_allow_raises_what_open_raises(
    lib, path, kind
):
    """Reading what is write-only, and the reverse, fails as in io."""
    mode, options = KINDS[kind]
    found = Differences()
    for name, *arguments in CALLS:
        path.write_text(CONTENT)
        with builtins.open(path, mode, **options) as file:
            want = await called(file, name, arguments)
        path.write_text(CONTENT)
        async with lib.open(path, mode, **options) as file:
            have = await called(file, name, arguments)
        if name == "fileno":
            assert type(have.value) is int
        elif name in ("peek", "read1"):  # the length is left open
            if want.failed or have.failed:
                found.note((name, *arguments), want, have)
        else:
            found.note((name, *arguments), want, have)
    found.none()


@pytest.mark.parametrize("kind", ("binary", "binary both"))
async def test_read_of_more_than_memory_holds_raises_memoryerror(
    lib, make, kind
):
    """An absurd size is a MemoryError, and the file goes on."""
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("the sanitizer stops at such an allocation")
    mode, options = KINDS[kind]
    with builtins.open(make(CONTENT.encode()), mode, **options) as file:
        expected = [outcome_of(file.read, n) for n in (2**62, 2**63 - 1)]
    async with lib.open(make(CONTENT.encode()), mode, **options) as file:
        actual = [
            await outcome_of_await(file.read, n) for n in (2**62, 2**63 - 1)
        ]
        for want, have in zip(expected, actual, strict=True):
            assert want.failed
            assert not difference(want, have)
        assert await file.read() == CONTENT.encode()


async def test_read_text_of_an_absurd_size_behaves_as_open(lib, make):
    """Text too has the outcome of open, and goes on as it does."""
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("the sanitizer stops at such an allocation")
    calls = (
        ("read", 2**62), ("readline", 2**62), ("readlines", 2**62), ("read",)
    )
    with builtins.open(make(CONTENT.encode())) as file:
        expected = [
            outcome_of(getattr(file, name), *args) for name, *args in calls
        ]
    async with lib.open(make(CONTENT.encode())) as file:
        for want, (name, *args) in zip(expected, calls, strict=True):
            have = await outcome_of_await(getattr(file, name), *args)
            assert not difference(want, have), (name, args)


@pytest.mark.parametrize("kind", ("text write", "binary write", "raw write"))
async def test_write_to_a_closed_descriptor_raises_and_close_frees(
    lib, path, kind
):
    """A descriptor closed behind its back: EBADF, as from open, once."""
    mode, options = KINDS[kind]
    data = "data" if "text" in kind else b"data"

    def reference():
        file = builtins.open(path, mode, **options)
        os.close(file.fileno())
        found = [outcome_of(file.write, data), outcome_of(file.flush)]
        found.append(outcome_of(file.close))
        return found, file.closed

    expected = reference()
    file = await lib.open(path, mode, **options)
    os.close(file.fileno())
    found = [
        await outcome_of_await(file.write, data),
        await outcome_of_await(file.flush),
        await outcome_of_await(file.close),
    ]
    for want, have in zip(expected[0], found, strict=True):
        assert not difference(want, have)
    assert file.closed == expected[1]


@pytest.mark.parametrize("kind", ("text", "binary", "raw"))
async def test_read_of_a_closed_descriptor_raises_as_open(lib, make, kind):
    """A descriptor closed behind its back: EBADF at read and at close."""
    mode, options = KINDS[kind]
    file = builtins.open(make(CONTENT.encode()), mode, **options)
    os.close(file.fileno())
    expected = [outcome_of(file.read), outcome_of(file.close)]
    file = await lib.open(make(CONTENT.encode()), mode, **options)
    os.close(file.fileno())
    found = [
        await outcome_of_await(file.read), await outcome_of_await(file.close)
    ]
    for want, have in zip(expected, found, strict=True):
        assert not difference(want, have)
    assert file.closed


@pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="there is no /dev/full"
)
@pytest.mark.parametrize("kind", ("text write", "binary write", "raw write"))
@pytest.mark.parametrize("amount", (1, 100_000))
async def test_write_without_space_raises_once_and_close_frees(
    lib, kind, amount
):
    """A full device: ENOSPC by flush at the latest, and close() closes."""
    mode, options = KINDS[kind]
    data = ("x" if "text" in kind else b"x") * amount
    file = await lib.open("/dev/full", mode, **options)
    with pytest.raises(OSError, match="No space left") as caught:
        await file.write(data)
        await file.flush()
    assert caught.value.errno == 28
    try:
        await file.close()
    except OSError as error:
        assert error.errno == 28
    assert file.closed
    await file.close()


@pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="there is no /dev/full"
)
@pytest.mark.parametrize("kind", ("text write", "binary write"))
async def test_close_that_cannot_write_raises_and_closes(lib, kind):
    """What is in the buffer at close is an error of close, as in io."""
    mode, options = KINDS[kind]
    data = "x" if "text" in kind else b"x"
    reference = builtins.open("/dev/full", mode, **options)
    reference.write(data)
    expected = outcome_of(reference.close)
    file = await lib.open("/dev/full", mode, **options)
    await file.write(data)
    actual = await outcome_of_await(file.close)
    assert expected.failed
    assert not difference(expected, actual)
    assert file.closed
