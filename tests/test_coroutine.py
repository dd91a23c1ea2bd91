"""What a method returns is a coroutine in every use that asyncio has."""

import asyncio
import collections.abc
import gc
import inspect
import os
import sys
import threading
import types
import warnings

import pytest

from .support.waiting import turns, within

METHODS = (
    "close", "flush", "isatty", "read", "readline", "readlines", "seekable",
    "tell", "truncate", "writable",
)


@types.coroutine
def driven(coroutine):
    """Await by send() alone, as an old-fashioned scheduler does."""
    value = None
    while True:
        try:
            waited_for = coroutine.send(value)
        except StopIteration as stop:
            return stop.value
        value = yield waited_for


async def battery(lib, path):
    """A little of everything, as a program would use it."""
    path.unlink(missing_ok=True)
    async with lib.open(path, "w+") as file:
        assert await file.write("one\ntwo\n") == 8
        assert await asyncio.gather(file.write("0\n1\n2\n")) == [6]
        await file.seek(0)
        assert await file.readline() == "one\n"
        assert [line async for line in file] == ["two\n", "0\n", "1\n", "2\n"]
    async with lib.open(path, "rb") as file:
        assert await asyncio.create_task(file.read(3)) == b"one"
        assert await asyncio.wait_for(file.read(), 20) == b"\ntwo\n0\n1\n2\n"
    reading, writing = os.pipe()
    async with lib.open(reading, "rb") as file:
        task = asyncio.ensure_future(file.read(4))
        await turns()
        os.write(writing, b"data")
        assert await within(task) == b"data"
        os.close(writing)
    with pytest.raises(FileNotFoundError):
        await lib.open(path.with_name("absent"))
    return "done"


@pytest.mark.parametrize("mode", ("r", "rb", "w", "wb", "rb+"))
@pytest.mark.parametrize("name", METHODS)
async def test_method_returns_a_coroutine(lib, make, mode, name):
    """asyncio and collections.abc take it for one."""
    async with lib.open(make(b"data"), mode) as file:
        coroutine = getattr(file, name)()
        assert asyncio.iscoroutine(coroutine)
        assert inspect.isawaitable(coroutine)
        assert isinstance(coroutine, collections.abc.Coroutine)
        assert isinstance(coroutine, collections.abc.Awaitable)
        assert iter(coroutine.__await__()) is not None
        coroutine.close()


async def test_raw_method_returns_a_coroutine(lib, make):
    """So do those of raw files."""
    async with lib.open(make(b"data"), "rb", buffering=0) as file:
        for name in (*METHODS, "readall"):
            coroutine = getattr(file, name)()
            assert isinstance(coroutine, collections.abc.Coroutine)
            coroutine.close()


async def test_next_returns_a_coroutine(lib, make):
    """A step of `async for` is one, too."""
    async with lib.open(make(b"one\n")) as file:
        step = file.__anext__()
        assert isinstance(step, collections.abc.Awaitable)
        assert await within(step) == "one\n"


async def test_tasks_take_a_method(lib, make):
    """create_task, ensure_future, gather, shield, wait, as_completed."""
    lines = [b"%d\n" % n for n in range(8)]
    async with lib.open(make(b"".join(lines)), "rb") as file:
        assert await asyncio.create_task(file.readline()) == lines[0]
        assert await asyncio.ensure_future(file.readline()) == lines[1]
        assert await asyncio.gather(file.readline()) == [lines[2]]
        assert await asyncio.shield(file.readline()) == lines[3]
        assert await within(file.readline()) == lines[4]
        task = asyncio.create_task(file.readline(), name="reader")
        done, pending = await asyncio.wait([task])
        assert done == {task} and not pending
        assert task.result() == lines[5]
        assert task.get_name() == "reader"
        for future in asyncio.as_completed([file.readline()]):
            assert await future == lines[6]
        assert repr(asyncio.create_task(file.readline()))
        await turns(1)
        await file.flush()


async def test_task_that_fails_has_the_error(lib, make):
    """The exception is the task's."""
    async with lib.open(make(b"data"), "rb") as file:
        task = asyncio.create_task(file.read(-9))
        await asyncio.wait([task])
        assert isinstance(task.exception(), ValueError)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="new in Python 3.11")
async def test_task_group_takes_a_method(lib, make):
    """TaskGroup makes tasks of them."""
    async with lib.open(make(b"one\ntwo\n"), "rb") as file:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(file.readline())
        assert task.result() == b"one\n"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="new in Python 3.12")
def test_eager_tasks_take_a_method(lib, path):
    """With the eager task factory everything works as before."""

    async def main():
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        return await battery(lib, path)

    assert asyncio.run(main()) == "done"


def test_run_takes_a_method(lib, make):
    """asyncio.run(f.read()) in a loop of its own, file after file."""

    async def opened():
        return await lib.open(make(b"one\ntwo\nthree\n"), "rb")

    async def called(name, *args):
        return await getattr(file, name)(*args)

    file = asyncio.run(opened())
    if lib.native:
        assert asyncio.run(file.readline()) == b"one\n"
        assert asyncio.run(file.read()) == b"two\nthree\n"
        asyncio.run(file.close())
    else:  # aiofiles keeps the loop that opened the file
        file._file.close()
    assert file.closed


def test_run_until_complete_takes_a_method(lib, make):
    """A loop runs one until it has ended."""
    loop = asyncio.new_event_loop()
    try:

        async def opened():
            return await lib.open(make(b"data"))

        file = loop.run_until_complete(opened())
        assert loop.run_until_complete(file.read()) == "data"
        loop.run_until_complete(file.close())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


async def test_run_coroutine_threadsafe_takes_a_method(lib, make):
    """Another thread hands one to the loop and waits for the result."""
    loop = asyncio.get_running_loop()
    results = []
    async with lib.open(make(b"one\ntwo\n"), "rb") as file:

        def other():
            for _ in range(2):
                future = asyncio.run_coroutine_threadsafe(
                    file.readline(), loop
                )
                results.append(future.result(20))

        thread = threading.Thread(target=other)
        thread.start()
        await within(loop.run_in_executor(None, thread.join))
    assert results == [b"one\n", b"two\n"]


async def test_never_awaited_warns_with_the_name(ours, make):
    """An awaitable that is dropped warns as a coroutine does, by name."""
    async with ours.open(make(b"data")) as file:
        for name in ("read", "readline", "tell", "flush", "seekable"):
            never = rf"coroutine '.*{name}' was never awaited"
            with pytest.warns(RuntimeWarning, match=never):
                getattr(file, name)()
                gc.collect()
        assert await file.read() == "data"


async def test_never_awaited_and_closed_is_silent(lib, make):
    """close() of one that has not begun says it is not wanted."""
    async with lib.open(make(b"data")) as file:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            coroutine = file.read()
            coroutine.close()
            coroutine.close()
            del coroutine
            gc.collect()
        assert await file.read() == "data"


async def test_open_never_awaited_warns_or_is_silent_and_opens_nothing(
    lib, path
):
    """open() that is not awaited makes no file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        lib.open(path, "w")
        gc.collect()
    assert not path.exists()


async def test_awaited_twice_raises_runtimeerror(lib, make):
    """The second await is an error, and reads nothing."""
    async with lib.open(make(b"0123456789"), "rb") as file:
        coroutine = file.read(2)
        assert await coroutine == b"01"
        for _ in range(2):
            with pytest.raises(
                RuntimeError, match="cannot reuse already awaited coroutine"
            ):
                await coroutine
        assert await file.read(2) == b"23"


async def test_awaited_by_two_tasks_raises_runtimeerror(lib):
    """One that is being awaited cannot be awaited by another."""
    reading, writing = os.pipe()

    async def use(awaitable):
        return await awaitable

    async with lib.open(reading, "rb") as file:
        coroutine = file.read(4)
        first = asyncio.ensure_future(use(coroutine))
        await turns()
        with pytest.raises(RuntimeError, match="being awaited already"):
            await use(coroutine)
        os.write(writing, b"data")
        assert await within(first) == b"data"
        os.close(writing)


async def test_send_drives_to_the_result(lib, make):
    """send(None) gives what to wait for, then StopIteration with a value."""
    async with lib.open(make(b"one\ntwo\n"), "rb") as file:
        assert await driven(file.readline()) == b"one\n"
        assert await driven(file.tell()) == 4
        with pytest.raises(ValueError):
            await driven(file.read(-9))
        coroutine = file.readline()
        assert await driven(coroutine) == b"two\n"
        with pytest.raises(RuntimeError, match="cannot reuse"):
            coroutine.send(None)


async def test_send_of_a_value_before_the_start_raises_typeerror(lib, make):
    """Only None can be sent to one that has not begun."""
    async with lib.open(make(b"data")) as file:
        coroutine = file.read()
        with pytest.raises(TypeError, match="just-started coroutine"):
            coroutine.send(1)
        assert await coroutine == "data"


async def test_await_iterator_drives_to_the_result(lib, make):
    """__await__() gives an iterator; next() is a step."""

    class Awaiting:
        def __await__(self):
            return (yield from inner.__await__())

    async with lib.open(make(b"data")) as file:
        inner = file.read()
        assert await Awaiting() == "data"


async def test_throw_before_the_start_ends_it(lib, make):
    """The exception comes back, and the operation never happens."""
    async with lib.open(make(b"0123456789"), "rb") as file:
        for thrown in (ZeroDivisionError("x"), ZeroDivisionError):
            coroutine = file.read(3)
            with pytest.raises(ZeroDivisionError):
                coroutine.throw(thrown)
            with pytest.raises(RuntimeError, match="cannot reuse"):
                await coroutine
        coroutine = file.read(3)
        with pytest.raises(TypeError):
            coroutine.throw(5)
        coroutine.close()
        assert await file.tell() == 0


async def test_throw_into_one_that_waits_ends_it(lib):
    """The exception comes back; a native file has lost nothing."""
    reading, writing = os.pipe()
    async with lib.open(reading, "rb") as file:
        coroutine = file.read(4)
        coroutine.send(None)
        with pytest.raises(ZeroDivisionError):
            coroutine.throw(ZeroDivisionError("x"))
        with pytest.raises(RuntimeError, match="cannot reuse"):
            coroutine.send(None)
        os.write(writing, b"data")
        os.close(writing)
        if lib.native:
            assert await within(file.read()) == b"data"


async def test_close_of_one_that_waits_ends_it(lib):
    """close() gives it up without an error; nothing is lost."""
    reading, writing = os.pipe()
    async with lib.open(reading, "rb") as file:
        coroutine = file.read(4)
        coroutine.send(None)
        coroutine.close()
        coroutine.close()
        with pytest.raises(RuntimeError, match="cannot reuse"):
            coroutine.send(None)
        os.write(writing, b"data")
        os.close(writing)
        if lib.native:
            assert await within(file.read()) == b"data"


async def test_dropped_while_it_waits_is_given_up(native, lib):
    """One that is collected in the middle leaves the file as it was."""
    if not lib.native:
        pytest.skip("an executor's thread keeps what it reads")
    reading, writing = os.pipe()
    async with lib.open(reading, "rb") as file:
        coroutine = file.read(4)
        coroutine.send(None)
        del coroutine
        gc.collect()
        os.write(writing, b"data")
        os.close(writing)
        assert await within(file.read()) == b"data"


async def test_close_after_the_end_is_harmless(lib, make):
    """close() and throw() of one that has ended."""
    async with lib.open(make(b"data")) as file:
        coroutine = file.read()
        await coroutine
        coroutine.close()
        with pytest.raises(RuntimeError, match="cannot reuse"):
            coroutine.throw(ZeroDivisionError("x"))


async def test_name_and_repr_tell_the_method(ours, make):
    """The name of the method is in the coroutine's name and repr."""
    async with ours.open(make(b"data")) as file:
        coroutine = file.read()
        assert coroutine.__name__ == "read"
        assert coroutine.__qualname__.endswith("read")
        assert "read" in repr(coroutine)
        coroutine.close()


async def test_result_that_is_an_exception_or_tuple_is_a_value(lib, make):
    """Values travel as they are: None, empty, lists."""
    async with lib.open(make(b""), "rb+") as file:
        assert await file.read() == b""
        assert await file.readlines() == []
        assert await file.flush() is None
        assert await file.seekable() is True
        assert await file.isatty() is False


async def test_methods_do_nothing_until_the_first_step(lib, make):
    """Calling a method does not start it."""
    async with lib.open(make(b"0123456789"), "rb") as file:
        later = file.read(3)
        await turns()
        assert await file.read(3) == b"012"
        assert await later == b"345"


def test_debug_mode_of_asyncio_is_silent(lib, path):
    """asyncio's debug mode finds nothing to say."""
    assert asyncio.run(battery(lib, path), debug=True) == "done"


@pytest.fixture(scope="module")
def uvloop():
    """uvloop, which keeps two descriptors once it has made a loop."""
    uvloop = pytest.importorskip("uvloop")
    loop = uvloop.new_event_loop()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    return uvloop


def test_uvloop_runs_everything(uvloop, lib, path):
    """Files work on uvloop, one loop after the other."""
    for _ in range(3):
        loop = uvloop.new_event_loop()
        try:
            assert loop.run_until_complete(battery(lib, path)) == "done"
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()


def test_anyio_runs_everything(lib, path):
    """Under anyio's runner, in its task groups and its deadlines."""
    anyio = pytest.importorskip("anyio")
    pytest.importorskip("ssl", reason="anyio runs nothing without ssl")
    results = []

    async def use(file):
        results.append(await file.readline())

    async def main():
        assert await battery(lib, path) == "done"
        path.write_bytes(b"one\ntwo\n")
        async with lib.open(path, "rb") as file:
            async with anyio.create_task_group() as group:
                group.start_soon(use, file)
                group.start_soon(file.flush)
            with anyio.fail_after(20):
                assert await file.readline() == b"two\n"
        reading, writing = os.pipe()
        async with lib.open(reading, "rb") as file:
            with anyio.move_on_after(0) as scope:
                await file.read(4)
            assert scope.cancelled_caught
            os.write(writing, b"data")
            os.close(writing)
            if lib.native:
                with anyio.fail_after(20):
                    assert await file.read() == b"data"

    anyio.run(main)
    assert results == [b"one\n"]


def test_outside_of_a_loop_raises_or_needs_none(lib, make):
    """Where no loop runs, a step that needs one is a RuntimeError."""
    opening = lib.open(make(b"data"))
    steps = opening.__await__()
    try:
        for _ in range(3):
            next(steps)  # it may give way first
    except RuntimeError as error:
        assert "no running event loop" in str(error)
    except StopIteration as stop:  # served at once, without any loop
        assert lib.native
        asyncio.run(stop.value.close())
    else:
        raise AssertionError("a step went on without a loop")
