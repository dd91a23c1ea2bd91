"""Real faults: full disks, limits of the process, files of other users."""

import builtins
import errno
import os
import subprocess

import aiofiles_c
import aiofiles_c.shutil as ashutil
import pytest

from .support.child import python
from .support.waiting import within

ROOM = 4 << 20
LARGE = bytes(range(256)) * (3 * ROOM // 256)


def run_quietly(*command):
    """Whether a command of the system could be run."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=60)
    except OSError:
        return False
    return done.returncode == 0


def mounted_tmpfs(folder):
    return run_quietly(
        "mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", str(folder)
    )


def mounted_ext4(folder):
    image = folder.with_name("image")
    with open(image, "wb") as file:
        file.truncate(2 * ROOM)
    return run_quietly(
        "mkfs.ext4", "-q", "-F", "-O", "^has_journal", str(image)
    ) and run_quietly("mount", "-o", "loop", str(image), str(folder))


MOUNTS = {"tmpfs": mounted_tmpfs, "ext4": mounted_ext4}


@pytest.fixture(scope="module", params=MOUNTS)
def disk(request, tmp_path_factory):
    """A small file system of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts file systems")
    folder = tmp_path_factory.mktemp("disk") / "mount"
    folder.mkdir()
    if not MOUNTS[request.param](folder):
        pytest.skip(f"{request.param} cannot be mounted here")
    yield folder
    assert run_quietly("umount", str(folder))


@pytest.fixture
def full(disk):
    """The same; what a test has left is removed."""
    yield disk
    for name in os.listdir(disk):
        if name != "lost+found":
            os.unlink(disk / name)


async def errors_of(file, *calls):
    """The errno of each call that fails; then close() until it works."""
    raised = []
    for call in calls:
        try:
            await within(call())
        except OSError as error:
            raised.append(error.errno)
    for _ in range(3):
        try:
            await within(file.close())
        except OSError as error:
            raised.append(error.errno)
        else:
            break
    assert file.closed
    return raised


@pytest.mark.parametrize("mode, buffering", (("wb", -1), ("w", -1), ("wb", 0)))
@pytest.mark.parametrize("size", (1000, 100_000, len(LARGE)))
async def test_full_disk_is_said_and_leaves_a_prefix(
    native, full, mode, buffering, size
):
    """ENOSPC at a write, the flush or close; on disk is a prefix."""
    data = LARGE if "b" in mode else LARGE.hex()[:len(LARGE)]
    parts = [data[n:n + size] for n in range(0, len(data), size)]
    file = await aiofiles_c.open(full / "file", mode, buffering)
    descriptor = file.fileno()
    raised = []
    try:
        for part in parts:
            while part:
                count = await file.write(part)
                part = part[count:] if buffering == 0 else part[:0]
    except OSError as error:
        raised.append(error.errno)
    raised += await errors_of(file, file.flush)
    assert raised and set(raised) == {errno.ENOSPC}
    with pytest.raises(OSError):
        os.fstat(descriptor)
    written = (full / "file").read_bytes()
    assert len(written) > ROOM // 2
    assert (data if "b" in mode else data.encode()).startswith(written)


def fill(path):
    """Leave no room: until nothing can be written after a sync either.

    ext4 reserves more room than it needs, and gives some back as it writes.
    """
    with builtins.open(path, "wb", 0) as file:
        size = -1
        while size != os.fstat(file.fileno()).st_size:
            size = os.fstat(file.fileno()).st_size
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC
            os.fsync(file.fileno())


@pytest.mark.parametrize("last", ("flush", "close", "seek", "truncate"))
async def test_full_disk_is_said_by_what_has_to_write(native, full, last):
    """A small write is accepted; whoever flushes it hears of it."""
    fill(full / "filler")
    file = await aiofiles_c.open(full / "file", "wb")
    await file.write(b"x" * 3000)
    call = {
        "flush": file.flush, "close": file.close,
        "seek": lambda: file.seek(0), "truncate": lambda: file.truncate(0),
    }[last]
    with pytest.raises(OSError) as caught:
        await within(call())
    assert caught.value.errno == errno.ENOSPC
    os.unlink(full / "filler")  # there is room again
    if last != "close":
        await within(file.close())
        assert (full / "file").read_bytes() == b"x" * 3000
    assert file.closed


async def test_full_disk_stops_a_copy(native, full, tmp_path):
    """copyfile() raises ENOSPC; the target holds a prefix."""
    source = tmp_path / "source"
    source.write_bytes(LARGE)
    with pytest.raises(OSError) as caught:
        await within(ashutil.copyfile(source, full / "copy"))
    assert caught.value.errno == errno.ENOSPC
    assert LARGE.startswith((full / "copy").read_bytes())


LIMITED = """
import asyncio, errno, os, resource, sys
import aiofiles_c

async def main():
    kind, mode = sys.argv[1:3]
    size = 200_000
    if kind == "FSIZE":
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    file = await aiofiles_c.open("file", mode)
    raised = []
    data = b"0123456789" * 10_000
    try:
        for _ in range(30):
            await file.write(data if "b" in mode else data.decode())
    except OSError as error:
        raised.append(error.errno)
    for call in (file.flush, file.close, file.close):
        try:
            await call()
        except OSError as error:
            raised.append(error.errno)
    assert file.closed
    assert raised and set(raised) == {errno.EFBIG}, raised
    with open("file", "rb") as file:
        assert file.read() == data * 2, "not all that had room"

asyncio.run(main())
print("good")
"""


@pytest.mark.parametrize("mode", ("w", "wb"))
def test_limit_of_file_size_is_said_and_leaves_a_prefix(tmp_path, mode):
    """EFBIG (RLIMIT_FSIZE); Python ignores the signal."""
    done = python(LIMITED, "FSIZE", mode, cwd=tmp_path)
    assert done.stdout.strip() == "good"


OTHER_USER = """
import asyncio, os, sys
import aiofiles_c, aiofiles_c.os

async def main():
    for path, call in (
        ("closed", lambda p: aiofiles_c.open(p).__aenter__()),
        ("closed", lambda p: aiofiles_c.open(p, "ab").__aenter__()),
        ("readable", lambda p: aiofiles_c.open(p, "w").__aenter__()),
        ("new", lambda p: aiofiles_c.open(p, "x").__aenter__()),
        ("private/file", aiofiles_c.os.stat),
        ("private", aiofiles_c.os.listdir),
        ("readable", aiofiles_c.os.remove),
        ("made", aiofiles_c.os.mkdir),
    ):
        try:
            await call(path)
        except PermissionError as error:
            assert error.filename == path, error
        else:
            raise AssertionError(path)
    async with aiofiles_c.open("readable") as file:
        assert await file.read() == "data"

asyncio.run(aiofiles_c.os.stat("closed"))  # what is imported late is there
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
asyncio.run(main())
print("good")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another")
def test_files_of_another_user_are_refused(tmp_path):
    """EACCES at the call, with the name, on every route."""
    folder = tmp_path / "folder"
    (folder / "private").mkdir(parents=True)
    (folder / "private").chmod(0o700)
    for name, mode in (("closed", 0o600), ("readable", 0o644)):
        (folder / name).write_text("data")
        (folder / name).chmod(mode)
    folder.chmod(0o755)
    done = python(OTHER_USER, cwd=folder)
    assert done.stdout.strip() == "good"


NO_THREADS = """
import asyncio, os, resource, sys
import aiofiles_c, aiofiles_c.os

async def main():
    if sys.argv[1] == "one":
        await aiofiles_c.os.listdir(".")  # this starts a worker
    here = os.open(".", os.O_RDONLY)  # no need to be let in by name
    os.setgroups([])
    os.setgid(64321)
    os.setuid(64321)
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    try:
        names = await asyncio.gather(
            *(aiofiles_c.os.listdir(here) for _ in range(50))
        )
    except RuntimeError as error:
        print("refused:", error)
    else:
        print("went on:", len(names))

asyncio.run(main())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another")
def test_limit_of_threads_is_an_error_or_made_do_with(native, tmp_path):
    """With a worker the work goes on; with none it is a RuntimeError."""
    one = python(NO_THREADS, "one", cwd=tmp_path)
    assert one.stdout.strip() == "went on: 50"
    none = python(NO_THREADS, "none", cwd=tmp_path)
    assert none.stdout.strip() == "refused: can't start new thread"
