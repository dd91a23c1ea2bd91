"""Temporary files and directories: one body over aiofiles and aiofiles_c.

What is promised beyond aiofiles, and every parameter, is compared with the
standard tempfile in test_tempfile_standard.py.
"""

import asyncio
import io
import os
import stat
import sys
import tempfile

import aiofiles.tempfile
import aiofiles_c.tempfile
import pytest
from aiofiles.tempfile import temptypes as reference_types
from aiofiles_c.tempfile import temptypes

from .support.waiting import cancelled, within

NEW = sys.version_info >= (3, 12)

pytestmark = pytest.mark.usefixtures("place")
MODES = ("w+b", "w+", "wb", "w", "r+b", "r", "rb", "a", "a+b", "x", "xb+")


def permissions(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def encoding(mode):
    return None if "b" in mode else "utf-8"


def content(mode, text):
    return text.encode() if "b" in mode else text


# ---- what all of them have ----

each_name = pytest.mark.parametrize("name", (
    "NamedTemporaryFile",
    "TemporaryFile",
    "SpooledTemporaryFile",
    "TemporaryDirectory",
))


@pytest.mark.parametrize("name", aiofiles.tempfile.__all__)
def test_every_name_of_aiofiles_takes_its_parameters_in_its_order(name):
    """What was given by position to aiofiles means the same here."""
    import inspect

    theirs = inspect.signature(getattr(aiofiles.tempfile, name)).parameters
    ours = inspect.signature(getattr(aiofiles_c.tempfile, name)).parameters
    assert list(ours)[: len(theirs)] == list(theirs)
    for parameter in theirs:
        assert ours[parameter].default == theirs[parameter].default
        assert ours[parameter].kind == theirs[parameter].kind


@pytest.mark.parametrize("name", aiofiles.tempfile.__all__)
def test_every_parameter_of_the_standard_function_is_taken(name):
    """`errors`, `ignore_cleanup_errors`, `delete`: aiofiles lacks some."""
    import inspect

    standard = inspect.signature(getattr(tempfile, name)).parameters
    ours = inspect.signature(getattr(aiofiles_c.tempfile, name)).parameters
    assert set(standard) <= set(ours)
    for parameter in standard:
        assert ours[parameter].default == standard[parameter].default


@pytest.mark.parametrize(
    "name", [name for name in dir(reference_types) if name.startswith("Async")]
)
def test_every_public_attribute_of_the_types_is_there(name):
    """temptypes has the classes of aiofiles, with what they can do."""
    theirs, ours = getattr(reference_types, name), getattr(temptypes, name, 0)
    if theirs.__module__ == reference_types.__name__:
        public = {n for n in dir(theirs) if not n.startswith("_")}
        assert public <= set(dir(ours))


@pytest.mark.parametrize(
    "name", ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile")
)
async def test_file_is_awaitable_and_a_context_manager(temp, place, name):
    """Both give the same; the file is closed and gone afterwards."""
    make = getattr(temp, name)
    file = await make()
    assert not file.closed
    assert await file.write(b"data") == 4
    await file.close()
    assert file.closed
    async with make() as file:
        assert await file.write(b"data") == 4
        assert await file.seek(0) == 0
        assert await file.read() == b"data"
    assert file.closed
    assert os.listdir(place) == []


@each_name
async def test_body_that_raises_leaves_nothing(temp, place, name):
    """The error comes through, and the file is closed and gone."""
    kept = []
    with pytest.raises(ZeroDivisionError):
        async with getattr(temp, name)() as made:
            kept.append(made)
            raise ZeroDivisionError
    assert os.listdir(place) == []
    assert getattr(kept[0], "closed", True)


@each_name
async def test_body_that_is_cancelled_leaves_nothing(temp, place, name):
    """Cancelling the task inside the context ends it as an error does."""
    inside = asyncio.Event()

    async def body():
        async with getattr(temp, name)():
            inside.set()
            await asyncio.Event().wait()  # for ever

    task = asyncio.ensure_future(body())
    await within(inside.wait())
    await cancelled(task)
    assert os.listdir(place) == []


# ---- files ----


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ("NamedTemporaryFile", "TemporaryFile"))
async def test_file_in_every_mode_has_class_and_attributes(
    temp, place, name, mode
):
    """They are those of aiofiles, whichever way the file was made."""
    kind = {True: io.TextIOBase}.get("b" not in mode)
    async with getattr(temp, name)(mode, encoding=encoding(mode)) as file:
        with getattr(tempfile, name)(mode, encoding=encoding(mode)) as real:
            assert file.mode == real.mode
            assert type(file.name) is type(real.name)
            raw = getattr(real, "file", real)
        bases = {cls.__name__ for cls in type(file).__mro__}
        if kind:
            assert "AsyncTextIOWrapper" in bases
        elif isinstance(raw, io.BufferedWriter):
            assert "AsyncBufferedIOBase" in bases
            assert "AsyncBufferedReader" not in bases
        else:
            assert "AsyncBufferedReader" in bases
        if mode[0] != "r" or "+" in mode:
            data = content(mode, "one\ntwo\n")
            assert await file.write(data) == 8
            await file.flush()
            if "+" in mode:
                assert await file.seek(0) == 0
                assert await file.readlines() == [data[:4], data[4:]]
            assert await file.tell() == 8
    assert os.listdir(place) == []


async def test_raw_file_writes_through(temp, place):
    """buffering=0: what is written is there for others at once."""
    async with temp.NamedTemporaryFile(buffering=0) as file:
        assert "AsyncFileIO" in {cls.__name__ for cls in type(file).__mro__}
        assert await file.write(b"data") == 4
        with open(file.name, "rb") as other:
            assert other.read() == b"data"


async def test_named_file_has_name_and_permissions_of_the_standard(
    temp, place
):
    """Prefix, suffix and directory are taken; only the owner may use it."""
    async with temp.NamedTemporaryFile() as file:
        folder, base = os.path.split(file.name)
        assert folder == str(place)
        assert base.startswith("tmp") and len(base) == len("tmp") + 8
        assert permissions(file.name) == 0o600
    inner = place / "inner"
    inner.mkdir()
    async with temp.NamedTemporaryFile(
        prefix="before-", suffix=".after", dir=inner
    ) as file:
        folder, base = os.path.split(file.name)
        assert folder == str(inner)
        assert base.startswith("before-") and base.endswith(".after")
        assert os.listdir(inner) == [base]
    assert os.listdir(inner) == []


async def test_named_file_with_bytes_has_a_name_of_bytes(temp, place):
    """The name is of the kind of what was given."""
    async with temp.NamedTemporaryFile(suffix=b".after") as file:
        assert type(file.name) is bytes
        assert file.name.endswith(b".after")
        assert os.path.exists(file.name)
    assert os.listdir(place) == []


async def test_named_file_is_there_until_it_is_closed(temp, place):
    """What is written can be read by its name, which goes with close()."""
    file = await temp.NamedTemporaryFile("w", encoding="utf-8")
    await file.write("data")
    await file.flush()
    with open(file.name) as other:
        assert other.read() == "data"
    await file.close()
    assert not os.path.exists(file.name)
    await file.close()


async def test_named_file_without_delete_stays(temp, place):
    """delete=False: closing leaves the file with all that was written."""
    async with temp.NamedTemporaryFile(delete=False) as file:
        await file.write(b"data")
    with open(file.name, "rb") as other:
        assert other.read() == b"data"
    assert os.listdir(place) == [os.path.basename(file.name)]


@pytest.mark.skipif(not NEW, reason="came with Python 3.12")
async def test_named_file_without_delete_on_close_stays_until_the_end(
    temp, place
):
    """close() leaves the name, the end of the context takes it."""
    async with temp.NamedTemporaryFile(delete_on_close=False) as file:
        await file.write(b"data")
        await file.close()
        assert file.closed
        with open(file.name, "rb") as other:
            assert other.read() == b"data"
    assert os.listdir(place) == []
    async with temp.NamedTemporaryFile(delete_on_close=False) as file:
        await file.write(b"data")
    assert file.closed
    assert os.listdir(place) == []


async def test_named_file_tells_whether_it_goes(temp, place):
    """`_closer` from Python 3.12 on, `delete` before, as in aiofiles."""
    for delete in (True, False):
        async with temp.NamedTemporaryFile(delete=delete) as file:
            told = file._closer if NEW else file
            assert told.delete is delete


async def test_named_file_that_was_removed_closes_as_the_standard_one(
    temp, place
):
    """Python 3.12 made that no error."""
    file = await temp.NamedTemporaryFile()
    os.unlink(file.name)
    if NEW:
        await file.close()
    else:
        with pytest.raises(FileNotFoundError) as caught:
            await file.close()
        assert caught.value.filename == file.name
    assert file.closed


async def test_named_file_whose_synchronous_file_was_asked_for_goes(
    temp, place
):
    """`_file` is the standard wrapper, and takes the name along."""
    async with temp.NamedTemporaryFile() as file:
        await file.write(b"data")
        assert type(file._file) is tempfile._TemporaryFileWrapper
        assert file._file.name == file.name
        assert os.path.exists(file.name)
        await file.seek(0)
        assert await file.read() == b"data"
    assert file.closed
    assert os.listdir(place) == []


async def test_unnamed_file_has_a_descriptor_for_a_name(temp, place):
    """It is not in the directory, and its name is a number."""
    async with temp.TemporaryFile("w+", encoding="utf-8") as file:
        assert file.name == file.fileno()
        assert stat.S_IMODE(os.fstat(file.name).st_mode) == 0o600
        await file.write("data")
        assert os.listdir(place) == []
        await file.seek(0)
        assert await file.read() == "data"
        await file.flush()
        assert os.lseek(file.name, 0, os.SEEK_CUR) == 4


@pytest.mark.parametrize("name", ("NamedTemporaryFile", "TemporaryFile"))
async def test_large_file_comes_back(temp, place, name):
    """Some MiB, written in pieces, are read as one."""
    piece = bytes(range(256)) * 400
    async with getattr(temp, name)() as file:
        for _ in range(50):
            await file.write(piece)
        await file.seek(0)
        assert await file.read() == piece * 50


# ---- directories ----


async def test_directory_context_gives_its_path(temp, place):
    """Only the owner may use it; it goes with all that is in it."""
    async with temp.TemporaryDirectory() as path:
        assert type(path) is str
        assert os.path.dirname(path) == str(place)
        assert permissions(path) == 0o700
        os.mkdir(os.path.join(path, "inner"))
        with open(os.path.join(path, "inner", "file"), "w"):
            pass
    assert os.listdir(place) == []


async def test_directory_awaited_has_name_cleanup_and_close(temp, place):
    """Both remove it, and may be called again."""
    directory = await temp.TemporaryDirectory("-after", "before-", place)
    base = os.path.basename(directory.name)
    assert base.startswith("before-") and base.endswith("-after")
    assert os.listdir(place) == [base]
    await directory.cleanup()
    assert os.listdir(place) == []
    await directory.cleanup()
    directory = await temp.TemporaryDirectory()
    await directory.close()
    assert os.listdir(place) == []


async def test_directory_that_cannot_be_removed_is_an_error_or_not(
    our_temp, place, monkeypatch
):
    """ignore_cleanup_errors decides."""

    def rmtree(name, *args, **kwargs):
        try:
            raise OSError(5, "no removing today", name)
        except OSError as error:
            if "onexc" in kwargs:
                kwargs["onexc"](os.rmdir, name, error)
            else:
                kwargs["onerror"](os.rmdir, name, sys.exc_info())

    with monkeypatch.context() as patch:
        patch.setattr(tempfile._shutil, "rmtree", rmtree)
        async with our_temp.TemporaryDirectory(ignore_cleanup_errors=True):
            pass
        with pytest.raises(OSError, match="no removing today"):
            async with our_temp.TemporaryDirectory():
                pass
    assert len(os.listdir(place)) == 2


@pytest.mark.skipif(not NEW, reason="came with Python 3.12")
async def test_directory_without_delete_stays(our_temp, place):
    """delete=False: leaving the context does not remove it."""
    async with our_temp.TemporaryDirectory(delete=False) as path:
        pass
    assert os.listdir(place) == [os.path.basename(path)]
