"""Files and their methods to those who look at them, and not only call them.

Libraries choose their way by inspect.iscoroutinefunction(), documentation
tools read signatures, programs copy, pickle and patch objects.
"""

import asyncio
import copy
import functools
import inspect
import io
import os
import pickle
import sys
import traceback
import types
import weakref
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import aiofiles
import pytest

from .support.waiting import turns, within

WAYS = (("w+", -1), ("wb+", -1), ("wb", -1), ("wb", 0))
ways = pytest.mark.parametrize(
    "mode, buffering", WAYS, ids=["text", "random", "writer", "raw"]
)


def public_methods(cls):
    """The names of what can be called, and the iteration's."""
    return [
        name
        for name, value in inspect.getmembers(cls, callable)
        if not name.startswith("_") or name == "__anext__"
    ]


async def reference_methods(path, mode, buffering):
    """For each method of a class of aiofiles: whether it is a coroutine's."""
    async with aiofiles.open(path, mode, buffering) as file:
        cls = type(file)
    return {
        name: inspect.iscoroutinefunction(getattr(cls, name))
        for name in public_methods(cls)
    }


@ways
async def test_methods_are_coroutine_functions_as_in_aiofiles(
    lib, path, mode, buffering
):
    """Bound or of the class, a method tells whether it is to be awaited."""
    expected = await reference_methods(path, mode, buffering)
    assert {True, False} == set(expected.values())
    async with lib.open(path, mode, buffering) as file:
        for name, asynchronous in expected.items():
            for method in (
                getattr(file, name),
                getattr(type(file), name),
                functools.partial(getattr(file, name)),
            ):
                assert inspect.iscoroutinefunction(method) is asynchronous, (
                    name
                )
            # Deprecated in Python 3.14, and what many libraries call.
            if sys.version_info < (3, 14):
                assert asyncio.iscoroutinefunction(method) is asynchronous


@ways
async def test_coroutine_methods_are_like_functions(
    ours, path, mode, buffering
):
    """What inspect wants of a function is there, and says the same."""
    expected = await reference_methods(path, mode, buffering)
    async with ours.open(path, mode, buffering) as file:
        for name, asynchronous in expected.items():
            if not asynchronous:
                continue
            method, bound = getattr(type(file), name), getattr(file, name)
            assert isinstance(method.__code__, types.CodeType)
            assert method.__code__.co_flags & inspect.CO_COROUTINE
            assert bound.__code__ == method.__code__
            assert method.__name__ == bound.__name__ == name
            assert method.__qualname__.endswith(f".{name}")
            assert inspect.getdoc(method)
            assert inspect.getdoc(bound) == inspect.getdoc(method)
            unbound = inspect.signature(method)
            assert next(iter(unbound.parameters)) == "self"
            assert list(inspect.signature(bound).parameters) == (
                list(unbound.parameters)[1:]
            )
            assert inspect.isroutine(method) and inspect.ismethod(bound)
            assert bound.__self__ is file


@ways
async def test_signature_of_c_methods_is_that_of_their_declaration(
    native, libraries, path, mode, buffering
):
    """__text_signature__, __signature__ and the delegate's are one."""
    async with libraries["aiofiles_c"].open(path, mode, buffering) as file:
        for name in public_methods(type(file)):
            method = getattr(type(file), name)
            if not hasattr(method, "__text_signature__") or (
                not inspect.iscoroutinefunction(method)
            ):
                continue
            assert name in repr(method)
            text = method.__text_signature__.replace("$", "")
            signature = inspect.signature(method)
            bare = signature.replace(
                parameters=[
                    p.replace(annotation=inspect.Parameter.empty)
                    for p in signature.parameters.values()
                ],
                return_annotation=inspect.Signature.empty,
            )
            # Only a "/" behind self alone may differ.
            assert text.replace("(self, /)", "(self)") == str(bare), name


@ways
async def test_mock_spec_of_a_file_makes_async_mocks(
    lib, path, mode, buffering
):
    """mock.create_autospec and spec= know what is asynchronous."""
    async with lib.open(path, mode, buffering) as file:
        fake = mock.MagicMock(spec=file)
        assert isinstance(fake.flush, mock.AsyncMock)
        assert not isinstance(fake.fileno, mock.AsyncMock)
        await fake.flush()
        fake.flush.assert_awaited_once_with()


async def test_method_replaced_on_the_object_is_called(lib, make):
    """A test patches a method of one file, and takes the patch back."""
    async with lib.open(make(b"data")) as file:
        with mock.patch.object(file, "read", mock.AsyncMock(return_value=5)):
            assert await file.read() == 5
        assert await file.read() == "data"


async def test_method_replaced_on_the_class_is_called(lib, make):
    """A test patches a method of all files, iteration included."""

    async def fake(self, *args):
        return "fake"

    async with lib.open(make(b"one\ntwo\n")) as file:
        with mock.patch.object(type(file), "readline", fake):
            assert await file.readline() == "fake"
        assert await file.readline() == "one\n"
        with mock.patch.object(type(file), "__anext__", fake):
            async for line in file:
                assert line == "fake"
                break
        assert [line async for line in file] == ["two\n"]


async def test_entering_and_leaving_are_coroutine_functions(lib, make):
    """What open() gives says so, for those who drive it by hand."""
    is_coroutine_function = (
        inspect.iscoroutinefunction
        if sys.version_info >= (3, 12)
        else asyncio.iscoroutinefunction
    )
    manager = lib.open(make(b"data"))
    assert is_coroutine_function(manager.__aenter__)
    assert is_coroutine_function(manager.__aexit__)
    file = await manager.__aenter__()
    assert manager._obj is file
    await manager.__aexit__(None, None, None)
    assert manager._obj is None
    assert file.closed


async def test_coroutine_states_are_those_of_inspect(lib):
    """Created, suspended and closed, as inspect tells it."""
    reading, writing = os.pipe()
    async with lib.open(reading, "rb") as file:
        coroutine = file.read(4)
        assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED
        assert inspect.getcoroutinelocals(coroutine) is not None
        assert coroutine.cr_frame.f_code is coroutine.cr_code
        assert not coroutine.cr_running
        task = asyncio.ensure_future(coroutine)
        await turns()
        assert inspect.getcoroutinestate(coroutine) == inspect.CORO_SUSPENDED
        assert task.get_stack()
        assert coroutine.cr_await is not None
        assert "running at" in repr(task)
        os.write(writing, b"data")
        os.close(writing)
        assert await within(task) == b"data"
        assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED
        assert coroutine.cr_frame is None


async def test_coroutine_has_weak_references(lib, make):
    """A weak reference, and its callback, as a coroutine has them."""
    async with lib.open(make(b"data")) as file:
        for _ in range(3):  # the object may be used again
            gone = []
            coroutine = file.tell()
            reference = weakref.ref(coroutine, gone.append)
            assert reference() is coroutine
            await coroutine
            assert not gone
            del coroutine
            assert reference() is None
            assert gone == [reference]


async def test_coroutine_refuses_copies_and_pickling(lib, make):
    """As every coroutine does."""
    async with lib.open(make(b"data")) as file:
        coroutine = file.tell()
        for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot pickle"):
                attempt(coroutine)
        with pytest.raises(AttributeError):
            coroutine.unknown = 1
        assert await coroutine == 0


async def test_traceback_shows_the_line_that_awaits(lib, make):
    """An error of a file is seen where the program awaits."""
    async with lib.open(make(b"\xff"), encoding="utf-8") as file:
        try:
            await file.read()  # this is the line
        except UnicodeDecodeError as error:
            lines = [
                frame.line
                for frame in traceback.extract_tb(error.__traceback__)
            ]
    assert "await file.read()  # this is the line" in lines


@ways
async def test_files_refuse_pickling_and_deep_copies(
    lib, path, mode, buffering
):
    """An open file is of its process: a TypeError says so."""
    async with lib.open(path, mode, buffering) as file:
        for attempt in (
            copy.deepcopy,
            pickle.dumps,
            functools.partial(pickle.dumps, protocol=0),
            lambda f: pickle.dumps(f.flush),
        ):
            with pytest.raises(TypeError, match="cannot pickle"):
                attempt(file)
        await file.flush()


@ways
async def test_copy_of_a_file_is_over_the_same_file(
    lib, path, mode, buffering
):
    """copy.copy makes a second wrapper, and both go on working."""
    data = "data" if "b" not in mode else b"data"
    async with lib.open(path, mode, buffering) as file:
        file.note = "note"
        await file.write(data)
        second = copy.copy(file)
        assert second is not file
        assert second.note == "note"
        assert second._file is file._file
        assert await second.tell() == 4
        await second.write(data)
        await second.flush()
        assert await file.tell() == 8
    assert second.closed
    assert path.read_bytes() == b"datadata"


@ways
async def test_files_have_weak_references_and_hash(
    lib, path, mode, buffering
):
    """A file can be a key, also of a WeakKeyDictionary."""
    async with lib.open(path, mode, buffering) as file:
        reference = weakref.ref(file)
        assert reference() is file
        assert weakref.WeakKeyDictionary({file: 1})[file] == 1
        assert {file: 2}[file] == 2
        assert file == file and file != reference


@ways
async def test_attributes_of_the_user_stay_and_those_of_the_file_are_read_only(
    lib, path, mode, buffering
):
    """A note on a file is possible, another name or mode is not."""
    async with lib.open(path, mode, buffering) as file:
        file.note = ["anything"]
        assert file.note == ["anything"]
        assert vars(file)["note"] == ["anything"]
        del file.note
        assert not hasattr(file, "note")
        for name in ("name", "mode", "closed", "_loop"):
            with pytest.raises(AttributeError):
                setattr(file, name, None)


async def test_inner_file_set_by_the_user_does_the_work(lib, make):
    """`_file` can be replaced, as by those who wrap it once more."""
    async with lib.open(make(b"data")) as file:
        original = file._file
        file._file = io.StringIO("other")
        assert await file.read() == "other"
        file._file = original
        assert await file.read() == "data"


async def test_executor_set_by_the_user_does_the_work(lib, make):
    """`_executor` can be replaced, and gets what follows."""
    with ThreadPoolExecutor(1) as executor:
        seen = []
        submit = executor.submit
        executor.submit = lambda *args: seen.append(1) or submit(*args)
        async with lib.open(make(b"data")) as file:
            file._executor = executor
            assert file._executor is executor
            assert await file.read() == "data"
            assert seen
            assert file._loop is asyncio.get_running_loop()
            file._ref_loop = None
            assert file._loop is asyncio.get_running_loop()


@ways
async def test_class_of_a_file_wraps_a_synchronous_one(
    lib, path, mode, buffering
):
    """type(f)(file, loop, executor) is a wrapper of the same kind."""
    async with lib.open(path, mode, buffering) as file:
        wrapped = type(file)(
            open(path, mode, buffering), loop=None, executor=None
        )
        assert isinstance(file, type(wrapped))
        assert isinstance(wrapped, lib.module.base.AsyncBase)
        await wrapped.write("data" if "b" not in mode else b"data")
        await wrapped.close()
        assert wrapped.closed and not file.closed
    assert path.read_bytes() == b"data"


async def test_subclass_of_a_wrapper_adds_to_it(lib, make):
    """A class of one's own derives from those of aiofiles."""

    class Counting(lib.module.threadpool.text.AsyncTextIOWrapper):
        count = 0

        async def readline(self, *args):
            self.count += 1
            return await super().readline(*args)

    file = Counting(open(make(b"one\ntwo\n")), None, None)
    assert [line async for line in file] == ["one\n", "two\n"]
    assert file.count == 3
    await file.close()


async def test_context_manager_is_generic_and_takes_a_coroutine(lib):
    """AiofilesContextManager[...] in annotations, and over one's own."""
    manager_class = lib.module.base.AiofilesContextManager

    class File:
        _file = mock.MagicMock()

    async def opening():
        return file

    file = File()
    coroutine = opening()
    manager = manager_class(coroutine)
    assert manager._coro is coroutine and manager._obj is None
    async with manager as entered:
        assert entered is file and manager._obj is file
    assert manager._obj is None
    file._file.__exit__.assert_called_once_with(None, None, None)
    assert manager_class[int] is not None

    class Mine(manager_class[int]):
        pass

    assert issubclass(Mine, manager_class)


async def test_readable_of_a_text_file_keeps_it_native(native, ours, make):
    """readable() is answered by the engine, and nothing is converted."""
    async with ours.open(make(b"data")) as file:
        before = native()["delegate"]
        assert await file.readable() is True
        assert ours.name == "delegate" or native()["delegate"] == before
