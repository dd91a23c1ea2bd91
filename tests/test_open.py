"""open(): every way to open a file, and what the opened file says of itself.

What it does to bad input is in test_errors.py.
"""

import asyncio
import builtins
import inspect
import io
import os
import re
import stat
import warnings

import pytest

from .support.outcome import difference, outcome_of, outcome_of_await

TEXT_MODES = ("r", "r+", "w", "w+", "a", "a+", "x", "x+", "rt", "w+t", "tr")
BINARY_MODES = ("rb", "rb+", "r+b", "wb", "wb+", "ab", "ab+", "xb", "xb+")
WAYS = (
    [(mode, {}) for mode in TEXT_MODES + BINARY_MODES]
    + [(mode, {"buffering": 0}) for mode in BINARY_MODES]
    + [
        ("r", {"buffering": 1}),
        ("w", {"buffering": 1}),
        ("w", {"buffering": 2}),
        ("rb", {"buffering": 16}),
        ("wb+", {"buffering": 1_000_000}),
        ("r", {"encoding": "ascii", "errors": "replace"}),
        ("r", {"encoding": "UTF8"}),
        ("r", {"encoding": "Latin-1", "newline": ""}),
        ("w", {"encoding": "utf-16", "newline": "\r\n"}),
        ("r+", {"encoding": "utf-8-sig", "newline": "\r"}),
        ("r", {"encoding": "locale"}),
        ("r", {"encoding": "cp1252", "errors": "surrogateescape"}),
    ]
)
ATTRIBUTES = (
    "name", "mode", "closed", "encoding", "errors", "newlines",
    "line_buffering",
)
each_way = pytest.mark.parametrize(
    "mode, options", WAYS, ids=[f"{m}-{o}" for m, o in WAYS]
)


@pytest.fixture
def prepared(path):
    """A file for the mode: there, or for "x" not there."""

    def prepare(mode):
        if "x" in mode:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(b"first\nsecond\n")
        return path

    return prepare


@each_way
async def test_open_each_way_has_the_attributes_of_open(
    lib, prepared, mode, options
):
    """`name`, `mode`, `encoding` and the others are those of built-in open."""
    with builtins.open(prepared(mode), mode, **options) as reference:
        expected = [outcome_of(getattr, reference, a) for a in ATTRIBUTES]
    expected[ATTRIBUTES.index("closed")] = outcome_of(lambda: False)
    async with lib.open(prepared(mode), mode, **options) as file:
        for name, value in zip(ATTRIBUTES, expected, strict=True):
            assert not difference(value, outcome_of(getattr, file, name)), name
    assert file.closed


@each_way
async def test_open_each_way_gives_the_class_of_aiofiles(
    ours, prepared, mode, options
):
    """isinstance holds with the class that aiofiles gives, under its name."""
    import aiofiles

    async with aiofiles.open(prepared(mode), mode, **options) as reference:
        pass
    classes = [
        cls
        for cls in type(reference).__mro__
        if cls.__module__.startswith("aiofiles")
    ]
    async with ours.open(prepared(mode), mode, **options) as file:
        for cls in classes:
            module = ours.module
            for part in cls.__module__.split(".")[1:]:
                module = getattr(module, part)
            assert isinstance(file, getattr(module, cls.__name__))


@each_way
async def test_open_each_way_has_the_methods_of_aiofiles(
    ours, prepared, mode, options
):
    """What is a coroutine in aiofiles is one here, what is not is not."""
    import aiofiles

    async with aiofiles.open(prepared(mode), mode, **options) as reference:
        names = [
            name
            for name in dir(reference)
            if not name.startswith("_") and callable(getattr(reference, name))
        ]
        direct = {
            name for name in ("fileno", "readable")
            if not inspect.iscoroutinefunction(getattr(reference, name))
        }
    async with ours.open(prepared(mode), mode, **options) as file:
        for name in names:
            assert callable(getattr(file, name)), name
        for name in ("fileno", "readable"):
            result = getattr(file, name)()
            if inspect.isawaitable(result):
                assert name not in direct
                result = await result
            assert type(result) is (int if name == "fileno" else bool)


@each_way
async def test_repr_each_way_is_that_of_aiofiles(
    ours, prepared, mode, options
):
    """repr names the class, and the file inside as io shows it."""
    import aiofiles

    def neutral(text):
        text = text.replace("aiofiles_c", "aiofiles")
        return re.sub(r"0x[0-9a-f]+", "0x", text)

    async with aiofiles.open(prepared(mode), mode, **options) as reference:
        expected = neutral(repr(reference))
    async with ours.open(prepared(mode), mode, **options) as file:
        inside = neutral(repr(file)).partition(" wrapping ")[2]
        assert inside == expected.partition(" wrapping ")[2]
        assert neutral(repr(file)).startswith("<aiofiles.threadpool.")


@pytest.mark.parametrize("kind", ("str", "bytes", "path", "bytes path"))
async def test_open_path_of_any_kind_keeps_the_name_of_open(lib, make, kind):
    """str, bytes and os.PathLike name a file; `name` is what open makes it."""

    class BytesPath:
        def __fspath__(self):
            return os.fsencode(path)

    path = make(b"data")
    given = {
        "str": str(path),
        "bytes": os.fsencode(path),
        "path": path,
        "bytes path": BytesPath(),
    }[kind]
    with builtins.open(given) as reference:
        name = reference.name
    async with lib.open(given) as file:
        assert file.name == name
        assert type(file.name) is type(name)
        assert await file.read() == "data"


async def test_open_relative_path_is_relative_to_the_directory(
    lib, make, monkeypatch
):
    """A relative path is looked up in the current directory."""
    path = make(b"data")
    monkeypatch.chdir(path.parent)
    async with lib.open(path.name, "rb") as file:
        assert file.name == path.name
        assert await file.read() == b"data"


async def test_open_name_not_utf8_opens(lib, tmp_path):
    """A name of bytes that are no UTF-8 is opened as bytes and as str."""
    name = os.fsencode(tmp_path) + b"/\xff\xfe"
    async with lib.open(name, "wb") as file:
        await file.write(b"data")
    async with lib.open(os.fsdecode(name), "rb") as file:
        assert await file.read() == b"data"
        assert file.name == os.fsdecode(name)


async def test_open_longest_path_opens(lib, tmp_path, monkeypatch):
    """A path of PATH_MAX - 1 bytes opens; one more is the system's error."""
    limit = os.pathconf(tmp_path, "PC_PATH_MAX")
    monkeypatch.chdir(tmp_path)
    path = "./" * ((limit - 6) // 2) + "file"
    path += "x" * (limit - 1 - len(path))
    async with lib.open(path, "w") as file:
        await file.write("data")
    async with lib.open(path) as file:
        assert await file.read() == "data"
    with pytest.raises(OSError) as caught:
        await lib.open(path + "x")
    assert caught.value.filename == path + "x"


@pytest.mark.parametrize("mode", ("r", "rb", "r+b", "a+"))
async def test_open_descriptor_goes_on_where_it_stands(lib, make, mode):
    """A file over a descriptor starts at that descriptor's offset."""
    descriptor = os.open(make(b"0123456789"), os.O_RDWR)
    os.lseek(descriptor, 4, os.SEEK_SET)
    async with lib.open(descriptor, mode) as file:
        assert file.name == descriptor
        assert file.fileno() == descriptor
        if "a" in mode:
            assert await file.tell() == 10
            await file.seek(4)
        assert await file.tell() == 4
        data = await file.read()
    assert data == (b"456789" if "b" in mode else "456789")
    with pytest.raises(OSError):
        os.fstat(descriptor)


@pytest.mark.parametrize("mode, buffering", (("w", -1), ("wb", -1), ("wb", 0)))
async def test_open_closefd_false_leaves_the_descriptor_open(
    lib, path, mode, buffering
):
    """closefd=False: close() writes what is buffered, and no more."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        file = await lib.open(descriptor, mode, buffering, closefd=False)
        await file.write("data" if mode == "w" else b"data")
        await file.close()
        assert file.closed
        assert os.pread(descriptor, 10, 0) == b"data"
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 4
    finally:
        os.close(descriptor)


async def test_open_two_files_of_one_descriptor_share_its_offset(lib, make):
    """After close the next file over the descriptor goes on from there."""
    descriptor = os.open(make(b"one\ntwo\nthree\n"), os.O_RDONLY)
    try:
        async with lib.open(descriptor, "rb", 0, closefd=False) as file:
            assert await file.read(4) == b"one\n"
        async with lib.open(descriptor, "r", closefd=False) as file:
            assert await file.readline() == "two\n"
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("mode", ("r", "w", "rb", "wb", "xb+", "a"))
async def test_open_opener_is_called_as_by_open(lib, prepared, mode):
    """The opener gets path and flags as from open; its descriptor is used."""
    calls = []

    def opener(name, flags):
        calls.append((name, flags))
        return os.open(name, flags, 0o600)

    builtins.open(prepared(mode), mode, opener=opener).close()
    prepared(mode)
    async with lib.open(prepared(mode), mode, opener=opener) as file:
        descriptor = file.fileno()
        assert not os.get_inheritable(descriptor)
    assert calls[0] == calls[1]


async def test_open_opener_that_raises_passes_its_error_on(lib, make):
    """What the opener raises is what open raises."""

    def opener(name, flags):
        raise ZeroDivisionError(name)

    path = make(b"")
    with pytest.raises(ZeroDivisionError, match=re.escape(str(path))):
        await lib.open(path, opener=opener)


async def test_open_opener_of_another_directory_reads_there(lib, make):
    """An opener may use a directory's descriptor."""
    path = make(b"data")
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        async with lib.open(
            path.name, opener=lambda n, f: os.open(n, f, dir_fd=folder)
        ) as file:
            assert file.name == path.name
            assert await file.read() == "data"
    finally:
        os.close(folder)


async def test_open_new_file_has_the_permissions_of_open(lib, path):
    """A file is made with 0o666 less the umask."""
    before = os.umask(0o027)
    try:
        async with lib.open(path, "w"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("mode", ("r", "rb", "wb", "a+"))
async def test_open_descriptor_is_never_inherited(lib, make, mode):
    """The descriptor of a file is closed in a program that is started."""
    async with lib.open(make(b""), mode) as file:
        assert not os.get_inheritable(file.fileno())


@pytest.mark.parametrize(
    "buffering", (-100, -2, -1, 0, 1, 2, 100, 8192, 1 << 20)
)
@pytest.mark.parametrize("mode", ("r", "w", "rb", "wb", "rb+"))
async def test_open_buffering_warns_and_fails_as_open(
    lib, make, mode, buffering
):
    """Each value of buffering has open's outcome, its warnings included."""
    path = make(b"data")
    with warnings.catch_warnings(record=True) as expected_warnings:
        warnings.simplefilter("always")
        expected = outcome_of(builtins.open, path, mode, buffering)
    with warnings.catch_warnings(record=True) as actual_warnings:
        warnings.simplefilter("always")
        actual = await outcome_of_await(lib.open, path, mode, buffering)
    if not expected.failed:
        expected.value.close()
    if not actual.failed:
        await actual.value.close()
    assert actual.failed == expected.failed
    if expected.failed:
        assert not difference(expected, actual)
    assert [(w.category, str(w.message)) for w in actual_warnings] == [
        (w.category, str(w.message)) for w in expected_warnings
    ]


async def test_open_write_truncates_and_append_does_not(lib, make):
    """"w" empties the file when it is opened, "a" and "r+" do not."""
    path = make(b"old")
    async with lib.open(path, "a") as file:
        await file.write(" new")
    assert path.read_bytes() == b"old new"
    async with lib.open(path, "r+"):
        pass
    assert path.read_bytes() == b"old new"
    file = await lib.open(path, "w")
    assert path.read_bytes() == b""
    await file.close()


async def test_open_append_writes_at_the_end_wherever_it_stands(lib, make):
    """In "a+" each write goes to the end, another's appends included."""
    path = make(b"one\n")
    async with lib.open(path, "ab+") as file:
        await file.seek(0)
        with path.open("ab") as other:
            other.write(b"two\n")
        await file.write(b"three\n")
        await file.flush()
        assert path.read_bytes() == b"one\ntwo\nthree\n"


async def test_open_exclusive_makes_a_file_only_once(lib, path):
    """"x" makes the file, and fails where there is one."""
    async with lib.open(path, "x") as file:
        await file.write("data")
    with pytest.raises(FileExistsError) as caught:
        await lib.open(path, "x")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"data"


async def test_open_awaited_again_gives_the_same_file(lib, make):
    """What open() returns gives one file, however often it is awaited."""
    opening = lib.open(make(b"data"))
    file = await opening
    assert await opening is file
    async with opening as again:
        assert again is file
    assert file.closed


async def test_open_not_awaited_opens_nothing(lib, path):
    """Nothing happens before the first step: no file is made."""
    opening = lib.open(path, "w")
    await asyncio.sleep(0)
    assert not path.exists()
    await (await opening).close()
    assert path.exists()


async def test_with_body_that_raises_closes_and_lets_it_pass(lib, path):
    """An exception leaves the block as it is, and the file is closed."""
    with pytest.raises(ZeroDivisionError):
        async with lib.open(path, "w") as file:
            await file.write("data")
            raise ZeroDivisionError
    assert file.closed
    assert path.read_bytes() == b"data"


async def test_with_file_closed_in_the_body_ends_quietly(lib, path):
    """Closing twice is no error."""
    async with lib.open(path, "w") as file:
        await file.close()
        await file.close()
    assert file.closed


async def test_open_loop_given_is_accepted(lib, make):
    """loop= may name the running loop."""
    loop = asyncio.get_running_loop()
    async with lib.open(make(b"data"), loop=loop) as file:
        assert await file.read() == "data"


async def test_open_arguments_by_position_are_those_of_open(lib, path):
    """The parameters have open's names and order."""
    opening = lib.open(
        str(path), "w", -1, "ascii", "replace", "\r\n", True, None
    )
    async with opening as file:
        assert (file.encoding, file.errors) == ("ascii", "replace")
        await file.write("\xe9\n")
    assert path.read_bytes() == b"?\r\n"
    async with lib.open(file=path, mode="r", newline="") as file:
        assert await file.read() == "?\r\n"


def test_open_signature_is_that_of_aiofiles(ours):
    """inspect.signature shows the parameters of aiofiles."""
    import aiofiles

    def shape(function):
        return [
            (p.name, p.kind, p.default)
            for p in inspect.signature(function).parameters.values()
        ]

    assert shape(ours.module.open) == shape(aiofiles.open)


async def test_detach_parts_the_file_from_its_buffer(lib, make):
    """detach() gives the synchronous object beneath, where the file stands."""
    path = make(b"first\nsecond\n")
    file = await lib.open(path)
    assert await file.readline() == "first\n"
    await file.seek(await file.tell())
    buffer = file.detach()
    assert isinstance(buffer, io.BufferedReader)
    assert buffer.read() == b"second\n"
    buffer.close()
    with pytest.raises(ValueError, match="detached"):
        await file.read()

    file = await lib.open(path, "rb")
    await file.seek(6)
    raw = file.detach()
    assert isinstance(raw, io.FileIO)
    raw.close()


@pytest.mark.parametrize("mode", ("r", "r+", "rb", "rb+", "w", "wb", "ab"))
async def test_file_inside_is_synchronised_with_the_file(lib, make, mode):
    """`_file`, `buffer` and `raw` are io's objects over the same file.

    Asking for them neither loses nor moves anything, and the file goes on.
    """
    path = make(b"first\nsecond\nthird\n")
    with builtins.open(path, mode) as reference:
        kind = type(reference)
    path.write_bytes(b"first\nsecond\nthird\n")
    async with lib.open(path, mode) as file:
        if "r" in mode:
            await file.readline()
        if mode != "r" and mode != "rb":
            if "r" in mode:
                await file.seek(0, 2)
            await file.write("more\n" if "b" not in mode else b"more\n")
        place = await file.tell()
        inside = file._file
        assert type(inside) is kind
        assert inside.tell() == place
        assert inside.fileno() == file.fileno()
        if "b" in mode:
            assert isinstance(file.raw, io.FileIO)
        else:
            assert isinstance(file.buffer, io.BufferedIOBase)
        if "r" in mode and "+" not in mode:
            line = await file.readline()
            assert line in ("second\n", b"second\n")
        assert not inside.closed
    assert inside.closed
    if "+" in mode:
        assert path.read_bytes() == b"first\nsecond\nthird\nmore\n"
    elif "r" not in mode:
        assert path.read_bytes().endswith(b"more\n")


async def test_file_inside_raw_file_is_a_fileio(lib, make):
    """`_file` of a raw file is an io.FileIO."""
    async with lib.open(make(b"data"), "rb", 0) as file:
        assert type(file._file) is io.FileIO
        assert await file.read() == b"data"


async def test_two_opens_of_a_file_do_not_disturb_each_other(lib, make):
    """Each file has a position of its own."""
    path = make(b"0123456789")
    async with lib.open(path, "rb") as one, lib.open(path, "rb") as other:
        assert await one.read(3) == b"012"
        assert await other.read(5) == b"01234"
        assert await one.read(3) == b"345"


async def test_many_files_open_at_once_each_read_their_own(lib, tmp_path):
    """Hundreds of files are open at the same time."""
    count = 200
    for number in range(count):
        (tmp_path / str(number)).write_text(f"file {number}\n" * 3)
    files = await asyncio.gather(
        *(lib.open(tmp_path / str(number)) for number in range(count))
    )
    lines = await asyncio.gather(*(file.readline() for file in files))
    assert lines == [f"file {number}\n" for number in range(count)]
    await asyncio.gather(*(file.close() for file in files))
    assert all(file.closed for file in files)
