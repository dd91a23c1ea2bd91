"""aiofiles_c.threadpool: sync_open, wrap(), and the decorators of utils.

They are the ways to have synchronous objects of one's own awaited: a mock
in a test, a file of another library, an executor of one's own.
"""

import asyncio
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest

from .support.waiting import within


@pytest.fixture
def registered(lib):
    """wrap() knows mocks, as the README of aiofiles has it."""
    threadpool = lib.module.threadpool
    threadpool.wrap.register(mock.MagicMock)(
        lambda *args, **kwargs: threadpool.binary.AsyncBufferedIOBase(
            *args, **kwargs
        )
    )


async def test_sync_open_replaced_by_a_mock_is_what_open_calls(
    lib, registered
):
    """A test puts a mock in the place of the file, and sees the calls."""
    threadpool = lib.module.threadpool
    file_mock = mock.MagicMock()
    with mock.patch(
        f"{threadpool.__name__}.sync_open", return_value=file_mock
    ) as opened:
        async with lib.open("filename", "w") as file:
            await file.write("data")
        async with lib.open("other", mode="rb", buffering=5) as file:
            file_mock.read.return_value = b"mocked"
            assert await file.read(6) == b"mocked"

    file_mock.write.assert_called_once_with("data")
    file_mock.read.assert_called_once_with(6)
    assert opened.call_args_list[0].args == ("filename",)
    assert opened.call_args_list[0].kwargs["mode"] == "w"
    assert opened.call_args_list[1].kwargs["buffering"] == 5
    assert file_mock.__exit__.call_count == 2


async def test_sync_open_put_back_serves_files_again(lib, make):
    """After the patch open() opens files as before."""
    with mock.patch(
        f"{lib.module.threadpool.__name__}.sync_open",
        side_effect=ZeroDivisionError,
    ):
        with pytest.raises(ZeroDivisionError):
            await lib.open("name")
    async with lib.open(make(b"data")) as file:
        assert await file.read() == "data"


async def test_sync_open_that_gives_a_strange_object_raises_typeerror(lib):
    """What wrap() does not know cannot be opened."""
    with mock.patch(
        f"{lib.module.threadpool.__name__}.sync_open",
        side_effect=lambda *args, **kwargs: object(),
    ):
        with pytest.raises(TypeError, match="Unsupported io type"):
            await lib.open("name")


def test_wrap_of_an_unsupported_object_raises_typeerror(lib):
    """Only files can be wrapped."""
    for thing in (None, 5, "name", object(), []):
        with pytest.raises(TypeError, match="Unsupported io type"):
            lib.module.threadpool.wrap(thing)


@pytest.mark.parametrize(
    "make_file, module, name",
    (
        (lambda p: io.StringIO("a\nb\n"), "text", "AsyncTextIOWrapper"),
        (lambda p: io.BytesIO(b"a\nb\n"), "binary", "AsyncBufferedIOBase"),
        (lambda p: open(p), "text", "AsyncTextIOWrapper"),
        (lambda p: open(p, "rb"), "binary", "AsyncBufferedReader"),
        (lambda p: open(p, "rb+"), "binary", "AsyncBufferedReader"),
        (lambda p: open(p, "rb", 0), "binary", "AsyncFileIO"),
    ),
    ids=("StringIO", "BytesIO", "text", "reader", "random", "raw"),
)
async def test_wrap_gives_the_class_for_the_file(
    lib, make, make_file, module, name
):
    """A synchronous file gets the class of aiofiles, and is read by it."""
    threadpool = lib.module.threadpool
    file = threadpool.wrap(make_file(make(b"a\nb\n")))
    assert type(file) is getattr(getattr(threadpool, module), name)
    first = await file.readline()
    rest = [line async for line in file]
    assert [first, *rest] in (["a\n", "b\n"], [b"a\n", b"b\n"])
    await file.close()
    assert file.closed
    assert file._file.closed


async def test_wrap_of_a_writer_writes(lib, path):
    """A BufferedWriter is wrapped by the base class of the buffered ones."""
    threadpool = lib.module.threadpool
    file = threadpool.wrap(open(path, "wb"))
    assert type(file) is threadpool.binary.AsyncBufferedIOBase
    await file.write(b"data")
    await file.flush()
    assert path.read_bytes() == b"data"
    await file.close()


async def test_wrap_uses_the_loop_and_executor_that_are_given(lib):
    """loop= and executor= go on to the wrapper."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "of-our-own") as executor:
        seen = []

        class Noted(io.StringIO):
            def read(self, *args):
                seen.append(threading.current_thread().name)
                return super().read(*args)

        file = lib.module.threadpool.wrap(
            Noted("text"), loop=loop, executor=executor
        )
        assert await file.read() == "text"
        assert seen[0].startswith("of-our-own")


async def test_wrap_register_serves_a_type_of_ones_own(lib):
    """A registered type is wrapped by the registered function."""

    class Mine:
        pass

    threadpool = lib.module.threadpool
    result = object()
    threadpool.wrap.register(Mine)(
        lambda file, *, loop=None, executor=None: result
    )
    assert threadpool.wrap(Mine()) is result
    with mock.patch(
        f"{threadpool.__name__}.sync_open",
        side_effect=lambda *args, **kwargs: Mine(),
    ):
        assert await lib.open("name") is result


class Recording(ThreadPoolExecutor):
    """Counts the calls that come to it."""

    def __init__(self):
        super().__init__(1)
        self.calls = 0

    def submit(self, *args, **kwargs):
        self.calls += 1
        return super().submit(*args, **kwargs)


async def test_open_executor_does_all_the_work_of_the_file(lib, path):
    """executor= gets open, and each call of the file."""
    with Recording() as executor:
        file = await lib.module.open(path, "w+", executor=executor)
        assert executor.calls == 1
        await file.write("data\n")
        await file.seek(0)
        assert await file.readline() == "data\n"
        assert [line async for line in file] == []
        assert executor.calls == 5
        await file.close()
        assert executor.calls == 6


async def test_open_executor_is_not_needed_by_attributes(lib, make):
    """What is no coroutine does not go there."""
    with Recording() as executor:
        file = await lib.module.open(make(b"data"), executor=executor)
        before = executor.calls
        assert file.name and file.mode == "r" and not file.closed
        assert file.fileno() > 0
        assert executor.calls == before
        await file.close()


async def test_open_executor_shut_down_raises(lib, make):
    """An executor that takes no work is an error, and opens nothing."""
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(RuntimeError):
        await lib.module.open(make(b"data"), executor=executor)


async def test_utils_make_a_class_that_delegates(lib):
    """The decorators give a class of one's own methods and properties."""
    utils = lib.module.threadpool.utils
    base = lib.module.base

    class Device:
        name = "device"

        def __init__(self):
            self.threads = []

        def measure(self, factor, *, offset=0):
            self.threads.append(threading.current_thread())
            return 21 * factor + offset

        def label(self):
            self.threads.append(threading.current_thread())
            return "label"

    @utils.delegate_to_executor("measure")
    @utils.proxy_method_directly("label")
    @utils.proxy_property_directly("name")
    class AsyncDevice(base.AsyncBase):
        """A device."""

    device = Device()
    file = AsyncDevice(device, None, None)
    assert file.name == "device"
    assert file.label() == "label"
    assert await within(file.measure(2, offset=1)) == 43
    assert device.threads[0] is threading.current_thread()
    assert device.threads[1] is not threading.current_thread()
    assert "wrapping" in repr(file)
    with pytest.raises(AttributeError):
        file.name = "other"


async def test_utils_cond_delegate_asks_whether_the_file_has_rolled(lib):
    """A spooled file is called at once until it is on disk."""
    utils = lib.module.threadpool.utils

    class Spooled:
        _rolled = False

        def read(self):
            return threading.current_thread()

    @utils.cond_delegate_to_executor("read")
    class AsyncSpooled(lib.module.base.AsyncBase):
        """A spooled file."""

    spooled = Spooled()
    file = AsyncSpooled(spooled, None, None)
    assert await file.read() is threading.current_thread()
    spooled._rolled = True
    assert await file.read() is not threading.current_thread()


async def test_indirect_base_asks_for_its_file_each_time(lib):
    """An indirect file follows what its function names."""
    threadpool = lib.module.threadpool
    current = io.StringIO("first\n")
    file = threadpool.text.AsyncTextIndirectIOWrapper(
        "name", None, None, indirect=lambda: current
    )
    assert await file.readline() == "first\n"
    current = io.StringIO("second\n")
    assert await file.readline() == "second\n"

    buffered = threadpool.binary.AsyncIndirectBufferedReader(
        "name", None, None, indirect=lambda: io.BytesIO(b"bytes")
    )
    assert await buffered.read() == b"bytes"
    raw = threadpool.binary.AsyncIndirectFileIO(
        "name", None, None, indirect=lambda: io.BytesIO(b"bytes")
    )
    assert await raw.readline() == b"bytes"


async def test_standard_streams_follow_sys(lib, monkeypatch):
    """stdin, stdout and stderr are those of sys at the time of the call."""
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"in\n")))
    out, err = (io.TextIOWrapper(io.BytesIO()) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert await lib.module.stdin.readline() == "in\n"
    await lib.module.stdout.write("out\n")
    await lib.module.stdout.flush()
    await lib.module.stdout_bytes.write(b"bytes\n")
    await lib.module.stdout_bytes.flush()
    await lib.module.stderr.write("err\n")
    await lib.module.stderr.flush()
    assert out.buffer.getvalue() == b"out\nbytes\n"
    assert err.buffer.getvalue() == b"err\n"
    assert await lib.module.stdin_bytes.read() == b""


def test_public_names_are_those_of_aiofiles(ours):
    """Each module of the package has the names of its namesake."""
    import importlib

    for name in (
        "", ".base", ".threadpool", ".threadpool.binary", ".threadpool.text",
        ".threadpool.utils",
    ):
        theirs = importlib.import_module("aiofiles" + name)
        mine = importlib.import_module("aiofiles_c" + name)
        for public in getattr(theirs, "__all__", None) or [
            n for n, value in vars(theirs).items()
            if getattr(value, "__module__", None) == theirs.__name__
            and not n.startswith("_")
        ]:
            assert hasattr(mine, public), f"{mine.__name__}.{public}"


def test_classes_are_related_as_in_aiofiles(ours):
    """Each class has the bases, by name, that its namesake has."""
    import aiofiles

    for module in ("binary", "text"):
        theirs = getattr(aiofiles.threadpool, module)
        mine = getattr(ours.module.threadpool, module)
        for name, cls in vars(theirs).items():
            if not isinstance(cls, type) or not name.startswith("Async"):
                continue
            names = {base.__name__ for base in getattr(mine, name).__mro__}
            for base in cls.__mro__[:-1]:
                assert base.__name__ in names, f"{name}: {base.__name__}"
