"""What hangs holds no worker that a local file needs.

The mount is a FUSE file system of the tests' own that gives no answer at all.
A local file has to be served within half a second meanwhile, also one that is
on a disk that nobody has met yet.
"""

import asyncio
import os

import aiofiles_c
import aiofiles_c.os
import aiofiles_c.tempfile
import pytest

from .support.gate import plug
from .support.kernel import evict
from .support.mount import SlowDisk, SlowMount, Unavailable, mounted_at
from .support.waiting import eventually, turns, within

SOON = 0.5  # seconds
MANY = 64
DATA = b"some bytes\n" * 100

pytestmark = pytest.mark.usefixtures("native")


@pytest.fixture
def slow(native, tmp_path):
    folder = tmp_path / "slow"
    folder.mkdir()
    try:
        with SlowMount(folder) as mount:
            for i in range(MANY):
                (folder / f"{i}").mkdir()
                (folder / f"{i}" / "file").write_bytes(DATA)
            yield mount
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def told(native):
    """For what the loop thread has to know of a name before it is used."""
    if aiofiles_c._engine.core.PORTABLE:
        pytest.skip("to the portable build a name may lead anywhere")


@pytest.fixture(params=("known", "new"))
def disk(request, tmp_path):
    """A folder on a local file system, met before or not."""
    folder = tmp_path / "local"
    folder.mkdir()
    if request.param == "known":
        yield folder
        return
    try:
        with mounted_at(folder, "tmpfs"):
            yield folder
    except Unavailable as error:
        pytest.skip(str(error))


def cold(path):
    """A file whose bytes are not in the kernel's cache."""
    path.write_bytes(DATA)
    evict(path)


async def local(folder):
    """What programs do with local files."""
    async with aiofiles_c.open(folder / "cold", "rb") as file:
        assert await file.read() == DATA
    async with aiofiles_c.open(folder / "new", "w+b") as file:
        await file.write(DATA)
        await file.seek(0)
        assert await file.readline() == DATA[:11]
    await aiofiles_c.os.stat(folder / "cold")
    assert not await aiofiles_c.os.path.exists(folder / "missing")
    assert sorted(await aiofiles_c.os.listdir(folder)) == ["cold", "new"]
    await aiofiles_c.os.makedirs(folder / "a" / "b")
    await aiofiles_c.os.removedirs(folder / "a" / "b")
    await aiofiles_c.os.rename(folder / "new", folder / "old")
    await aiofiles_c.os.remove(folder / "old")
    async with aiofiles_c.tempfile.TemporaryFile(dir=folder) as file:
        await file.write(DATA)


async def served_soon(folder):
    await asyncio.wait_for(local(folder), SOON)


class Hanging:
    """Tasks that hang until the block ends."""

    def __init__(self, works, let_go):
        self.works = works
        self.let_go = let_go

    async def __aenter__(self):
        self.tasks = [asyncio.ensure_future(work) for work in self.works]
        await turns()
        await eventually(
            lambda: aiofiles_c.stats()["queued"] > 0, "workers are short"
        )
        return self

    async def __aexit__(self, *exc):
        assert not any(task.done() for task in self.tasks)
        self.let_go()
        await within(asyncio.gather(*self.tasks, return_exceptions=True))


async def opened(folder):
    await (await aiofiles_c.open(folder / "file", "rb")).close()


async def created(folder):
    await (await aiofiles_c.open(folder / "new", "xb")).close()


async def renamed(folder):
    await aiofiles_c.os.rename(folder / "file", folder / "other")


async def linked(folder):
    """By a link on the local disk, whose target is not known to be slow."""
    link = folder.parent.parent / f"link-{folder.name}"
    link.symlink_to(folder)
    await aiofiles_c.os.remove(link / "file")


async def removed(folder):
    await aiofiles_c.os.remove(folder / "file")


async def listed(folder):
    await aiofiles_c.os.listdir(folder)


async def asked(folder):
    await aiofiles_c.os.stat(folder / "file")


async def made(folder):
    await aiofiles_c.os.makedirs(folder / "a" / "b")


async def copied(folder):
    await aiofiles_c.shutil.copyfile(folder / "file", folder / "copy")


CALLS = (
    opened, created, renamed, linked, removed, listed, asked, made, copied,
)  # fmt: skip


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("call", CALLS)
async def test_calls_that_hang_leave_workers_to_local_files(slow, disk, call):
    """Calls by name, on a mount that has never been met before."""
    cold(disk / "cold")
    slow.delay(None)
    works = [call(slow.folder / str(i)) for i in range(MANY)]
    async with Hanging(works, lambda: slow.delay(0)):
        await slow.held(1)
        await served_soon(disk)


@pytest.mark.usefixtures("told")
async def test_reads_that_hang_leave_workers_to_local_files(slow, disk):
    """Files that were opened while the mount was fast."""
    cold(disk / "cold")
    files = [
        await aiofiles_c.open(slow.folder / str(i) / "file", "rb")
        for i in range(MANY)
    ]
    slow.delay(None)
    async with Hanging([file.read() for file in files], lambda: slow.delay(0)):
        await slow.held(1)
        await served_soon(disk)
    for file in files:
        await file.close()


@pytest.mark.usefixtures("told")
async def test_local_disk_that_hangs_leaves_workers_to_others(
    tmp_path, disk
):
    """No more than three in four of them wait for one disk."""
    cold(disk / "cold")
    try:
        hung = SlowDisk(tmp_path)
    except Unavailable as error:
        pytest.skip(str(error))
    with hung:
        for i in range(MANY):
            (hung.folder / str(i)).write_bytes(DATA)
        hung.cool()
        names = [hung.folder / str(i) for i in range(MANY)]
        files = [await aiofiles_c.open(name, "rb") for name in names]
        hung.below.delay(None)
        works = [file.read() for file in files]
        async with Hanging(works, lambda: hung.below.delay(0)):
            await hung.below.held(1)
            await served_soon(disk)
        for file in files:
            await file.close()


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("mode", ("rb", "wb"))
async def test_fifos_without_a_peer_leave_workers_to_local_files(
    tmp_path, disk, mode
):
    """To open one waits for whoever opens the other end."""
    cold(disk / "cold")
    fifos = [tmp_path / f"fifo-{i}" for i in range(MANY)]
    for fifo in fifos:
        os.mkfifo(fifo)
    tasks = [asyncio.ensure_future(opening(fifo, mode)) for fifo in fifos]
    await turns()
    await eventually(lambda: aiofiles_c.stats()["queued"] > 0, "queued")
    try:
        await served_soon(disk)
    finally:
        for task in tasks:
            task.cancel()
        await within(asyncio.wait(tasks))
        for fifo in fifos:  # for those that a worker is inside of
            with plug(fifo):
                pass
        await eventually(lambda: not opened_in(tmp_path), "all are closed")


def opened_in(folder):
    """The FIFOs in a folder that this process has open, or is opening."""
    if aiofiles_c.stats()["running"]:
        return True
    own = "/proc/self/fd"
    links = (os.path.join(own, number) for number in os.listdir(own))
    names = [os.readlink(link) for link in links if os.path.lexists(link)]
    return [name for name in names if name.startswith(f"{folder}/fifo")]


async def opening(fifo, mode):
    await (await aiofiles_c.open(fifo, mode)).close()


@pytest.mark.parametrize("cancel", (False, True))
async def test_reads_of_empty_pipes_leave_workers_to_local_files(
    disk, cancel
):
    """Pending or cancelled, they hold no worker."""
    cold(disk / "cold")
    pipes = [os.pipe() for _ in range(100)]
    files = [await aiofiles_c.open(pipe[0], "rb", 0) for pipe in pipes]
    tasks = [asyncio.ensure_future(file.read(1)) for file in files]
    await turns()
    if cancel:
        for task in tasks:
            task.cancel()
        await within(asyncio.wait(tasks))
    await served_soon(disk)
    for _, end in pipes:
        os.close(end)
    await within(asyncio.gather(*tasks, return_exceptions=True))
    for file in files:
        await within(file.close())
