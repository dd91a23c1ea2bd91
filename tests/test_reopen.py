"""Names that are opened again, and what has taken their place meanwhile.

The engine opens a name that it knows without a look at it first; whatever it
finds there has to be opened as if it had come by that name for the first time.
"""

import asyncio
import errno
import os
import threading

import aiofiles_c
import pytest

from .support.gate import plug
from .support.heartbeat import LONGEST, Heartbeat
from .support.inject import fault
from .support.mount import SlowMount, Unavailable
from .support.waiting import cancelled, eventually, turns, within

DATA = b"some bytes\n" * 100


@pytest.fixture
async def known(ours, make):
    """The path of a file that has been opened some times."""
    path = make(b"what was there before")
    for _ in range(3):
        async with ours.open(path, "rb") as file:
            assert await file.read() == b"what was there before"
    return path


@pytest.fixture
def engine(ours):
    if not ours.native:
        pytest.skip("the engine's own way to open a name")


async def contents(ours, path):
    async with ours.open(path, "rb") as file:
        return await file.read()


async def test_another_file_of_that_name_is_opened(ours, known, tmp_path):
    """It is the name that counts, not what it was."""
    (tmp_path / "other").write_bytes(DATA)
    os.replace(tmp_path / "other", known)
    assert await contents(ours, known) == DATA
    known.unlink()
    known.symlink_to(tmp_path / "third")
    (tmp_path / "third").write_bytes(b"third")
    assert await contents(ours, known) == b"third"


async def test_name_that_is_gone_is_not_found(ours, known):
    """Until there is something again."""
    known.unlink()
    with pytest.raises(FileNotFoundError) as caught:
        await contents(ours, known)
    assert caught.value.filename == str(known)
    known.write_bytes(DATA)
    assert await contents(ours, known) == DATA


async def test_name_that_may_not_be_read_any_more_is_refused(ours, known):
    """The kernel decides, each time."""
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    known.chmod(0)
    with pytest.raises(PermissionError):
        await contents(ours, known)


async def test_directory_of_that_name_is_an_error(ours, known):
    """As built-in open has it."""
    known.unlink()
    known.mkdir()
    with pytest.raises(IsADirectoryError):
        await contents(ours, known)


@pytest.mark.usefixtures("engine")
async def test_descriptors_that_are_used_up_are_an_error(ours, known):
    """And the file is opened when there are some again."""
    with fault("OPEN", errno.EMFILE, count=100), pytest.raises(OSError) as e:
        await contents(ours, known)
    assert e.value.errno == errno.EMFILE
    assert await contents(ours, known) == b"what was there before"


def write_to(path, failures):
    """Open a FIFO as its writer, which waits for a reader; write, and go."""
    try:
        with open(path, "wb", buffering=0) as fifo:
            fifo.write(DATA)
    except OSError as error:
        failures.append(error)


async def test_fifo_of_that_name_keeps_its_writer(ours, known):
    """One that waits for a reader has written to that reader."""
    for _ in range(20):
        known.unlink()
        os.mkfifo(known)
        failures = []
        writer = threading.Thread(target=write_to, args=(known, failures))
        writer.start()
        try:
            assert await within(contents(ours, known)) == DATA
        finally:
            with plug(known):
                writer.join(60)
        assert not failures
        known.unlink()
        known.write_bytes(b"a file")
        for _ in range(3):
            assert await contents(ours, known) == b"a file"


@pytest.mark.usefixtures("engine", "at_once")
async def test_fifo_of_that_name_whose_writer_is_gone_gives_what_it_wrote(
    ours, known, gate
):
    """It came while the FIFO was to be opened by a worker, and left."""
    if aiofiles_c._engine.core.PORTABLE:
        pytest.skip("the portable build has everything opened by workers")
    if os.stat(known).st_dev != os.stat("/").st_dev:
        pytest.skip("names are known of the mount of / only")
    known.unlink()
    os.mkfifo(known)
    async with gate.shut():
        reading = asyncio.ensure_future(contents(ours, known))
        await turns()
        failures = []
        writer = threading.Thread(target=write_to, args=(known, failures))
        writer.start()
        await eventually(lambda: not writer.is_alive(), "the writer is gone")
        assert not failures
    assert await within(reading) == DATA


@pytest.mark.usefixtures("engine")
async def test_fifo_of_that_name_may_be_given_up(ours, known, gate):
    """While it is queued, and while a worker waits for a writer."""
    known.unlink()
    os.mkfifo(known)
    async with gate.shut():
        opening = asyncio.ensure_future(contents(ours, known))
        await turns()
        await cancelled(opening)
    known.unlink()
    known.write_bytes(b"a file")
    for _ in range(3):
        await contents(ours, known)
    known.unlink()
    os.mkfifo(known)
    opening = asyncio.ensure_future(contents(ours, known))
    await eventually(
        lambda: aiofiles_c.stats()["running"] == 1, "a worker opens it"
    )
    await cancelled(opening)
    with plug(known):
        await eventually(
            lambda: aiofiles_c.stats()["running"] == 0, "it is back"
        )


@pytest.mark.usefixtures("engine")
async def test_link_of_that_name_to_a_slow_mount_does_not_stop_the_loop(
    ours, known, tmp_path
):
    """Not even the first time."""
    folder = tmp_path / "slow"
    folder.mkdir()
    try:
        with SlowMount(folder) as mount:
            (folder / "file").write_bytes(DATA)
            known.unlink()
            known.symlink_to(folder / "file")
            os.stat(known)  # the name is in the kernel's cache
            mount.slow_down()
            async with Heartbeat() as heartbeat:
                assert await contents(ours, known) == DATA
            assert heartbeat.longest < LONGEST
    except Unavailable as error:
        pytest.skip(str(error))
