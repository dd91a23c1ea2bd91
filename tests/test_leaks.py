"""Thousands of operations of each kind leave nothing behind.

With AIOFILES_C_TEST_LEAKS=1000000 there are so many of those that are counted
one by one, and the figures are printed (pytest -s).
"""

import asyncio
import gc
import os
import sys
import threading
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

import aiofiles_c
import aiofiles_c.os as aos
import pytest

from .support.waiting import turns, within

# How often each operation is done, by how long one takes.
MEMORY, POOL, PURE = 20_000, 6_000, 600


MANY = int(os.environ.get("AIOFILES_C_TEST_LEAKS", "0"))


def repeats():
    """A number of operations that takes about a second, or as is asked."""
    if MANY:
        return MANY
    if not aiofiles_c.stats()["native"]:
        return PURE
    return POOL if os.environ.get("AIOFILES_C_INLINE") == "0" else MEMORY


def resident():
    """Bytes of memory in use by the process; 0 where that means nothing."""
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        return 0  # it keeps what is freed
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def used():
    """Blocks of Python's allocator, objects, threads, and so on."""
    gc.collect()
    return {
        "blocks": sys.getallocatedblocks(),
        "objects": len(gc.get_objects()),
        # An executor has its own bound, and starts them as it likes.
        "threads": sum(
            not thread.name.startswith(("asyncio_", "ThreadPoolExecutor"))
            for thread in threading.enumerate()
        ),
        "descriptors": (
            len(os.listdir("/proc/self/fd"))
            if os.path.isdir("/proc/self/fd")
            else 0
        ),
        "resident": resident(),
    }


def grown(before, after, count):
    """What has grown, and by how much; nothing is ever quite constant."""
    # One object leaked by each operation would be `count`.
    allowed = {
        "blocks": count // 10 + 100,
        "objects": count // 10 + 50,
        "threads": 0,
        "descriptors": 0,
        "resident": 24 << 20,
    }
    return {
        name: after[name] - before[name]
        for name in allowed
        if after[name] - before[name] > allowed[name]
    }


async def full_executor(threads=2):
    """Give the loop an executor that has all of its threads already."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(threads))
    started = threading.Barrier(threads, timeout=20)
    await asyncio.gather(
        *(loop.run_in_executor(None, started.wait) for _ in range(threads))
    )


async def flat(operation, count):
    """Run the operation, and see that what it uses does not grow.

    Caches fill, once; a leak grows each time.
    """
    await full_executor()
    rounds = []
    for _ in range(5):
        before = used()
        for _ in range(count):
            await operation()
        after = used()
        leaked = grown(before, after, count)
        if MANY:
            print(count, {name: after[name] - before[name] for name in after})
        if not leaked:
            return
        rounds.append(leaked)
    raise AssertionError(f"each {count} operations left {rounds}")


READS = {
    "read": lambda f: f.read(10),
    "read all": lambda f: f.read(),
    "readline": lambda f: f.readline(),
    "readlines": lambda f: f.readlines(3),
    "seek": lambda f: f.seek(0),
    "tell": lambda f: f.tell(),
    "flush": lambda f: f.flush(),
    "isatty": lambda f: f.isatty(),
    "seekable": lambda f: f.seekable(),
    "writable": lambda f: f.writable(),
}


@pytest.mark.parametrize("mode, buffering", (("r", -1), ("rb", -1), ("rb", 0)))
@pytest.mark.parametrize("name", READS)
async def test_reading_operations_leave_nothing(make, mode, buffering, name):
    """Each method that reads or asks, thousands of times."""
    async with aiofiles_c.open(
        make(b"0123456789\n" * 50), mode, buffering
    ) as file:
        call = READS[name]
        steps = 0

        async def operation():
            nonlocal steps
            steps += 1
            if steps % 20 == 0:
                await file.seek(0)
            await call(file)

        await flat(operation, repeats())


@pytest.mark.parametrize("mode, buffering", (("w", -1), ("wb", -1), ("wb", 0)))
async def test_writing_operations_leave_nothing(path, mode, buffering):
    """write, writelines, flush and truncate, thousands of times."""
    line = "line\n" if mode == "w" else b"line\n"
    async with aiofiles_c.open(path, mode, buffering) as file:
        steps = 0

        async def operation():
            nonlocal steps
            steps += 1
            await file.write(line)
            if steps % 10 == 0:
                await file.writelines([line, line])
            if steps % 50 == 0:
                await file.flush()
            if steps % 200 == 0:
                await file.seek(0)
                await file.truncate()

        await flat(operation, repeats())


async def test_iteration_leaves_nothing(make):
    """Lines by `async for`, thousands of times."""
    path = make(b"line of text\n" * 200)

    async def operation():
        async with aiofiles_c.open(path) as file:
            async for line in file:
                assert line

    await flat(operation, repeats() // 200)


@pytest.mark.parametrize(
    "mode, buffering, options",
    (
        ("r", -1, {}),
        ("rb", -1, {}),
        ("rb", 0, {}),
        ("w", -1, {}),
        ("wb", -1, {}),
        ("r+", -1, {"newline": ""}),
        ("r", -1, {"encoding": "cp1252"}),
    ),
)
async def test_open_and_close_leave_nothing(make, mode, buffering, options):
    """Files opened, used and closed."""
    path = make(b"0123456789\n" * 1000)

    async def operation():
        async with aiofiles_c.open(path, mode, buffering, **options) as file:
            if "r" in mode:
                await file.readline()
            else:
                await file.write("x" if "b" not in mode else b"x")

    await flat(operation, repeats() // 20)


async def test_errors_leave_nothing(make):
    """Operations and opens that fail."""
    path = make(b"good \xff bad\n")
    async with aiofiles_c.open(path, encoding="utf-8") as file:

        async def operation():
            for call in (
                lambda: file.read(),
                lambda: file.write("x"),
                lambda: file.seek(-1),
                lambda: file.read("bad"),
                lambda: aiofiles_c.open(path.with_name("absent")),
                lambda: aiofiles_c.open(path, "bad mode"),
            ):
                try:
                    await call()
                except (OSError, ValueError, TypeError):
                    pass
            await file.seek(0)

        await flat(operation, repeats() // 50)


OS_CALLS = {
    "stat": lambda path: aos.stat(path),
    "missing": lambda path: aos.stat(f"{path}-missing"),
    "exists": lambda path: aos.path.exists(os.fsencode(path)),
    "bad": lambda path: aos.stat(None),
    "getcwd": lambda path: aos.getcwd(),
    "statvfs": lambda path: aos.statvfs(path),
    "listdir": lambda path: aos.listdir(path.parent),
    "scandir": lambda path: aos.scandir(path.parent),
    "rename": lambda path: aos.rename(f"{path}-missing", "\u00e9"),
    "makedirs": lambda path: aos.makedirs(path / "a" / "b"),
    "readlink": lambda path: aos.readlink(path.with_name("link")),
}


@pytest.mark.parametrize("name", OS_CALLS)
async def test_functions_of_os_leave_nothing(make, name):
    """Answers, errors, lists, and entries that are left half-way."""
    path = make(b"x")
    for n in range(20):
        path.with_name(f"other-{n}").touch()
    path.with_name("link").symlink_to("target")

    async def operation():
        try:
            got = await OS_CALLS[name](path)
        except (OSError, TypeError):
            return
        if name == "scandir":
            next(got).stat()

    await flat(operation, repeats() // 10)


async def test_cancelled_functions_of_os_leave_nothing(make):
    """Before the first step, in the queue, and with a worker on it."""
    path = make(b"x")

    async def operation():
        tasks = [
            asyncio.ensure_future(aos.listdir(path.parent)) for _ in range(3)
        ]
        await turns(1)
        for task in tasks:
            task.cancel()
        await within(asyncio.wait(tasks))
        await aos.listdir(path.parent)

    await flat(operation, repeats() // 50)


async def test_bad_bytes_replaced_leave_nothing(make):
    """The way through an error handler."""
    path = make(b"good \xff bad\r\n" * 20)
    async with aiofiles_c.open(
        path, "r+", encoding="utf-8", errors="replace"
    ) as file:

        async def operation():
            await file.seek(0)
            await file.readline()
            await file.read()
            await file.tell()

        await flat(operation, repeats() // 20)


async def test_cancelled_operations_leave_nothing(native):
    """Reads of a pipe that are cancelled."""
    reading, writing = os.pipe()
    async with aiofiles_c.open(reading, "rb") as file:

        async def operation():
            task = asyncio.ensure_future(file.read(10))
            await turns(2)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass

        await flat(operation, 2000)
        os.write(writing, b"x" * 10)
        os.close(writing)
        assert await within(file.read()) == b"x" * 10


async def test_awaitables_never_run_leave_nothing(make):
    """Methods called and closed or dropped without a step."""
    async with aiofiles_c.open(make(b"data")) as file:

        async def operation():
            file.read().close()
            coroutine = file.readline()
            with pytest.raises(ZeroDivisionError):
                coroutine.throw(ZeroDivisionError())

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            await flat(operation, 3000)


async def test_large_reads_and_writes_leave_nothing(path):
    """Objects of a MiB come and go."""
    data = b"x" * (1 << 20)

    async def operation():
        async with aiofiles_c.open(path, "wb+") as file:
            await file.write(data)
            await file.seek(0)
            assert len(await file.read()) == len(data)

    await flat(operation, 40)


def test_loops_and_their_ports_leave_nothing(native, make):
    """A loop that ends gives back what the engine had for it."""
    path = make(b"data")

    async def work():
        async with aiofiles_c.open(path, "rb") as file:
            assert await file.read() == b"data"
            await file.seek(0)

    for _ in range(10):
        asyncio.run(work())
    before = used()
    for _ in range(200):
        asyncio.run(work())
    after = used()
    assert after["descriptors"] <= before["descriptors"] + 1
    assert after["blocks"] - before["blocks"] < 1000
    assert after["objects"] - before["objects"] < 200


@pytest.mark.parametrize("mode", ("r", "rb", "w", "wb", "rb+"))
async def test_cycle_through_a_file_is_collected(make, mode):
    """A file that refers to itself goes when nobody else refers to it."""
    file = await aiofiles_c.open(make(b"data"), mode)
    file.cycle = [file, file.read]
    gone = weakref.ref(file)
    await file.close()
    del file
    gc.collect()
    assert gone() is None


async def test_cycle_through_an_opener_is_collected(make):
    """An opener and a name of one's own are let go with the file."""

    class Path:
        def __init__(self, path):
            self.path = path

        def __fspath__(self):
            return str(self.path)

        def opener(self, name, flags):
            return os.open(name, flags)

    path = Path(make(b"data"))
    file = await aiofiles_c.open(path, opener=path.opener)
    path.file = file
    gone = weakref.ref(path), weakref.ref(file)
    await file.close()
    del path, file
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


async def test_cycle_through_an_awaitable_is_collected(make):
    """An awaitable that its file refers to is let go with it."""
    file = await aiofiles_c.open(make(b"data"))
    file.pending = file.read()
    gone = weakref.ref(file)
    await file.close()
    file.pending.close()
    del file
    gc.collect()
    assert gone() is None


async def test_closed_file_lets_its_descriptor_go(make):
    """The number is free again as soon as close() has returned."""
    path = make(b"data")
    numbers = set()
    for _ in range(50):
        async with aiofiles_c.open(path, "rb") as file:
            numbers.add(file.fileno())
    assert len(numbers) <= 3


async def test_result_is_not_kept_by_the_file(make):
    """What a read returned is freed when its caller lets it go."""

    class Marker(bytearray):
        pass

    room = Marker(5000)
    gone = weakref.ref(room)
    async with aiofiles_c.open(make(b"x" * 10_000), "rb") as file:
        await file.readinto(room)
        del room
        await turns(5)
        gc.collect()
        assert gone() is None or not aiofiles_c.stats()["native"]


async def test_written_object_is_not_kept_after_flush(native, path):
    """A large object that was written is let go when it is in the file."""
    async with aiofiles_c.open(path, "wb") as file:
        data = b"x" * 500_000
        before = sys.getrefcount(data)
        await file.write(data)
        await file.flush()
        await turns(5)
        assert sys.getrefcount(data) == before
