"""Who makes temporary files, in how many trips, and what goes wrong there."""

import errno
import os
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import aiofiles_c.tempfile
import pytest

from .support.inject import fault, needs_injection
from .support.waiting import turns_counted

FILES = ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile")


async def test_named_file_takes_two_trips(native, place):
    """One makes it, one writes, closes and removes it."""
    before = aiofiles_c.stats()
    async with aiofiles_c.tempfile.NamedTemporaryFile() as file:
        await file.write(b"x" * 1024)
    after = aiofiles_c.stats()
    spent = {key: after[key] - before[key] for key in after}
    assert spent["delegate"] == 0
    assert spent["jobs"] == spent["pool"] == 2 + (
        os.environ.get("AIOFILES_C_INLINE") == "0"
    )


@pytest.mark.parametrize("name", FILES)
async def test_executor_gets_the_work_where_one_is_given(
    libraries, place, name
):
    """As everywhere in aiofiles."""
    before = aiofiles_c.stats()["delegate"]
    with ThreadPoolExecutor(1) as executor:
        make = getattr(aiofiles_c.tempfile, name)
        async with make(executor=executor) as file:
            assert not isinstance(file, aiofiles_c._engine.native_types)
    assert aiofiles_c.stats()["delegate"] >= before + 2


async def test_replaced_function_gets_the_call(place, monkeypatch):
    """A test that replaces the synchronous function is heard."""
    called = []

    def fake(**options):
        called.append(options)
        return tempfile.TemporaryFile(**options)

    monkeypatch.setattr(aiofiles_c.tempfile, "syncTemporaryFile", fake)
    async with aiofiles_c.tempfile.TemporaryFile() as file:
        await file.write(b"data")
    assert len(called) == 1


async def test_loop_goes_on_while_files_are_made(native, place):
    """Making many, one after the other, lets others have their turns."""
    async with turns_counted() as turns:
        for _ in range(300):
            async with aiofiles_c.tempfile.NamedTemporaryFile() as file:
                await file.write(b"data")
        assert len(turns) > 10


# ---- files without a name ----


@pytest.mark.parametrize("error", ("EOPNOTSUPP", "EISDIR", "ENOENT"))
async def test_unnamed_file_where_the_system_has_none_is_unlinked_at_once(
    native, place, error, monkeypatch
):
    """Without O_TMPFILE it is made under a name, which goes in that trip."""
    making = aiofiles_c.tempfile._native
    refused = nullcontext()
    if injects := hasattr(aiofiles_c._engine.core, "_inject"):
        refused = fault("OPEN", getattr(errno, error))
    flag = os.O_TMPFILE if injects else 0
    monkeypatch.setattr(making, "tmpfile_flag", flag)
    with refused:
        file = await aiofiles_c.tempfile.TemporaryFile("w+b")
    assert os.listdir(place) == []
    assert os.fstat(file.name).st_nlink == 0
    assert stat.S_IMODE(os.fstat(file.name).st_mode) == 0o600
    await file.write(b"data")
    await file.seek(0)
    assert await file.read() == b"data"
    await file.close()
    if injects:
        assert bool(making.tmpfile_flag) is (error != "EISDIR")


async def test_file_that_cannot_be_used_once_made_is_removed(native, place):
    """fstat() fails after open(): the name goes again, the error comes."""
    with fault("FSTAT", errno.EIO), pytest.raises(OSError) as caught:
        await aiofiles_c.tempfile.NamedTemporaryFile()
    assert caught.value.errno == errno.EIO
    assert os.listdir(place) == []


@needs_injection
async def test_name_that_cannot_be_removed_is_an_error_once(native, place):
    """unlink() fails: close() raises it, and the file is closed."""
    file = await aiofiles_c.tempfile.NamedTemporaryFile()
    with fault("NAMES", errno.EACCES), pytest.raises(OSError) as caught:
        await file.close()
    assert caught.value.errno == errno.EACCES
    assert caught.value.filename == file.name
    assert file.closed
    await file.close()
    assert os.listdir(place) == [os.path.basename(file.name)]


@needs_injection
async def test_write_that_fails_at_close_removes_the_name(native, place):
    """The error of the write is raised; the file is gone."""
    file = await aiofiles_c.tempfile.NamedTemporaryFile()
    await file.write(b"data")
    with fault("WRITEV", errno.ENOSPC), pytest.raises(OSError) as caught:
        await file.close()
    assert caught.value.errno == errno.ENOSPC
    assert file.closed
    assert os.listdir(place) == []
