"""After a fork the child has working files and a pool of its own."""

import os

import pytest

from .support.child import FORKING, python

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="this system has no fork"
)

# What each program begins with.
BEGIN = FORKING + """
import aiofiles_c

DATA = b"".join(b"%07d\\n" % n for n in range(20_000))

async def used(path):
    # Everything once: what has been opened, written and read by the pool.
    async with aiofiles_c.open(path, "wb") as file:
        for start in range(0, len(DATA), 8000):
            await file.write(DATA[start:start + 8000])
        await file.flush()
    async with aiofiles_c.open(path, "rb") as file:
        assert await file.read() == DATA
    async with aiofiles_c.open(path) as file:
        assert len(await file.readlines()) == 20_000
"""


def program(code, folder):
    done = python(code, cwd=folder, begin=BEGIN, AIOFILES_C_THREADS="8")
    assert done.stdout.split()[-1:] == ["good"], (done.stdout, done.stderr)


def test_fork_after_use_child_and_parent_both_work(tmp_path):
    """The pool was running: the child starts another, the parent goes on."""
    program(
        """
asyncio.run(used("before"))
for number in range(5):
    pid = os.fork()
    if not pid:
        child(lambda: used(f"child-{number}"))
    wait(pid)
    asyncio.run(used("parent"))
print("good")
""",
        tmp_path,
    )


def test_fork_before_use_child_and_parent_both_work(tmp_path):
    """Nothing had been started yet."""
    program(
        """
pid = os.fork()
if not pid:
    child(lambda: used("child"))
wait(pid)
asyncio.run(used("parent"))
print("good")
""",
        tmp_path,
    )


def test_fork_of_a_fork_works(tmp_path):
    """Grandchildren have working files, too."""
    program(
        """
async def family():
    await used("child")
    pid = os.fork()
    if not pid:
        child(lambda: used("grandchild"))
    wait(pid)

asyncio.run(used("parent"))
pid = os.fork()
if not pid:
    child(family)
wait(pid)
print("good")
""",
        tmp_path,
    )


def test_fork_inside_a_loop_with_files_open_both_go_on(native, tmp_path):
    """A file that is open at the fork can be read by parent and child."""
    program(
        """
async def main():
    await used("file")
    file = await aiofiles_c.open("file", "rb")
    assert await file.readline() == b"0000000\\n"
    pid = os.fork()
    if not pid:
        async def rest():
            assert await file.readline() == b"0000001\\n"
            async with aiofiles_c.open("file", "rb") as other:
                assert await other.read() == DATA
        child(rest)
    wait(pid)
    assert await file.readline() == b"0000001\\n"
    await file.close()

asyncio.run(main())
print("good")
""",
        tmp_path,
    )


@pytest.mark.skipif(
    not os.path.exists("/proc/filesystems"), reason="there is no /proc"
)
def test_fork_with_a_seek_in_flight_child_reads_on(native, tmp_path):
    """The child's first call gives up the seek, which is the parent's."""
    program(
        """
async def main():
    path = "/proc/filesystems"  # of a device that may hang
    with open(path, "rb") as plain:
        data = plain.read()
    file = await aiofiles_c.open(path, "rb", 16)
    file.fileno()
    assert await file.read(10) == data[:10]
    aiofiles_c.set_threads(1)
    os.mkfifo("fifo")
    opening = asyncio.ensure_future(
        aiofiles_c.open("fifo", "rb").__aenter__()
    )
    while aiofiles_c.stats()["running"] == 0:
        await asyncio.sleep(0.001)
    seek = asyncio.ensure_future(file.seek(100))
    while aiofiles_c.stats()["queued"] == 0:
        await asyncio.sleep(0.001)
    pid = os.fork()
    if not pid:
        async def rest():
            got = await asyncio.wait_for(file.read(6), 10)
            assert got == data[10:16], got
        child(rest)
    wait(pid)
    os.close(os.open("fifo", os.O_RDWR))
    await (await opening).close()
    assert await seek == 100
    assert await file.read(6) == data[100:106]

asyncio.run(main())
print("good")
""",
        tmp_path,
    )


def test_fork_with_jobs_in_flight_child_does_not_hang(tmp_path):
    """A worker inside a call at the fork stays the parent's affair."""
    program(
        """
async def main():
    os.mkfifo("fifo")
    opening = asyncio.ensure_future(
        aiofiles_c.open("fifo", "rb").__aenter__()
    )
    reading, writing = os.pipe()
    pipe = await aiofiles_c.open(reading, "rb")
    read = asyncio.ensure_future(pipe.read(4))
    for _ in range(5):
        await asyncio.sleep(0)
    pid = os.fork()
    if not pid:
        child(lambda: used("child"))
    wait(pid)
    await used("parent")
    os.write(writing, b"data")
    assert await read == b"data"
    os.close(writing)
    await pipe.close()
    with open("fifo", "wb"):
        file = await opening
        await file.close()

asyncio.run(main())
print("good")
""",
        tmp_path,
    )


@pytest.mark.parametrize("mode", ("ab", "wb", "rb+"))
def test_fork_with_a_write_in_flight_child_tells_where_it_stands(
    native, tmp_path, mode
):
    """Where the parent's job gets to is the parent's affair."""
    program(
        f"""
SIZE = 8 << 20

async def family():
    async with aiofiles_c.open("file", {mode!r}) as file:
        await file.write(b"abc")
        await file.write(b"x" * SIZE)
        pid = os.fork()
        if not pid:
            async def tells():
                before = await file.tell()
                await file.write(b"C")
                assert await file.tell() == before + 1, before
                assert before == SIZE + 3, before
            child(tells)
        wait(pid)
        assert await file.tell() == SIZE + 3
    assert os.path.getsize("file") == SIZE + 3

open("file", "wb").close()
asyncio.run(family())
print("good")
""",
        tmp_path,
    )


def test_fork_child_that_just_ends_writes_nothing_twice(tmp_path):
    """What the parent has buffered is written by the parent, once."""
    program(
        """
async def main():
    file = await aiofiles_c.open("file", "wb")
    await file.write(b"once\\n")
    pid = os.fork()
    if not pid:
        os._exit(0)
    wait(pid)
    await file.write(b"twice\\n")
    await file.close()
    assert open("file", "rb").read() == b"once\\ntwice\\n"

asyncio.run(main())
print("good")
""",
        tmp_path,
    )


def test_fork_from_another_thread_works(tmp_path):
    """The thread that forks need not be the loop's."""
    program(
        """
import threading

def forker():
    pid = os.fork()
    if not pid:
        child(lambda: used("child"))
    wait(pid)

async def main():
    await used("before")
    loop = asyncio.get_running_loop()
    await asyncio.gather(
        loop.run_in_executor(None, forker), used("meanwhile")
    )

asyncio.run(main())
print("good")
""",
        tmp_path,
    )


SCRIPT = '''
import asyncio, multiprocessing, sys, warnings
import aiofiles_c
warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)


async def used(path):
    async with aiofiles_c.open(path, "w") as file:
        await file.write("text\\n" * 5000)
    async with aiofiles_c.open(path) as file:
        return len(await file.readlines())


def work(path):
    return asyncio.run(used(path))


if __name__ == "__main__":
    assert work("parent") == 5000
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        assert pool.map(work, ["one", "two", "three"]) == [5000] * 3
    assert work("parent") == 5000
    print("good")
'''


@pytest.mark.parametrize("method", ("fork", "spawn", "forkserver"))
def test_multiprocessing_workers_use_files(tmp_path, method):
    """Worker processes of every start method have working files."""
    (tmp_path / "script.py").write_text(SCRIPT)
    done = python(
        "import runpy, sys; sys.argv[:] = ['script.py', sys.argv[1]];"
        "sys.path.insert(0, ''); runpy.run_path('script.py', "
        "run_name='__main__')"
        if method == "fork"
        else "import subprocess, sys;"
        "sys.exit(subprocess.call([sys.executable, 'script.py', "
        "sys.argv[1]]))",
        method,
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "good", done.stderr
