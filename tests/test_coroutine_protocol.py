"""In each of its states an awaitable does what a coroutine does in that state.

The reference is a coroutine of Python's own, in the Python that runs.
"""

import asyncio
import codecs
import collections.abc
import copy
import gc
import inspect
import os
import pickle
import sys
import types
import warnings
from contextlib import asynccontextmanager

import pytest

from .support.child import python
from .support.gate import plug
from .support.waiting import eventually, turns, within


@pytest.fixture
def engine(native, libraries):
    """Native files; what the delegate gives is a coroutine of Python's own."""
    return libraries["aiofiles_c"]


async def reference():
    """A coroutine that waits for a future, for ever."""
    await asyncio.get_running_loop().create_future()


def park(operation):
    """Go on with it until it waits for a future: it may give way before."""
    for _ in range(1000):
        if operation.send(None) is not None:
            return
    raise AssertionError("it gives way for ever")


@asynccontextmanager
async def created(lib, make, gate):
    """Nothing has happened yet."""
    async with lib.open(make(b"data")) as file:
        ours, theirs = file.read(), reference()
        yield ours, theirs


@asynccontextmanager
async def ended(lib, make, gate):
    """It has been awaited."""

    async def done():
        return "data"

    async with lib.open(make(b"data")) as file:
        ours, theirs = file.read(), done()
        assert await ours == await theirs == "data"
        yield ours, theirs


@asynccontextmanager
async def closed(lib, make, gate):
    """It was given up before it began."""
    async with created(lib, make, gate) as (ours, theirs):
        ours.close()
        theirs.close()
        yield ours, theirs


@asynccontextmanager
async def waiting(lib, make, gate):
    """The loop waits for a pipe."""
    reading, writing = os.pipe()
    async with lib.open(reading, "rb") as file:
        ours, theirs = file.read(4), reference()
        park(ours)
        theirs.send(None)
        try:
            yield ours, theirs
        finally:
            os.close(writing)


@asynccontextmanager
async def queued(lib, make, gate):
    """No worker has its job yet."""
    async with lib.open(make(b"data"), "rb+") as file:
        await file.read()
        async with gate.shut():
            ours, theirs = file.truncate(2), reference()
            park(ours)
            theirs.send(None)
            yield ours, theirs


@asynccontextmanager
async def running(lib, make, gate):
    """A worker is inside its job."""
    path = gate.fifo()
    ours, theirs = lib.open(path, "rb", buffering=0)._coro, reference()
    park(ours)
    theirs.send(None)
    await eventually(lambda: lib.stats()["running"], "it is being opened")
    try:
        yield ours, theirs
    finally:
        ours.close()
        with plug(path):
            await eventually(
                lambda: not lib.stats()["running"], "the worker is free"
            )


STATES = {
    state.__name__: state
    for state in (created, ended, closed, waiting, queued, running)
}
each_state = pytest.mark.parametrize("state", STATES)

ACTIONS = {
    "send a value": lambda c: c.send(1),
    "throw": lambda c: c.throw(ZeroDivisionError("x")),
    "throw a class": lambda c: c.throw(ZeroDivisionError),
    "throw a class, its value": lambda c: c.throw(ZeroDivisionError, "x"),
    "throw GeneratorExit": lambda c: c.throw(GeneratorExit),
    "throw StopAsyncIteration": lambda c: c.throw(StopAsyncIteration("x")),
    "throw CancelledError": lambda c: c.throw(asyncio.CancelledError()),
    "throw no exception": lambda c: c.throw(5),
    "throw None": lambda c: c.throw(None),
    "throw a value twice": lambda c: c.throw(ZeroDivisionError("x"), "y"),
    "throw without traceback": lambda c: c.throw(ValueError, None, 5),
    "throw nothing": lambda c: c.throw(),
    "throw too much": lambda c: c.throw(1, 2, 3, 4),
    "close": lambda c: c.close(),
    "close twice": lambda c: (c.close(), c.close()),
    "iterate": lambda c: list(c),
    "look into": lambda c: "x" in c,
    "unpack": lambda c: [*c],
    "name it": lambda c: setattr(c, "__name__", "x"),
    "name it by a number": lambda c: setattr(c, "__qualname__", 5),
    "take its name": lambda c: delattr(c, "__name__"),
}


def outcome(action, coroutine):
    """What an action gives: a value, or an exception with its message."""
    try:
        return action(coroutine)
    except BaseException as error:
        # The name of the type is not the same.
        message = str(error).replace(type(coroutine).__name__, "coroutine")
        return type(error), message.replace("aiofiles_c._core.", "")


def look(coroutine):
    """What shows the state of a coroutine."""
    return {
        "state": inspect.getcoroutinestate(coroutine),
        "running": coroutine.cr_running,
        "suspended": (
            coroutine.cr_suspended if sys.version_info >= (3, 11) else None
        ),
        "frame": coroutine.cr_frame is not None,
        "await": coroutine.cr_await is not None,
    }


@pytest.mark.filterwarnings("ignore:the .type, exc, tb. signature")
@pytest.mark.parametrize("name", ACTIONS)
@each_state
async def test_action_gives_what_a_coroutine_gives(
    engine, make, gate, state, name
):
    """Result or error, and the state after it, are those of a coroutine."""
    action = ACTIONS[name]
    async with STATES[state](engine, make, gate) as (mine, theirs):
        assert look(mine) == look(theirs)
        assert outcome(action, mine) == outcome(action, theirs)
        assert look(mine) == look(theirs)
        mine.close()
        theirs.close()
        assert look(mine) == look(theirs)


async def test_one_that_is_left_keeps_no_other_from_its_end(
    engine, make, tmp_path
):
    """Nor is it lost: who comes back to it finds its result, or closes it."""
    async with (
        engine.open(make(b"data"), "rb+") as file,
        engine.open(tmp_path / "other", "wb") as other,
    ):
        left = file.truncate(2)
        future = left.send(None)
        for size in range(4):
            assert await within(other.truncate(size)) == size
        with pytest.raises(StopIteration) as stop:
            for _ in range(1000):
                await (turns() if future is None else asyncio.wait([future]))
                future = left.send(None)
        assert stop.value.value == 2
        closed = file.truncate(1)
        closed.send(None)
        closed.close()
        assert await within(file.read()) in (b"da", b"d")


@each_state
async def test_await_of_one_in_each_state(engine, make, gate, state):
    """Awaiting it is as awaiting a coroutine."""

    async def use(coroutine):
        return await coroutine

    async with STATES[state](engine, make, gate) as (mine, theirs):
        if state == "created":
            assert await within(use(mine)) == "data"
            theirs.close()
            return
        found, expected = use(mine), use(theirs)
        step = lambda c: c.send(None)  # noqa: E731
        assert outcome(step, found) == outcome(step, expected)
        mine.close()
        theirs.close()


async def test_dropped_with_its_job_queued_or_running_is_given_up(
    engine, make, gate
):
    """What nobody has any more ends quietly; its job is taken back or ends."""
    async with engine.open(make(b"data"), "rb+") as file:
        async with gate.shut():
            coroutine = file.truncate(2)
            coroutine.send(None)
            del coroutine
            gc.collect()
        assert await within(file.read()) in (b"data", b"da")
    path = gate.fifo()
    coroutine = engine.open(path, "rb", buffering=0)._coro
    coroutine.send(None)
    await eventually(lambda: engine.stats()["running"], "it is being opened")
    del coroutine
    gc.collect()
    with plug(path):
        await eventually(
            lambda: not engine.stats()["running"], "the worker is free"
        )


async def test_reentrant_send_throw_and_close_raise_valueerror(engine, path):
    """A step that comes back to its own coroutine finds it running."""
    seen = []

    def handler(error):
        for action in (
            lambda: coroutine.send(None),
            lambda: coroutine.throw(ZeroDivisionError),
            lambda: coroutine.close(),
            lambda: coroutine.__await__().send(None),
        ):
            with pytest.raises(ValueError) as caught:
                action()
            seen.append(str(caught.value))
        assert coroutine.cr_running
        assert not getattr(coroutine, "cr_suspended", False)
        return "?", error.end

    codecs.register_error("aiofiles_c.reentrant", handler)
    path.write_bytes(b"a\xffb")
    async with engine.open(
        path, encoding="utf-8", errors="aiofiles_c.reentrant"
    ) as file:
        coroutine = file.read()
        assert await coroutine == "a?b"
    assert seen == ["coroutine already executing"] * 4


async def test_stopiteration_of_a_step_is_a_runtimeerror(engine, path):
    """It cannot be taken for a result, as PEP 479 has it."""
    raised = StopIteration("value")

    def handler(error):
        raise raised

    codecs.register_error("aiofiles_c.stop", handler)
    path.write_bytes(b"a\xffb")
    async with engine.open(
        path, encoding="utf-8", errors="aiofiles_c.stop"
    ) as file:
        with pytest.raises(
            RuntimeError, match="coroutine raised StopIteration"
        ) as caught:
            await file.read()
    assert caught.value.__cause__ is raised
    assert caught.value.__context__ is raised


async def test_forgotten_await_is_seen_by_those_who_iterate(lib, make):
    """`for line in file.readlines()` is an error, not an empty loop."""
    async with lib.open(make(b"one\n")) as file:
        coroutine = file.readlines()
        with pytest.raises(TypeError, match="not iterable"):
            for _ in coroutine:
                raise AssertionError("a line")
        with pytest.raises(TypeError, match="not iterable|not a container"):
            assert "one" in coroutine
        assert not isinstance(coroutine, collections.abc.Iterable)
        assert await coroutine == ["one\n"]


async def test_coroutine_is_one_to_inspect(lib, make):
    """inspect.iscoroutine() and isinstance() take it for one."""
    async with lib.open(make(b"data")) as file:
        for coroutine in (file.read(), lib.open("name")._coro):
            assert inspect.iscoroutine(coroutine)
            assert isinstance(coroutine, types.CoroutineType)
            assert isinstance(coroutine, collections.abc.Coroutine)
            assert inspect.getcoroutinestate(coroutine) == "CORO_CREATED"
            assert isinstance(coroutine.cr_code, types.CodeType)
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                with pytest.raises(TypeError, match="cannot pickle"):
                    pickle.dumps(coroutine, protocol)
            coroutine.close()


async def test_names_of_a_coroutine_can_be_set(lib, make):
    """As who wraps coroutines does, to be found in tracebacks and logs."""
    async with lib.open(make(b"data")) as file:
        coroutine = file.read()
        coroutine.__name__, coroutine.__qualname__ = "name", "outer.name"
        assert coroutine.__name__ == "name"
        assert coroutine.__qualname__ == "outer.name"
        assert "outer.name" in repr(coroutine)
        assert await coroutine == "data"
        assert coroutine.__qualname__ == "outer.name"
        assert file.read.__name__ != "name"
        del coroutine
        other = file.tell()  # in the memory of the first
        assert "outer" not in other.__qualname__ + repr(other)
        assert await other == 4


async def test_method_of_the_class_copies_as_a_function_does(lib, make):
    """A copy of a method is the method, in a deep copy of a table, too."""
    async with lib.open(make(b"data")) as file:
        for name in ("read", "__anext__", "fileno"):
            method = getattr(type(file), name)
            assert copy.copy(method) is method
            assert copy.deepcopy({"key": method})["key"] is method


async def test_method_by_super_and_with_a_wrong_self(engine, make):
    """super() finds it; what is no file is refused, and told so."""
    async with engine.open(make(b"one\ntwo\n")) as file:
        assert await super(type(file), file).readline() == "one\n"
        assert await type(file).readline(file) == "two\n"
        method = type(file).readline
        for wrong in ((), (5,), (type(file),), (engine,)):
            with pytest.raises(TypeError, match="requires a .* object"):
                method(*wrong)
        with pytest.raises(TypeError):
            method.__get__(None, None)
        with pytest.raises(TypeError):
            type(method)()
        with pytest.raises(TypeError):
            type("Mine", (type(method),), {})
    async with engine.open(make(b"data"), "rb") as other:
        with pytest.raises(TypeError, match="requires a .* object"):
            method(other)


async def test_cycle_through_a_coroutine_is_collected(engine):
    """A file that holds its own coroutine, begun or not, goes with it."""
    gone = []

    class Note:
        def __del__(self):
            gone.append(1)

    reading, writing = os.pipe()
    try:
        for begun in (False, True):
            file = await engine.open(os.dup(reading), "rb")
            file.note = Note()
            file.coroutine = file.read(4)
            if begun:
                file.coroutine.send(None)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                del file
                await turns()
                gc.collect()
            assert len(gone) == 1 + begun
    finally:
        os.close(reading)
        os.close(writing)


def test_origin_is_tracked_when_it_is_asked_for(lib, make):
    """sys.set_coroutine_origin_tracking_depth() counts for methods, too."""

    async def nothing():
        pass

    async def main():
        async with lib.open(make(b"data")) as file:

            def create():
                return file.read(), nothing()

            found = []
            for depth in (0, 1, 2, 50):
                sys.set_coroutine_origin_tracking_depth(depth)
                try:
                    found.append(create())
                finally:
                    sys.set_coroutine_origin_tracking_depth(0)
            found.append(create())
            for ours, theirs in found:
                assert ours.cr_origin == theirs.cr_origin
                ours.close()
                theirs.close()
            assert found[1][0].cr_origin[0][2] == "create"
            assert len(found[3][0].cr_origin) > 3

    asyncio.run(main())


def test_never_awaited_tells_where_it_was_created(tmp_path):
    """With PYTHONASYNCIODEBUG=1, in the words that Python has for it."""
    done = python(
        """
        import asyncio
        import aiofiles_c

        async def nothing():
            pass

        async def main():
            async with aiofiles_c.open("file", "w+") as file:
                nothing(), file.read(), file.__anext__()

        asyncio.run(main())
        """,
        cwd=tmp_path,
        flags=("-W", "always::RuntimeWarning"),
        PYTHONASYNCIODEBUG="1",
    )
    origins = {}
    for report in done.stderr.split("RuntimeWarning: coroutine '")[1:]:
        name, _, rest = report.partition("' was never awaited\n")
        lines = rest.splitlines()
        origins[name.rpartition(".")[2]] = [
            line for line in lines if line.startswith(("Coroutine", "  File"))
        ]
    assert set(origins) == {"nothing", "read", "__anext__"}, done.stderr
    expected = origins["nothing"]
    assert expected[0] == "Coroutine created at (most recent call last)"
    assert expected[-1].endswith("in main")
    assert origins["read"] == origins["__anext__"] == expected


def test_debug_mode_of_asyncio_by_the_environment_is_silent(tmp_path):
    """PYTHONASYNCIODEBUG=1 finds nothing to say of a right program."""
    done = python(
        """
        import asyncio
        import aiofiles_c

        async def main():
            assert asyncio.get_running_loop().get_debug()
            async with aiofiles_c.open("file", "w+") as file:
                await asyncio.gather(file.write("one\\n"), file.flush())
                await file.seek(0)
                assert [line async for line in file] == ["one\\n"]
                await asyncio.wait_for(file.truncate(0), 20)

        asyncio.run(main())
        """,
        cwd=tmp_path,
        flags=("-W", "error"),
        PYTHONASYNCIODEBUG="1",
    )
    assert done.stderr == ""
