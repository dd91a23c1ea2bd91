"""Which route serves which call: memory, kernel, pool or delegate.

Without this the suite could not tell the engine from a wrapper around
blocking files that gives the same results.
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from unittest import mock

import aiofiles_c
import pytest

from .support.child import python
from .support.inject import needs_injection, uncached
from .support.kernel import reads_at_once, skip_unless
from .support.waiting import within

ROUTES = ("memory", "kernel", "pool", "delegate")
FIELDS = {
    *ROUTES, "threads", "max_threads", "idle", "queued", "running", "jobs",
    "native",
}


class Served:
    """How many operations each route served in a block."""


@contextmanager
def serving():
    """Count what the routes serve inside the block."""
    served = Served()
    before = aiofiles_c.stats()
    yield served
    after = aiofiles_c.stats()
    for route in (*ROUTES, "jobs"):
        setattr(served, route, after[route] - before[route])


def test_stats_has_the_documented_fields():
    """stats() gives a fresh dict of numbers, and the flag `native`."""
    stats = aiofiles_c.stats()
    assert stats.keys() >= FIELDS
    assert stats["native"] in (True, False)
    assert all(type(stats[name]) is int for name in FIELDS - {"native"})
    stats["memory"] = -1
    assert aiofiles_c.stats()["memory"] >= 0


def test_engine_is_on_unless_it_was_turned_off():
    """A build that failed must not pass for one that works."""
    pure = os.environ.get("AIOFILES_C_PURE", "") not in ("", "0")
    assert aiofiles_c.stats()["native"] is not pure


async def test_pure_everything_is_the_delegates(make):
    """With the engine off each call goes to an executor."""
    if aiofiles_c.stats()["native"]:
        pytest.skip("the engine is on")
    with serving() as served:
        async with aiofiles_c.open(make(b"one\ntwo\n")) as file:
            await file.readline()
            await file.readline()
    assert served.delegate == 4
    assert served.memory == served.kernel == served.pool == served.jobs == 0
    assert aiofiles_c.stats()["threads"] == 0


@pytest.mark.parametrize(
    "mode, options",
    (
        ("r", {}),
        ("r", {"encoding": "utf-8"}),
        ("r", {"encoding": "ascii", "newline": ""}),
        ("r", {"encoding": "latin-1"}),
        ("rb", {}),
        ("r+", {}),
        ("rb+", {}),
    ),
)
async def test_readline_of_buffered_lines_is_served_from_memory(
    at_once, make, mode, options
):
    """Once a block is there, its lines take no thread and no system call."""
    path = make(b"0123456789\n" * 300)
    async with aiofiles_c.open(path, mode, **options) as file:
        await file.readline()
        with serving() as served:
            for _ in range(200):
                await file.readline()
        assert served.memory == 200
        assert served.kernel == served.pool == served.delegate == 0
        with serving() as served:
            count = len([line async for line in file])
        assert count == 99
        assert served.memory >= 98
        assert served.delegate == 0


@pytest.mark.parametrize("mode", ("w", "wb", "a", "r+"))
async def test_write_of_a_line_is_served_from_memory(at_once, make, mode):
    """A small write goes to the buffer, without a thread."""
    line = b"line\n" if "b" in mode else "line\n"
    async with aiofiles_c.open(make(b""), mode) as file:
        await file.write(line)
        with serving() as served:
            for _ in range(500):
                await file.write(line)
        assert served.memory == 500
        assert served.pool == served.delegate == 0


async def test_small_read_and_tell_are_served_from_memory(at_once, make):
    """Small reads, tell() and a seek to where it stands need no thread."""
    async with aiofiles_c.open(make(bytes(4000)), "rb") as file:
        for _ in range(2):  # the first may be the only one: it reads a byte
            await file.read(1)
        with serving() as served:
            for _ in range(50):
                await file.read(10)
                await file.tell()
        assert served.memory == 100
        assert served.pool == served.kernel == served.delegate == 0


@pytest.mark.parametrize(
    "unit, size",
    (("ten bytes\n", 3 << 19), ("ten bytes\n", 7 << 20), ("t\u00e9n\n", 3 << 19)),
    ids=("ascii", "much ascii", "wide"),
)
async def test_text_that_is_not_too_large_is_read_without_a_job(
    at_once, make, unit, size
):
    """And decoded: to wake workers would take longer than to do it."""
    text = unit * (size // len(unit.encode()))
    path = make(text.encode())
    skip_unless(reads_at_once, path)
    async with aiofiles_c.open(path, encoding="utf-8") as file:
        await file.read(1)
        await file.seek(0)
        with serving() as served:
            assert await within(file.read()) == text
    assert served.jobs == 0


@pytest.mark.parametrize("size", ((1 << 20) + 1, 2 << 20, 7 << 20))
@pytest.mark.parametrize("sized", (True, False))
async def test_bytes_that_are_not_too_many_are_read_without_a_job(
    at_once, make, size, sized
):
    """By a megabyte, before workers would be awake."""
    data = os.urandom(size)
    path = make(data)
    skip_unless(reads_at_once, path)
    async with aiofiles_c.open(path, "rb") as file:
        with serving() as served:
            assert await within(file.read(*(size,) * sized)) == data
    assert served.jobs == 0


@needs_injection
@pytest.mark.parametrize("mode", ("r", "rb"))
async def test_what_is_not_cached_is_read_by_few_jobs(at_once, make, mode):
    """Though it would have been read by pieces: the rest is one job."""
    data = b"0123456789abcde\n" * (7 << 16)
    path = make(data)
    skip_unless(reads_at_once, path)
    async with aiofiles_c.open(path, mode) as file:
        await file.read(1)
        await file.seek(0)
        with uncached(), serving() as served:
            given = await within(file.read())
    assert len(given) == len(data)
    assert 1 <= served.jobs <= 4  # two, and two that help


async def test_first_read_is_the_engines_own(native, make):
    """Open, the first read and close never come to an executor."""
    with serving() as served:
        async with aiofiles_c.open(make(b"data"), "rb") as file:
            assert await file.read() == b"data"
    assert served.delegate == 0
    assert served.kernel + served.pool >= 1


async def test_inline_off_everything_takes_a_job(native, make):
    """AIOFILES_C_INLINE=0: even a line in the buffer goes by the pool."""
    if os.environ.get("AIOFILES_C_INLINE") != "0":
        pytest.skip("AIOFILES_C_INLINE is not 0")
    with serving() as served:
        async with aiofiles_c.open(make(b"one\n" * 100)) as file:
            for _ in range(50):
                await file.readline()
    assert served.memory == served.kernel == served.delegate == 0
    assert served.pool >= 50
    assert served.jobs >= 50


async def test_flush_writes_by_the_pool(native, path):
    """What may wait for a disk is done by a native thread."""
    async with aiofiles_c.open(path, "wb") as file:
        await file.write(b"data")
        with serving() as served:
            await file.flush()
        assert served.pool == 1
        assert served.delegate == 0
        assert served.jobs >= 1


@pytest.mark.parametrize(
    "encoding", ("utf-16", "cp1252", "shift_jis", "utf-7", "koi8-r")
)
async def test_other_encoding_is_the_delegates(native, make, encoding):
    """A codec that the engine does not know is served by io, in threads."""
    async with aiofiles_c.open(make(b""), encoding=encoding) as file:
        with serving() as served:
            await file.read()
        assert served.delegate == 1


@pytest.mark.parametrize(
    "encoding", ("utf-8", "UTF8", "utf_8", "ascii", "us-ascii", "latin-1",
                 "iso-8859-1", "L1")
)
@pytest.mark.parametrize(
    "errors", ("strict", "replace", "surrogateescape", "backslashreplace")
)
async def test_common_encoding_is_the_engines_own(
    native, make, encoding, errors
):
    """UTF-8, ASCII and Latin-1 are native by any name, with any handler."""
    path = make(b"plain\n" + b"bad \xff\n" * (errors != "strict"))
    with serving() as served:
        async with aiofiles_c.open(
            path, encoding=encoding, errors=errors
        ) as file:
            assert await file.readline() == "plain\n"
    assert served.delegate == 0


async def test_executor_given_is_the_delegates(make):
    """executor= sends the work of the file there."""
    with ThreadPoolExecutor(1) as executor, serving() as served:
        async with aiofiles_c.open(make(b"data"), executor=executor) as file:
            assert await file.read() == "data"
    assert served.delegate == 3
    assert served.pool == served.memory == 0


async def test_sync_open_replaced_is_the_delegates(make):
    """A patched sync_open is what is called, by an executor."""
    path = make(b"data")
    with serving() as served, mock.patch(
        "aiofiles_c.threadpool.sync_open", side_effect=open
    ) as opened:
        async with aiofiles_c.open(path) as file:
            assert await file.read() == "data"
    assert opened.call_count == 1
    assert served.delegate == 3


async def test_file_inside_asked_for_makes_it_the_delegates(native, make):
    """Once `_file` is out, each call goes to that object."""
    async with aiofiles_c.open(make(b"one\ntwo\n")) as file:
        assert await file.readline() == "one\n"
        assert file._file is file._file
        with serving() as served:
            assert await file.readline() == "two\n"
        assert served.delegate == 1
        assert served.memory == served.pool == 0


@pytest.mark.parametrize(
    "mode, buffering", (("r", -1), ("rb", -1), ("wb", -1), ("rb", 0))
)
async def test_file_inside_of_a_closed_file_is_closed(
    native, make, mode, buffering
):
    """It is of the kind, and has the names, of one that open() gave."""
    path = str(make(b"data"))
    with open(path, mode, buffering) as real:
        pass
    file = await aiofiles_c.open(path, mode, buffering)
    await file.close()
    assert type(file._file) is type(real)
    assert file._file.closed and repr(file._file) == repr(real)


async def test_attributes_are_served_without_any_route(native, make):
    """What is no coroutine costs no thread."""
    async with aiofiles_c.open(str(make(b"data"))) as file:
        with serving() as served:
            assert file.mode == "r"
            assert not file.closed
            assert file.encoding
            assert file.fileno() > 0
            assert file.name in repr(file)
        assert served.pool == served.delegate == served.jobs == 0


async def test_set_threads_limits_the_native_threads(native, gate):
    """set_threads() sets `max_threads`; below 1 is an error."""
    before = native()["max_threads"]
    try:
        aiofiles_c.set_threads(3)
        assert native()["max_threads"] == 3
        for bad in (0, -1):
            with pytest.raises(ValueError):
                aiofiles_c.set_threads(bad)
        for bad in ("3", 1.5, None):
            with pytest.raises(TypeError):
                aiofiles_c.set_threads(bad)
        assert native()["max_threads"] == 3
    finally:
        aiofiles_c.set_threads(before)


async def test_gate_shut_queues_what_needs_a_worker(native, gate, path):
    """With every worker held a job waits, and is counted as queued."""
    async with gate.shut():
        assert native()["running"] == 1
        task = asyncio.ensure_future(aiofiles_c.open(path, "w").__aenter__())
        await gate.queued(1)
        assert not task.done()
    await (await within(task)).close()
    assert native()["queued"] == 0


def test_threads_environment_sets_the_limit(native, tmp_path):
    """AIOFILES_C_THREADS is the number of threads from the start."""
    code = "import aiofiles_c; print(aiofiles_c.stats()['max_threads'])"
    for number in ("1", "7"):
        done = python(code, cwd=tmp_path, AIOFILES_C_THREADS=number)
        assert done.stdout.strip() == number
    done = python(
        "import aiofiles_c, os\n"
        "n = min(32, (os.cpu_count() or 1) + 4)\n"
        "print(aiofiles_c.stats()['max_threads'] in (n, "
        "min(32, len(os.sched_getaffinity(0)) + 4)))",
        cwd=tmp_path,
        AIOFILES_C_THREADS="",
    )
    assert done.stdout.strip() == "True"


@pytest.mark.parametrize("number", ("0", "-1", "1025"))
def test_threads_environment_out_of_range_is_an_error(
    native, tmp_path, number
):
    """It is said at the import, and not made do with."""
    done = python(
        "import aiofiles_c", cwd=tmp_path, check=False,
        AIOFILES_C_THREADS=number,
    )
    assert "AIOFILES_C_THREADS has to be from 1 to 1024" in done.stderr


def test_pure_environment_turns_the_engine_off(tmp_path):
    """AIOFILES_C_PURE=1 leaves the delegate alone."""
    done = python(
        "import aiofiles_c, sys\n"
        "print(aiofiles_c.stats()['native'], "
        "'aiofiles_c._core' in sys.modules)",
        cwd=tmp_path,
        AIOFILES_C_PURE="1",
    )
    assert done.stdout.split() == ["False", "False"]


def test_import_starts_no_thread_and_opens_nothing(tmp_path):
    """Importing costs no thread and no descriptor: they come with use."""
    done = python(
        """
        import asyncio, os, threading
        before = sorted(os.listdir("/proc/self/fd"))
        tasks = len(os.listdir("/proc/self/task"))
        import aiofiles_c
        assert sorted(os.listdir("/proc/self/fd")) == before
        assert len(os.listdir("/proc/self/task")) == tasks
        assert aiofiles_c.stats()["threads"] == 0
        print("clean")
        """
        if os.path.exists("/proc/self/task")
        else "import aiofiles_c; print('clean')",
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "clean"
