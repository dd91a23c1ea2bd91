"""The functions of os and os.path as objects, and what their calls give.

The engine takes their plain calls, and nobody should see that it does.
"""

import asyncio
import copy
import functools
import inspect
import os
import pickle
import types
import weakref
from unittest import mock

import aiofiles_c
import aiofiles_c.os
import pytest

from .support.waiting import turns, within

OF_OS = ("access", "fstat", "getcwd", "lstat", "stat")
OF_PATH = (
    "exists", "getatime", "getctime", "getmtime", "getsize", "isdir",
    "isfile", "islink", "samefile", "sameopenfile",
)
FUNCTIONS = [getattr(aiofiles_c.os, name) for name in OF_OS] + [
    getattr(aiofiles_c.os.path, name) for name in OF_PATH
]
functions = pytest.mark.parametrize(
    "function", FUNCTIONS, ids=[*OF_OS, *OF_PATH]
)


@pytest.fixture
def file(tmp_path):
    """A file, by name and by number."""
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with open(path) as f:
        yield path, f.fileno()


def arguments(function, file):
    """What the function requires."""
    path, fd = file
    given = {"mode": os.R_OK}
    for name in ("fd", "fp1", "fp2"):
        given[name] = fd
    return {
        name: given.get(name, path)
        for name, p in inspect.signature(function).parameters.items()
        if p.default is p.empty
    }


@functions
def test_function_is_a_function_to_who_looks_at_it(function):
    """Tools that document, patch or wrap find what they look for."""
    name = function.__name__
    assert isinstance(function, types.FunctionType)
    assert inspect.isfunction(function) and inspect.isroutine(function)
    assert f"async def {name}(" in inspect.getsource(function)
    assert repr(function).startswith(f"<function {name} at ")
    assert function.__qualname__ == name
    assert function.__module__ in ("aiofiles_c.os", "aiofiles_c.ospath")
    assert function.__code__.co_name == name
    assert {"__annotations__", "__doc__", "__name__"} <= set(dir(function))


@functions
def test_copies_of_a_function_are_the_function(function):
    """As of any other; processes are given it by name."""
    assert copy.copy(function) is function
    assert copy.deepcopy([function])[0] is function
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(function, protocol)) is function
    assert weakref.ref(function)() is function
    assert {function: 1}[function] == 1


def test_function_keeps_what_is_set_on_it():
    """Decorators mark functions so."""
    function = aiofiles_c.os.stat
    function.marked = "yes"
    assert function.marked == "yes" and function.__dict__ == {"marked": "yes"}
    del function.marked
    with pytest.raises(AttributeError):
        _ = function.marked
    wrapped = functools.wraps(function)(lambda: None)
    assert wrapped.__wrapped__ is function and wrapped.__name__ == "stat"


@functions
async def test_arguments_by_name_do_the_same(function, file):
    """Given by place they are the engine's, by name those of Python."""
    given = arguments(function, file)
    plain = await function(*given.values())
    assert await function(**given) == plain
    assert await function(*given.values(), loop=None) == plain
    assert await functools.partial(function, *given.values())() == plain


@functions
async def test_wrong_calls_are_refused_as_a_function_refuses_them(
    function, file
):
    """At the call, before anything is awaited, in Python's words."""
    given = list(arguments(function, file).values())
    name = function.__name__
    takes = rf"{name}\(\) takes {len(given)} positional argument"
    with pytest.raises(TypeError, match=takes):
        function(*given, 1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        function(*given, other=1)
    if given:
        with pytest.raises(TypeError, match=rf"{name}\(\) missing 1 required"):
            function(*given[1:])


@functions
async def test_call_gives_a_coroutine(function, file):
    """One that can be a task, is named, and is over when it has ended."""
    given = arguments(function, file).values()
    plain = await function(*given)
    coroutine = function(*given)
    assert inspect.iscoroutine(coroutine) and asyncio.iscoroutine(coroutine)
    assert coroutine.__qualname__ == coroutine.__name__ == function.__name__
    assert coroutine.cr_code is function.__code__
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED
    assert await asyncio.create_task(coroutine) == plain
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED
    with pytest.raises(RuntimeError, match="cannot reuse already awaited"):
        await coroutine
    results = await asyncio.gather(*(function(*given) for _ in range(5)))
    assert results == [plain] * 5


@functions
def test_call_that_nobody_awaits_is_told_of(function, file):
    """A forgotten `await` is a warning, not silence."""
    given = arguments(function, file).values()
    told = f"coroutine '{function.__name__}' was never awaited"
    with pytest.warns(RuntimeWarning, match=told):
        function(*given)
    function(*given).close()


async def test_nothing_is_asked_before_the_await(tmp_path):
    """A coroutine looks when it runs."""
    path = tmp_path / "late"
    found, size = aiofiles_c.os.path.exists(path), aiofiles_c.os.stat(path)
    path.write_bytes(b"four")
    assert await found is True
    assert (await size).st_size == 4
    missing = aiofiles_c.os.stat(path)
    path.unlink()
    with pytest.raises(FileNotFoundError) as caught:
        await missing
    assert caught.value.filename == str(path)


async def test_error_shows_the_line_that_awaits(tmp_path):
    """The traceback ends in the program, or below it."""
    with pytest.raises(FileNotFoundError) as caught:
        await aiofiles_c.os.stat(tmp_path / "missing")
    assert caught.traceback[0].path.name == "test_os_functions.py"
    assert "aiofiles_c.os.stat" in str(caught.traceback[0].statement)


@functions
def test_function_can_stand_for_itself_in_a_mock(function):
    """autospec makes of it what it makes of a coroutine function."""
    async def like_any(path):
        """A function of Python."""

    double = mock.create_autospec(function, return_value=5)
    assert type(double) is type(mock.create_autospec(like_any))
    required = [
        name
        for name, p in inspect.signature(function).parameters.items()
        if p.default is p.empty
    ]
    assert asyncio.run(double(*required)) == 5
    with pytest.raises(TypeError):
        asyncio.run(double(*required, 1))


async def test_function_in_a_class_is_a_method(file):
    """It is bound, as a function is, and called with its object."""
    path, _ = file

    class Place:
        stat = aiofiles_c.os.stat
        unbound = staticmethod(aiofiles_c.os.stat)

        def __fspath__(self):
            return str(path)

    assert (await Place().stat()).st_size == 7
    assert (await Place().unbound(path)).st_size == 7
    assert (await Place.stat(path)).st_size == 7


async def test_path_that_runs_code_is_asked_once(file):
    """__fspath__() is called by the await, and what it raises is raised."""
    path, _ = file
    calls = []

    class Place:
        def __fspath__(self):
            calls.append(1)
            return str(path)

    class Bad:
        def __fspath__(self):
            raise ZeroDivisionError

    coroutine = aiofiles_c.os.path.getsize(Place())
    assert not calls
    assert await coroutine == 7
    assert calls == [1]
    with pytest.raises(ZeroDivisionError):
        await aiofiles_c.os.stat(Bad())


async def test_times_are_those_of_os_alike_or_not(file):
    """Where two times are the same one number says both."""
    path, fd = file
    second, ns = 1_600_000_000, 10**9
    for atime, mtime in (
        (second * ns, second * ns),
        (second * ns, second * ns + 1),
        (second * ns + 1, second * ns),
        (0, (second + 1) * ns),
        (-1, -ns),
    ):
        os.utime(path, ns=(atime, mtime))
        for ours, real in (
            (await aiofiles_c.os.stat(path), os.stat(path)),
            (await aiofiles_c.os.fstat(fd), os.fstat(fd)),
        ):
            assert ours == real
            for name in dir(real):
                if name.startswith("st_"):
                    assert getattr(ours, name) == getattr(real, name), name
    ns = (path.stat().st_ctime_ns,) * 2
    os.utime(path, ns=ns)
    assert (await aiofiles_c.os.stat(path)).st_mtime_ns == ns[0]


async def test_calls_cancelled_on_their_way_leave_nothing(file):
    """By whatever route they go; those that are done have been answered."""
    path, _ = file
    tasks = [
        asyncio.ensure_future(function(*arguments(function, file).values()))
        for function in FUNCTIONS * 20
    ]
    await turns(1)
    for task in tasks[::2]:
        task.cancel()
    done, _ = await within(asyncio.wait(tasks))
    assert len(done) == len(tasks)
    for task in tasks[1::2]:
        task.result()
    assert (await aiofiles_c.os.stat(path)).st_size == 7
