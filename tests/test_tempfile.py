"""Temporary files and directories: one body over aiofiles and aiofiles_c.

What is promised beyond aiofiles, and every parameter, is compared with the
standard tempfile in test_tempfile_standard.py.
"""

import asyncio
import functools
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

from .support.waiting import cancelled, eventually, turns, within

NEW = sys.version_info >= (3, 12)

MODES = ("w+b", "w+", "wb", "w", "r+b", "r", "rb", "a", "a+b", "x", "xb+")


class Temp:
    """The module tempfile of a library, with its executor given along."""

    def __init__(self, lib):
        self.lib = lib

    def __getattr__(self, name):
        value = getattr(self.lib.module.tempfile, name)
        if self.lib.executor is None or not callable(value):
            return value
        return functools.partial(value, executor=self.lib.executor)


@pytest.fixture
def temp(lib):
    return Temp(lib)


@pytest.fixture
def our_temp(ours):
    return Temp(ours)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """The directory for temporary files: what is in it was left behind."""
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def permissions(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def encoding(mode):
    return None if "b" in mode else "utf-8"


def content(mode, text):
    return text.encode() if "b" in mode else text


# ---- what all of them have ----


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


@pytest.mark.parametrize(
    "name",
    (
        "NamedTemporaryFile",
        "TemporaryFile",
        "SpooledTemporaryFile",
        "TemporaryDirectory",
    ),
)
async def test_body_that_raises_leaves_nothing(temp, place, name):
    """The error comes through, and the file is closed and gone."""
    kept = []
    with pytest.raises(ZeroDivisionError):
        async with getattr(temp, name)() as made:
            kept.append(made)
            raise ZeroDivisionError
    assert os.listdir(place) == []
    assert getattr(kept[0], "closed", True)


@pytest.mark.parametrize(
    "name",
    (
        "NamedTemporaryFile",
        "TemporaryFile",
        "SpooledTemporaryFile",
        "TemporaryDirectory",
    ),
)
async def test_body_that_is_cancelled_leaves_nothing(temp, place, name):
    """Cancelling the task inside the context ends it as an error does."""
    inside = asyncio.Event()

    async def body():
        async with getattr(temp, name)():
            inside.set()
            await asyncio.sleep(3600)

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


# ---- spooled files ----


@pytest.mark.parametrize("mode", ("w+b", "w+"))
async def test_spooled_file_is_in_memory_up_to_its_size(temp, place, mode):
    """It has no name there; beyond max_size it is a file without one."""
    data = content(mode, "0123456789")
    async with temp.SpooledTemporaryFile(
        15, mode, encoding=encoding(mode)
    ) as file:
        assert await file.write(data) == 10
        assert file.name is None
        assert file.mode == mode
        assert await file.tell() == 10
        assert await file.write(data) == 10
        assert type(file.name) is int
        assert await file.tell() == 20
        assert await file.write(data) == 10
        assert await file.seek(0) == 0
        assert await file.read() == data * 3
        assert not await file.isatty()
        assert os.listdir(place) == []
        assert file._file._rolled


@pytest.mark.parametrize("how", ("rollover", "fileno", "truncate"))
@pytest.mark.parametrize("mode", ("w+b", "w+"))
async def test_spooled_file_rolls_over_where_it_stands(temp, mode, how):
    """Data and position are what they were."""
    data = content(mode, "one\ntwo\nthree\n")
    async with temp.SpooledTemporaryFile(
        100, mode, encoding=encoding(mode)
    ) as file:
        await file.writelines([data[:8], data[8:]])
        await file.seek(4)
        if how == "rollover":
            await file.rollover()
        elif how == "fileno":
            assert await file.fileno() == file.name
        else:
            await file.truncate(1000)
        assert type(file.name) is int
        assert await file.tell() == 4
        assert await file.readline() == data[4:8]
        assert await file.readlines(1) == [data[8:14]]
        if how == "truncate":
            assert os.fstat(file.name).st_size == 1000
        await file.rollover()
        await file.truncate(8)
        await file.seek(0)
        assert await file.read(100) == data[:8]


async def test_spooled_file_iterates_in_memory_and_on_disk(temp):
    """Lines come either way."""
    async with temp.SpooledTemporaryFile(1000) as file:
        await file.write(b"one\ntwo\n")
        for _ in range(2):
            await file.seek(0)
            assert [line async for line in file] == [b"one\n", b"two\n"]
            await file.rollover()


async def test_spooled_text_keeps_what_it_has_encoded(temp):
    """What is in memory moves as bytes: nothing is translated twice."""
    async with temp.SpooledTemporaryFile(
        1000, "w+", encoding="utf-8", newline="\r\n"
    ) as file:
        await file.write("zwölf\nBoxkämpfer\n")
        assert await file.tell() == 21
        await file.rollover()
        assert await file.tell() == 21
        await file.write("€\n")
        await file.flush()
        assert file.encoding == "utf-8"
        descriptor = await file.fileno()
        assert os.pread(descriptor, 100, 0) == (
            "zwölf\r\nBoxkämpfer\r\n€\r\n".encode()
        )


async def test_spooled_text_in_another_codec_rolls_over(temp):
    """A codec that the engine does not know is the standard library's."""
    async with temp.SpooledTemporaryFile(
        4, "w+", encoding="utf-16-le"
    ) as file:
        await file.write("data")
        assert type(file.name) is int
        await file.write("more")
        await file.seek(0)
        assert await file.read() == "datamore"


async def test_spooled_file_closed_says_so(temp):
    """As any file; closing again is no error."""
    file = await temp.SpooledTemporaryFile(100)
    await file.close()
    await file.close()
    assert file.closed
    for call in (file.read, file.tell, file.flush):
        with pytest.raises(ValueError):
            await call()


async def test_spooled_file_whose_standard_object_rolled_goes_on(temp):
    """Whoever rolls `_file` over himself finds the file there."""
    async with temp.SpooledTemporaryFile(1000) as file:
        await file.write(b"one\ntwo\n")
        file._file.rollover()
        assert type(file.name) is int
        await file.seek(4)
        assert await file.readline() == b"two\n"
        await file.write(b"three\n")
        await file.seek(0)
        assert await file.read() == b"one\ntwo\nthree\n"


async def test_spooled_file_whose_file_was_asked_for_goes_on(temp):
    """After the rollover `_file` has the file, at its position."""
    async with temp.SpooledTemporaryFile(4) as file:
        await file.write(b"one\ntwo\n")
        await file.seek(4)
        assert file._file._rolled
        assert file._file.readline() == b"two\n"
        assert await file.tell() == 8
        await file.write(b"three\n")
        await file.seek(0)
        assert await file.read() == b"one\ntwo\nthree\n"


async def test_spooled_file_at_once_in_memory(at_once, place):
    """Until it rolls over no thread has anything to do with it."""
    before = aiofiles_c.stats()
    async with aiofiles_c.tempfile.SpooledTemporaryFile(1000) as file:
        for _ in range(10):
            await file.write(b"line\n")
        await file.seek(0)
        assert len([line async for line in file]) == 10
    after = aiofiles_c.stats()
    assert after["delegate"] == before["delegate"]
    assert after["jobs"] == before["jobs"]


async def test_spooled_file_used_while_it_rolls_over_loses_nothing(
    our_temp, gate
):
    """What is called meanwhile waits, and finds the file."""
    async with our_temp.SpooledTemporaryFile(10) as file:
        await file.write(b"one\n")
        if not isinstance(file, temptypes.AsyncSpooledTemporaryFile):
            pytest.fail("not the documented type")
        if our_temp.lib.native:
            async with gate.shut():
                rolling = asyncio.ensure_future(file.rollover())
                await gate.queued(1)
                write = asyncio.ensure_future(file.write(b"two\n"))
                tell = asyncio.ensure_future(file.tell())
                await turns()
                assert not write.done() and not tell.done()
            await within(asyncio.gather(rolling, write, tell))
        else:
            await file.rollover()
            await file.write(b"two\n")
        await file.seek(0)
        assert await file.read() == b"one\ntwo\n"


async def test_spooled_file_cancelled_while_it_rolls_over_has_its_data(
    our_temp, gate, place
):
    """The write that made it roll is done; nothing is written twice."""
    if not our_temp.lib.native:
        pytest.skip("a thread's rollover is not the engine's")
    async with our_temp.SpooledTemporaryFile(2) as file:
        async with gate.shut():
            write = asyncio.ensure_future(file.write(b"data"))
            await gate.queued(1)
            await cancelled(write)
        await file.write(b"more")
        assert type(file.name) is int
        await file.seek(0)
        assert await file.read() == b"datamore"


async def test_spooled_file_that_cannot_roll_over_has_its_data(temp, place):
    """The error is raised where the file was to be made."""
    file = await temp.SpooledTemporaryFile(100, dir=place / "missing")
    await file.write(b"data")
    with pytest.raises(FileNotFoundError):
        await file.rollover()
    await file.seek(0)
    assert await file.read() == b"data"
    await file.close()


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


# ---- tasks that go ----


@pytest.mark.parametrize("delete", (True, False))
async def test_named_file_cancelled_while_it_is_made_is_gone(
    our_temp, gate, place, delete
):
    """Whether a worker had begun or not, nothing stays that nobody knows."""
    if not our_temp.lib.native:
        pytest.skip("the gate holds native workers")
    async with gate.shut():
        task = asyncio.ensure_future(
            our_temp.NamedTemporaryFile(delete=delete).__aenter__()
        )
        await gate.queued(1)
        await cancelled(task)
    await eventually(
        lambda: aiofiles_c.stats()["running"] == 0, "the pool is idle"
    )
    assert os.listdir(place) == []


def opened_in(place):
    """The files below a folder that the process has open, nameless too."""
    found = []
    if os.path.isdir("/proc/self/fd"):
        for name in os.listdir("/proc/self/fd"):
            try:
                found.append(os.readlink(f"/proc/self/fd/{name}"))
            except OSError:  # the listing's own
                continue
    return [target for target in found if target.startswith(str(place))]


@pytest.mark.parametrize(
    "name", ("NamedTemporaryFile", "TemporaryFile", "TemporaryDirectory")
)
@pytest.mark.parametrize("step", (0, 1, 2, 3, 4, 6, 10, 20, 50, 200))
async def test_task_cancelled_at_any_step_leaves_nothing(
    our_temp, place, name, step
):
    """However far the making has come, what was made is removed."""

    async def body():
        async with getattr(our_temp, name)():
            await asyncio.sleep(3600)

    for _ in range(5):
        task = asyncio.ensure_future(body())
        await turns(step)
        await cancelled(task)
    await eventually(lambda: os.listdir(place) == [], "all is gone")
    await eventually(lambda: not opened_in(place), "all is closed")


async def test_close_cancelled_removes_the_file(our_temp, gate, place):
    """The close that nobody waits for any more is done all the same."""
    if not our_temp.lib.native:
        pytest.skip("the gate holds native workers")
    file = await our_temp.NamedTemporaryFile()
    await file.write(b"data")
    async with gate.shut():
        task = asyncio.ensure_future(file.close())
        await gate.queued(1)
        await cancelled(task)
    await eventually(lambda: os.listdir(place) == [], "it is gone")
    await file.close()
    assert file.closed


@pytest.mark.skipif(not NEW, reason="came with Python 3.12")
async def test_context_whose_end_is_cancelled_removes_the_closed_file(
    our_temp, gate, place
):
    """delete_on_close=False: the name that had stayed goes all the same."""
    if not our_temp.lib.native:
        pytest.skip("the gate holds native workers")
    made = our_temp.NamedTemporaryFile(delete_on_close=False)
    file = await made
    await file.close()
    assert len(os.listdir(place)) == 1
    async with gate.shut():
        task = asyncio.ensure_future(made.__aexit__(None, None, None))
        await gate.queued(1)
        await cancelled(task)
    await eventually(lambda: os.listdir(place) == [], "it is gone")
    assert file.closed


async def test_many_files_at_once_have_names_of_their_own(temp, place):
    """They are made and removed at the same time."""

    async def one(number):
        async with temp.NamedTemporaryFile() as file:
            await file.write(b"%d" % number)
            await file.flush()
            with open(file.name, "rb") as other:
                assert other.read() == b"%d" % number
            return file.name

    names = await within(asyncio.gather(*map(one, range(100))))
    assert len(set(names)) == 100
    assert os.listdir(place) == []
