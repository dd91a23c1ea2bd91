"""A mount that takes its time, and a disk that does: the loop turns meanwhile.

The mount is a FUSE file system of the tests' own, see support/fuse.py: 300 ms
for every request.  The disk has its blocks in a file on such a mount, and takes
120 ms.  What is asked is the longest gap between two beats of the loop.
"""

import asyncio
import os

import aiofiles_c
import aiofiles_c.os
import aiofiles_c.shutil
import aiofiles_c.tempfile
import pytest

from .support import kernel
from .support.heartbeat import Heartbeat
from .support.mount import SlowDisk, SlowMount, Unavailable, mounted_at
from .support.waiting import within

SLOW = 0.3  # seconds for one request
THREADS = 64
LINES = b"a line of text\n" * 1000

# With the engine off a file that is dropped is closed there and then.
pytestmark = [
    pytest.mark.usefixtures("native"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def threads(native):
    """So many workers that what is measured goes on at once."""
    before = aiofiles_c.stats()["max_threads"]
    aiofiles_c.set_threads(THREADS)
    yield
    aiofiles_c.set_threads(before)


@pytest.fixture
def mounted(native, tmp_path):
    """Mount file systems that can be slow; 0 or so many seconds of caching."""
    mounts = []

    def mount(validity=0, seconds=SLOW):
        folder = tmp_path / f"slow-{len(mounts)}"
        folder.mkdir()
        try:
            mounts.append(SlowMount(folder, validity, seconds))
        except Unavailable as error:
            pytest.skip(str(error))
        return mounts[-1]

    yield mount
    for each in mounts:
        each.close()


@pytest.fixture(params=((0, 0.12), (3600, SLOW)), ids=("asks", "caches"))
def slow(request, mounted):
    """One that is fast yet; the kernel asks it for each name, or for none.

    As the first takes many more requests, each of them takes less time.
    """
    return mounted(*request.param)


@pytest.fixture
def stocked(slow):
    """The same, with a folder of files for each of EVERYTHING."""
    for work in EVERYTHING:
        stock(slow.folder / work.__name__)
    return slow


def stock(folder):
    (folder / "folder").mkdir(parents=True)
    for name in ("file", "other", "folder/inner"):
        (folder / name).write_bytes(LINES)


async def reads(folder):
    async with aiofiles_c.open(folder / "file", "rb") as file:
        assert await file.read(10) == LINES[:10]
        assert await file.seek(0, 2) == len(LINES)
        await file.seek(0)
        assert await file.readline() == LINES[:15]
        assert await file.tell() == 15
        file.fileno()
        assert await file.read() == LINES[15:]


async def lines(folder):
    async with aiofiles_c.open(folder / "file", "rb") as file:
        assert [line async for line in file] == LINES.splitlines(True)


async def text(folder):
    async with aiofiles_c.open(folder / "file", encoding="utf-8") as file:
        assert await file.readline() == "a line of text\n"
        cookie = await file.tell()
        assert len([line async for line in file]) == 999
        await file.seek(cookie)
        assert await file.read(3) == "a l"
        await file.readlines()


async def raw(folder):
    async with aiofiles_c.open(folder / "file", "rb", buffering=0) as file:
        assert await file.read(2) == b"a "
        assert await file.readall() == LINES[2:]


async def writes(folder):
    async with aiofiles_c.open(folder / "file", "wb") as file:
        await file.write(LINES)
        await file.flush()
        await file.truncate(20)
        await file.writelines([LINES] * 20)
        await file.seek(0)
        await file.write(b"A")


async def patches(folder):
    async with aiofiles_c.open(folder / "file", "r+") as file:
        await file.readline()
        await file.write("more")
        file.fileno()
        await file.seek(0)
        await file.readline()


async def names(folder):
    os_ = aiofiles_c.os
    path = os_.path
    await os_.stat(folder / "file")
    assert await path.exists(folder / "file")
    assert not await path.exists(folder / "missing")
    assert await path.isfile(folder / "file")


async def more_names(folder):
    path = aiofiles_c.os.path
    assert await path.getsize(folder / "file") == len(LINES)
    assert await path.samefile(folder / "file", folder / "file")
    assert not await path.ismount(folder)


async def changes(folder):
    os_ = aiofiles_c.os
    await os_.rename(folder / "other", folder / "moved")
    await os_.symlink("moved", folder / "link")
    assert await os_.readlink(folder / "link") == "moved"
    await os_.link(folder / "moved", folder / "hard")
    await os_.remove(folder / "moved")


async def attributes(folder):
    os_ = aiofiles_c.os
    await os_.access(folder / "file", os.R_OK)
    await os_.chmod(folder / "file", 0o600)
    await os_.utime(folder / "file", (1, 2))
    await os_.truncate(folder / "file", len(LINES))
    await os_.statvfs(folder)


async def folders(folder):
    os_ = aiofiles_c.os
    assert "file" in await os_.listdir(folder)
    with await os_.scandir(folder / "folder") as entries:
        for entry in entries:
            assert entry.is_file()


async def trees(folder):
    os_ = aiofiles_c.os
    await os_.makedirs(folder / "a" / "b")
    await os_.removedirs(folder / "a" / "b")


async def temporary(folder):
    async with aiofiles_c.tempfile.NamedTemporaryFile(dir=folder) as file:
        await file.write(LINES)
    async with aiofiles_c.tempfile.TemporaryFile(dir=folder) as file:
        await file.write(LINES)


async def temporary_folder(folder):
    async with aiofiles_c.tempfile.TemporaryDirectory(dir=folder) as made:
        assert os.path.basename(made)
    spooled = aiofiles_c.tempfile.SpooledTemporaryFile(10, dir=folder)
    async with spooled as file:
        await file.write(LINES)


async def copies(folder):
    await aiofiles_c.shutil.copyfile(folder / "file", folder / "copy")


async def moves(folder):
    await aiofiles_c.shutil.move(folder / "file", folder / "folder" / "moved")
    await aiofiles_c.shutil.rmtree(folder / "folder")


async def dropped(folder):
    """Files whose last reference goes without close()."""
    file = await aiofiles_c.open(folder / "file", "rb")
    await file.read(10)
    del file
    file = await aiofiles_c.open(folder / "dropped", "wb")
    await file.write(LINES)
    del file


EVERYTHING = (
    reads, lines, text, raw, writes, patches, names, more_names, changes, attributes,
    folders, trees, temporary, temporary_folder, copies, moves, dropped,
)  # fmt: skip


async def test_slow_mount_with_the_number_of_a_fast_one_leaves_the_loop_alone(
    mounted, tmp_path
):
    """The number of a device that is gone is given to the next one.

    (The first test here: a number that was slow once is left alone for good.)
    """
    if kernel.version() < (6, 8):
        pytest.skip("before Linux 6.8 mounts have no numbers of their own")
    folder = tmp_path / "fast"
    folder.mkdir()
    with mounted_at(folder, "tmpfs"):
        stock(folder / "files")
        await reads(folder / "files")
        await names(folder / "files")
        number = os.stat(folder).st_dev
    slow = mounted(3600)
    if os.stat(slow.folder).st_dev != number:
        pytest.skip("another file system has the number now")
    stock(slow.folder / "files")
    slow.slow_down()
    async with Heartbeat():
        await within(reads(slow.folder / "files"))
        await within(names(slow.folder / "files"))


@pytest.mark.usefixtures("threads")
async def test_slow_mount_leaves_the_loop_alone(stocked):
    """Every operation waits in a worker, and the loop turns."""
    stocked.slow_down()
    async with Heartbeat() as heart:
        await within(
            asyncio.gather(*(work(stocked.folder / work.__name__) for work in EVERYTHING)), 40
        )
    assert heart.beats > 100


async def relative():
    async with aiofiles_c.open("file", "rb") as file:
        await file.readline()
    await aiofiles_c.os.stat("other")
    await aiofiles_c.os.listdir("folder")
    await aiofiles_c.os.listdir()
    await aiofiles_c.os.getcwd()


async def from_folder(descriptor):
    os_ = aiofiles_c.os
    await os_.stat("file", dir_fd=descriptor)
    await os_.stat(descriptor)
    await os_.listdir(descriptor)
    await os_.mkdir("made", dir_fd=descriptor)
    await os_.rmdir("made", dir_fd=descriptor)


async def inherited(descriptor):
    await aiofiles_c.os.stat(descriptor)
    async with aiofiles_c.open(descriptor, "rb") as file:
        await file.read(10)
        file.fileno()
        await file.readline()


async def by_link(link):
    """A link on a local disk that leads to the mount."""
    os_ = aiofiles_c.os
    assert await os_.path.exists(link)
    assert await os_.path.islink(link)
    await os_.stat(link)
    async with aiofiles_c.open(link / "file", "rb") as file:
        await file.readline()
    await os_.rename(link / "other", link / "another")


async def busy_descriptor(folder):
    """fileno() of a file whose bytes are on their way."""
    async with aiofiles_c.open(folder / "busy", "wb") as file:
        await file.write(LINES * 20)
        file.fileno()
        await file.write(LINES)
        assert await file.tell() == 21 * len(LINES)
    assert await aiofiles_c.os.path.getsize(folder / "busy") == 21 * len(LINES)


async def opened(files):
    """Files that were opened, read and written while it was fast."""
    reader, writer, text, unclosed = files
    del files
    await reader.seek(0)
    await reader.read()
    await reader.close()
    await writer.write(LINES)
    await writer.close()
    await text.readline()
    await text.seek(0)
    await text.readline()
    await text.close()
    del unclosed


async def open_early(folder):
    reader = await aiofiles_c.open(folder / "file", "rb")
    writer = await aiofiles_c.open(folder / "written", "wb")
    text = await aiofiles_c.open(folder / "file")
    unclosed = await aiofiles_c.open(folder / "unclosed", "w")
    await reader.readline()
    await writer.write(LINES)
    await text.readline()
    await unclosed.write("text")
    return reader, writer, text, unclosed


@pytest.mark.usefixtures("threads")
async def test_slow_mount_met_otherwise_leaves_the_loop_alone(
    slow, tmp_path, monkeypatch
):
    """By what was there before it became slow: a directory, a descriptor, a
    link, a file that is open."""
    for name in ("relative", "folder", "given", "link", "early"):
        stock(slow.folder / name)
    link = tmp_path / "link"
    link.symlink_to(slow.folder / "link")
    monkeypatch.chdir(slow.folder / "relative")
    folder = os.open(slow.folder / "folder", os.O_RDONLY)
    given = os.open(slow.folder / "given" / "file", os.O_RDONLY)
    works = [
        relative(), from_folder(folder), inherited(given), by_link(link),
        busy_descriptor(slow.folder / "early"),
        opened(await open_early(slow.folder / "early")),
    ]  # fmt: skip
    slow.slow_down()
    async with Heartbeat() as heart:
        await within(asyncio.gather(*works), 40)
    assert heart.beats > 100
    slow.delay(0)
    os.close(folder)


@pytest.fixture
def disk(native, tmp_path):
    """An ext4 on a disk that is fast yet."""
    try:
        with SlowDisk(tmp_path) as disk:
            yield disk
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("threads")
async def test_slow_disk_leaves_the_loop_alone(disk):
    """Nothing is cached, neither names nor bytes."""
    for work in EVERYTHING:
        stock(disk.folder / work.__name__)
    disk.cool()
    disk.slow_down()
    async with Heartbeat():
        await within(
            asyncio.gather(
                *(work(disk.folder / work.__name__) for work in EVERYTHING)
            ),
            40,
        )
    disk.below.delay(0)


async def read_after_change(folder):
    """It notes the time of access, in the journal."""
    async with aiofiles_c.open(folder / "file", "rb") as file:
        assert await file.read(10) == LINES[:10]


async def close_of_removed(folder):
    """It gives blocks back, in the journal."""
    file = await aiofiles_c.open(folder / "other", "rb")
    await file.read(10)
    await asyncio.to_thread(os.unlink, folder / "other")
    await file.close()


async def drop_of_removed(folder):
    file = await aiofiles_c.open(folder / "folder" / "inner", "rb")
    await file.read(10)
    await asyncio.to_thread(os.unlink, folder / "folder" / "inner")
    del file


async def drop_of_changed(folder):
    file = await aiofiles_c.open(folder / "file", "rb+")
    await file.write(LINES)
    del file


COMMITTED = (
    read_after_change, close_of_removed, drop_of_removed, drop_of_changed,
)  # fmt: skip


def change(folders):
    for folder in folders:
        (folder / "file").write_bytes(LINES)


def commit(folder):
    """Have the journal write what was changed, and wait for it."""
    descriptor = os.open(folder / "file", os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.usefixtures("threads")
async def test_slow_disk_that_commits_leaves_the_loop_alone(disk):
    """What is cached, and yet waits for the journal, at any time of it."""
    rounds = 6
    folders = [
        [disk.folder / f"{i}-{work.__name__}" for work in COMMITTED]
        for i in range(rounds)
    ]
    for folder in sum(folders, []):
        stock(folder)
    await aiofiles_c.os.listdir(disk.folder)
    await read_after_change(folders[0][0])
    disk.slow_down()
    async with Heartbeat():
        for i, row in enumerate(folders):
            await asyncio.to_thread(change, row)
            task = asyncio.ensure_future(asyncio.to_thread(commit, row[0]))
            await asyncio.sleep(0.06 * i)  # each time further on in the commit
            works = [work(folder) for work, folder in zip(COMMITTED, row)]
            await within(asyncio.gather(*works, task))
    disk.below.delay(0)
