"""open() as a function, and what it returns: to be awaited, or entered."""

import asyncio
import gc
import inspect
import os
import pickle
import sys
import typing
import warnings
import weakref
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from unittest import mock

import aiofiles_c
import pytest

from .support.waiting import (
    cancelled,
    eventually,
    jobs_end,
    pends,
    within,
)

# ---- the function ----


def test_open_is_a_function_to_who_looks_at_it():
    """Of Python, with its signature and its overloads."""
    function = aiofiles_c.open
    assert inspect.isfunction(function)
    assert not inspect.iscoroutinefunction(function)
    assert pickle.loads(pickle.dumps(function)) is function
    assert function is aiofiles_c.threadpool.open
    assert "def open(" in inspect.getsource(function)
    real = inspect.signature(open).parameters
    ours = inspect.signature(function).parameters
    assert list(ours) == [*real, "loop", "executor"]
    for name in real:
        assert ours[name].default == real[name].default, name
    if sys.version_info >= (3, 11):
        assert len(typing.get_overloads(function)) == 6


async def test_open_takes_arguments_as_declared(lib, make):
    """By place and by name, in any mixture."""
    path = make(b"one\r\ntwo\n")
    names = list(inspect.signature(open).parameters)
    values = [path, "r", -1, "utf-8", "strict", "", True, None]
    for count in range(len(names) + 1):
        by_name = dict(zip(names[count:], values[count:]))
        async with lib.open(*values[:count], **by_name) as file:
            assert await file.read() == "one\r\ntwo\n"
            assert file.encoding == "utf-8"
        if lib.executor is None:
            loop = asyncio.get_running_loop()
            async with lib.open(
                *values[:count], **by_name, loop=loop
            ) as file:
                assert await file.readline() == "one\r\n"
    name = "".join(["mo", "de"])  # not the string that others have
    async with lib.open(path, **{name: "rb"}) as file:
        assert await file.read(3) == b"one"


def test_open_refuses_wrong_calls_as_a_function_does(make):
    """At the call, in Python's words, and nothing is opened."""
    path = make(b"")
    for wrong, message in (
        (lambda f: f(), r"open\(\) missing 1 required positional argument"),
        (lambda f: f(mode="r"), r"open\(\) missing 1 required"),
        (
            lambda f: f(path, "r", mode="r"),
            r"open\(\) got multiple values for argument 'mode'",
        ),
        (
            lambda f: f(path, file=path),
            r"open\(\) got multiple values for argument 'file'",
        ),
        (
            lambda f: f(path, modus="r"),
            r"open\(\) got an unexpected keyword argument 'modus'",
        ),
        (lambda f: f(*[path] * 9), r"open\(\) takes from 1 to 8 positional"),
    ):
        with pytest.raises(TypeError, match=message):
            wrong(aiofiles_c.open)


async def test_warning_of_line_buffering_is_of_the_callers_line(native, path):
    """Whichever way the call goes."""
    for keywords in ({}, {"loop": asyncio.get_running_loop()}):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            opening = aiofiles_c.open(path, "wb", buffering=1, **keywords)
            line = inspect.currentframe().f_lineno - 1
            async with opening:
                pass
        assert [w.category for w in caught] == [RuntimeWarning]
        assert (caught[0].filename, caught[0].lineno) == (__file__, line)


# ---- what it returns ----


async def test_manager_is_of_its_class_and_its_kind(lib, make):
    """Who asks what it is hears the same of each."""
    manager = lib.open(make(b"data"))
    assert isinstance(manager, lib.module.base.AiofilesContextManager)
    assert isinstance(manager, AbstractAsyncContextManager)
    assert isinstance(manager, Awaitable) and inspect.isawaitable(manager)
    assert not asyncio.iscoroutine(manager)
    assert not inspect.iscoroutine(manager)
    assert type(manager).__name__ == "AiofilesContextManager"
    assert "AiofilesContextManager object at" in repr(manager)
    with pytest.raises(TypeError):
        await asyncio.create_task(manager)
    file = await asyncio.ensure_future(manager)
    assert await file.read() == "data"
    await file.close()


async def test_file_is_opened_once_however_often_it_is_awaited(lib, make):
    """`await`, `async with` and __await__() give one file."""
    manager = lib.open(make(b"data"))
    assert manager._obj is None
    file = await manager
    assert manager._obj is file
    assert await manager is file
    assert await manager.__aenter__() is file
    async with manager as entered:
        assert entered is file
        assert await entered.read() == "data"
    assert file.closed and manager._obj is None


async def test_manager_that_was_left_cannot_be_entered_again(lib, make):
    """Its coroutine has ended."""
    manager = lib.open(make(b"data"))
    async with manager:
        pass
    for again in (manager, manager.__aenter__()):
        with pytest.raises(RuntimeError, match="already awaited coroutine"):
            await again


async def test_manager_that_was_not_entered_cannot_be_left(lib, make):
    """An AttributeError where it is awaited, as in aiofiles."""
    manager = lib.open(make(b"data"))
    leaving = manager.__aexit__(None, None, None)
    with pytest.raises(AttributeError, match="_file"):
        await leaving
    async with manager as file:
        assert await file.read() == "data"


async def test_failed_open_leaves_nothing_to_close(lib, tmp_path):
    """The error is raised by the `async with`, and the body is not run."""
    manager = lib.open(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        async with manager:
            pytest.fail("entered")
    assert manager._obj is None


async def test_methods_by_name_and_of_the_class_do_the_same(lib, make):
    """As wrappers call them: with keywords, or by the class that is shown."""
    cls = lib.module.base.AiofilesContextManager
    manager = lib.open(make(b"data"))
    file = await cls.__aenter__(manager)
    assert manager._obj is file and await file.read() == "data"
    await manager.__aexit__(exc_type=None, exc_val=None, exc_tb=None)
    assert file.closed and manager._obj is None
    manager = lib.open(make(b"data"))
    file = await manager
    await cls.__aexit__(manager, None, None, None)
    assert file.closed and manager._obj is None


async def test_opening_that_was_closed_gives_no_file(lib, make):
    """As a coroutine that was closed before it began."""
    manager = lib.open(make(b"data"))
    manager._coro.close()
    assert manager._obj is None
    with pytest.raises(RuntimeError, match="already awaited coroutine"):
        await manager


async def test_entering_and_leaving_can_be_tasks(lib, make):
    """Both give coroutines."""
    manager = lib.open(make(b"data"))
    file = await asyncio.create_task(manager.__aenter__())
    assert manager._obj is file
    await asyncio.create_task(manager.__aexit__(None, None, None))
    assert file.closed


async def test_exit_stack_enters_and_leaves(lib, make):
    """It takes the methods from the class."""
    path = make(b"data")
    async with AsyncExitStack() as stack:
        files = [
            await stack.enter_async_context(lib.open(path)) for _ in range(3)
        ]
        assert [await file.read() for file in files] == ["data"] * 3
    assert all(file.closed for file in files)


async def test_error_in_the_body_is_raised_and_the_file_closed(lib, make):
    """`async with` does not swallow it."""
    with pytest.raises(ZeroDivisionError):
        async with lib.open(make(b"data")) as file:
            raise ZeroDivisionError
    assert file.closed


async def test_closing_is_what_the_files_class_says(engine, make):
    """A close() that was replaced is the one that is called."""
    called = []

    async def fake(self):
        called.append(self)

    manager = engine.open(make(b"data"))
    file = await manager
    with mock.patch.object(type(file), "close", fake):
        await manager.__aexit__(None, None, None)
    assert called == [file] and not file.closed
    await file.close()


async def test_manager_that_nobody_awaits_is_told_of(engine, make):
    """As of a coroutine; no file is opened."""
    with pytest.warns(RuntimeWarning, match="'open' was never awaited"):
        engine.open(make(b"data"))


async def test_manager_in_a_cycle_is_collected(engine, make):
    """By way of the opener that it is to call."""

    class Knot:
        def __call__(self, path, flags):
            return os.open(path, flags)

    knot = Knot()
    knot.manager = engine.open(make(b"data"), opener=knot)
    gone = weakref.ref(knot)
    assert weakref.ref(knot.manager)() is knot.manager
    await (await knot.manager).close()
    del knot

    def collected():
        gc.collect()
        return gone() is None

    # The executor's thread, which called the opener, may hold it a while.
    await eventually(collected, "the knot is collected")


async def test_manager_that_was_left_lets_go_of_the_file(engine, make):
    """And what it had cannot be taken away, nor given back."""
    manager = engine.open(make(b"data"))
    async with manager as file:
        with pytest.raises(AttributeError):
            del manager._obj
        assert manager._obj is file
    for wrong in (file, 1):
        with pytest.raises(AttributeError, match="what was opened"):
            manager._obj = wrong
    assert manager._obj is None
    gone = weakref.ref(file)
    del file, wrong
    gc.collect()
    assert gone() is None


async def test_entering_that_was_given_up_leaves_the_opening_alone(lib, make):
    """Each call of __aenter__() is a coroutine of its own, as in aiofiles."""
    manager = lib.open(make(b"data"))
    task = asyncio.ensure_future(manager.__aenter__())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    manager.__aenter__().close()
    async with manager as file:
        assert await file.read() == "data"


async def test_two_tasks_cannot_enter_while_it_opens(engine, tmp_path):
    """The second is told so, and the first has the file; aiofiles gives neither."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    manager = engine.open(path, "rb", buffering=0)
    first = asyncio.ensure_future(manager.__aenter__())
    await pends(first)
    with pytest.raises(RuntimeError, match="awaited already"):
        await within(asyncio.ensure_future(manager.__aenter__()))
    await pends(first)
    with open(path, "wb", opener=both_ends):
        file = await within(first)
        await manager.__aexit__(None, None, None)
    assert file.closed


async def test_cancelled_while_it_opens_it_was_not_entered(engine, tmp_path):
    """A pipe without a writer: the file is nobody's, then."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    manager = engine.open(path, "rb", buffering=0)

    async def enter():
        async with manager:
            pytest.fail("entered")

    task = asyncio.ensure_future(enter())
    await pends(task)
    await cancelled(task)
    assert manager._obj is None
    with open(path, "wb", opener=both_ends):  # let the worker go
        jobs_end()


def both_ends(path, flags):
    """Open a pipe so that who opens it need not wait."""
    return os.open(path, os.O_RDWR)
