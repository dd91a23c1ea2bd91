"""aiofiles_c.set_trace(): who is told of which operations, and of what."""

import asyncio
import gc
import os
import sys
import weakref
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import aiofiles_c
import pytest

from .support.waiting import cancelled, turns, within

ROUTES = ("memory", "kernel", "pool", "delegate")


@pytest.fixture
def told():
    """What the callback is called with, from now on: a list of tuples."""
    calls = []

    def tell(*call):
        calls.append(call)

    aiofiles_c.set_trace(tell)
    yield calls
    aiofiles_c.set_trace(None)


@pytest.fixture
def unraisable(monkeypatch):
    """The exceptions that nobody could catch."""
    caught = []
    monkeypatch.setattr(
        sys, "unraisablehook", lambda args: caught.append(args.exc_value)
    )
    return caught


async def some_of_everything(ours, folder):
    """Operations of files and functions, by all the routes there are."""
    path = folder / "file"
    async with ours.open(path, "w") as file:
        await file.writelines(f"{n}\n" for n in range(3000))
        await file.flush()
    async with ours.open(path) as file:
        await file.readline()
        for _ in range(2000):
            await file.__anext__()
        assert len(await file.readlines()) == 999
    async with ours.open(path, "rb", buffering=0) as file:
        await file.read(10)
        await file.seek(0)
    await aiofiles_c.os.stat(path)
    await aiofiles_c.os.listdir(folder)
    await aiofiles_c.os.getcwd()
    await aiofiles_c.shutil.copyfile(path, folder / "copy")
    async with aiofiles_c.open(path, encoding="cp437") as f:
        await f.read()
    await aiofiles_c.os.remove(path)


async def test_what_stats_counts_is_told_once_with_its_route(
    ours, tmp_path, told
):
    """The hook and the counts are two views of one thing."""
    before = aiofiles_c.stats()
    await some_of_everything(ours, tmp_path)
    await turns()  # a delegate tells as its future is done
    after = aiofiles_c.stats()
    counted = {route: after[route] - before[route] for route in ROUTES}
    seen = Counter(route for _, _, route, _ in told)
    assert {route: seen[route] for route in ROUTES} == counted
    assert all(type(call[3]) is float and call[3] >= 0 for call in told)


async def test_operation_and_path_are_those_of_the_call(native, make, told):
    """A file is told by what it was opened by, a function by its argument."""
    path = make(b"data")
    async with aiofiles_c.open(path, "rb") as file:
        await file.read()
        await file.pread(2, 1)
        number = file.fileno()
        await aiofiles_c.os.fstat(number)
    await aiofiles_c.os.path.getsize(os.fsencode(path))
    await aiofiles_c.os.getcwd()
    assert [call[:2] for call in told] == [
        ("open", str(path)),
        ("read", str(path)),
        ("pread", str(path)),
        ("fstat", None),
        ("close", str(path)),
        ("getsize", os.fsencode(path)),
        ("getcwd", None),
    ]


async def test_delegate_is_told_by_the_function_that_runs(make, told):
    """What an executor does is told when it is done, with the path."""
    path = make(b"data")
    with ThreadPoolExecutor(1) as executor:
        async with aiofiles_c.open(path, "rb", executor=executor) as file:
            await file.read()
            await file.pread(2, 1)
        await aiofiles_c.os.stat(path, executor=executor)
        await turns()
    assert [call[:3] for call in told] == [
        ("open", str(path), "delegate"),
        ("read", str(path), "delegate"),
        ("pread", str(path), "delegate"),
        ("__exit__", str(path), "delegate"),
        ("stat", str(path), "delegate"),
    ]


async def test_failure_is_told_and_still_raised(ours, tmp_path, told):
    """However an operation ends, it is over, and its error is the caller's."""
    missing = tmp_path / "missing"
    with pytest.raises(FileNotFoundError):
        await ours.open(missing)
    with pytest.raises(FileNotFoundError):
        await aiofiles_c.os.stat(missing)
    await turns()
    assert [call[:2] for call in told] == [
        ("open", str(missing)),
        ("stat", str(missing)),
    ]


async def test_cancelled_operation_is_told(native, make, gate, told):
    """A call that hangs until it is given up is what one looks for."""
    path = str(make(b"data"))
    async with gate.shut():
        task = asyncio.ensure_future(aiofiles_c.os.listdir(gate.folder))
        await turns()
        told.clear()
        await cancelled(task)
        assert [call[:3] for call in told] == [
            ("listdir", str(gate.folder), "pool")
        ]
    async with aiofiles_c.open(path, "rb") as file:
        assert await file.read() == b"data"


async def test_only_what_is_slow_enough_is_told(ours, make, told):
    """Below the threshold nothing is told; it can be changed at any time."""
    path = make(b"data")
    aiofiles_c.set_trace(lambda *call: told.append(call), slower_than=1e6)
    async with ours.open(path, "rb") as file:
        await file.read()
        await turns()
        assert told == []
        aiofiles_c.set_trace(lambda *call: told.append(call))
        await file.seek(0)
        await turns()
        assert [call[0] for call in told] == ["seek"]


async def test_set_to_none_nothing_is_told_or_kept(ours, make, told):
    """An operation that was begun meanwhile is not told either."""
    path = make(b"data")

    class Callback:
        def __call__(self, *call):
            told.append(call)

    callback = Callback()
    gone = weakref.ref(callback)
    aiofiles_c.set_trace(callback)
    opening = ours.open(path, "rb")
    aiofiles_c.set_trace(None)
    del callback
    async with opening as file:
        await file.read()
    await turns()
    gc.collect()
    assert told == [] and gone() is None


async def test_exception_of_the_callback_goes_to_unraisablehook(
    ours, make, unraisable
):
    """The operation has its result all the same."""

    def fail(*call):
        raise LookupError(call[0])

    path = make(b"data")
    aiofiles_c.set_trace(fail)
    try:
        async with ours.open(path, "rb") as file:
            assert await file.read() == b"data"
        await aiofiles_c.os.stat(path)
        await turns()
    finally:
        aiofiles_c.set_trace(None)
    assert len(unraisable) == 4
    assert all(type(error) is LookupError for error in unraisable)


async def test_callback_may_use_the_hook_and_files(ours, make, told):
    """It is called when the operation is over, outside of the file."""
    path = make(b"one\ntwo\n")
    tasks = []

    def once(*call):
        aiofiles_c.set_trace(lambda *call: told.append(call[0]))
        tasks.append(asyncio.ensure_future(file.readline()))

    async with ours.open(path, "rb") as file:
        aiofiles_c.set_trace(once)
        assert await file.readline() == b"one\n"
        await turns()
        assert await within(tasks[0]) == b"two\n"
        await turns()
    await turns()
    assert "readline" in told and len(tasks) == 1


async def test_path_is_not_kept_by_the_operation(native, tmp_path, told):
    """An operation is used again for another one, and keeps nothing."""
    path = str(tmp_path / "a name of its own")
    await aiofiles_c.os.mkdir(path)
    told.clear()
    before = sys.getrefcount(path)
    for _ in range(5):
        await aiofiles_c.os.listdir(path)
        await aiofiles_c.os.stat(path)
    await aiofiles_c.os.listdir()
    assert told.pop()[1] in (None, ".")
    told.clear()
    assert sys.getrefcount(path) == before


@pytest.mark.parametrize("callback", (1, "print", ()))
def test_callback_that_cannot_be_called_is_refused(callback):
    """At once, not with the next operation."""
    with pytest.raises(TypeError):
        aiofiles_c.set_trace(callback)


@pytest.mark.parametrize("seconds", (-1, float("nan"), float("inf")))
def test_threshold_that_is_no_time_is_refused(seconds):
    """A threshold is a number of seconds."""
    with pytest.raises(ValueError):
        aiofiles_c.set_trace(None, slower_than=seconds)
