"""Without memory: a MemoryError, nothing done or all of it, and no crash.

Each allocation of each step of some calls fails, and then all of a step; what
raised MemoryError is done again, and has to give what it would have given at
first.  What goes to an executor is left
out: concurrent.futures keeps its lock for good when it finds no memory.
"""

import asyncio
import errno
import functools
import gc
import inspect
import itertools
import os
import shutil
import sys

import aiofiles_c
import aiofiles_c.os as aos
import aiofiles_c.shutil as ashutil
import aiofiles_c.tempfile as atempfile
import pytest

from .support import model, sides, starving
from .support.content import Content, Many, Room
from .support.inject import fault, needs_injection
from .support.model import Case
from .support.outcome import Outcome
from .support.waiting import within

LINES = Content(20_000)
CASES = {
    "rb": Case(
        mode="rb", content=LINES,
        ops=(
            ("read", 10), ("readline",), ("next",), ("readlines", 100),
            ("seek", 3), ("tell",), ("read", 5000), ("peek",),
            ("readinto", Room("bytearray", 300)), ("seek", -5, 2), ("read",),
            ("fileno",), ("seek", 0), ("read", 3),
        ),
    ),
    "r": Case(
        mode="r", content=LINES, encoding="utf-8",
        ops=(
            ("read", 10), ("readline",), ("tell",), ("next",),
            ("readlines", 100), ("seek", 0), ("read", 5000), ("tell",),
            ("read",), ("seek", 0, 2), ("seek", 0), ("fileno",),
            ("readline",),
        ),
    ),
    "r, wide": Case(
        mode="r", encoding="utf-8",
        content=Content(20_004, "a\u20ac\r\nb\U0001f600\n".encode()),
        ops=(
            ("read", 10), ("readline",), ("tell",), ("readlines", 100),
            ("tell",), ("read", 5000), ("tell",), ("read",),
        ),
    ),
    "r, bad bytes": Case(
        mode="r", encoding="utf-8", errors="replace",
        content=Content(9000, b"ab\xff\n"),
        ops=(
            ("read", 10), ("readline",), ("tell",), ("readlines", 100),
            ("read",),
        ),
    ),
    # The first read returns all of a block.
    "r, bad bytes, told": Case(
        mode="r", encoding="utf-8", errors="replace", probe=True,
        content=Content(17_000, b"ab\xff\n"),
        ops=(("read", 8192), ("read", 10), ("readline",), ("read",)),
    ),
    "rb, large": Case(
        mode="rb", content=Content(4_300_000),
        ops=(("read",),),
    ),
    "r, large": Case(
        mode="r", encoding="utf-8",
        content=Content(1_060_000, "a\u20ac\n".encode()), ops=(("read",),),
    ),
    "w": Case(
        mode="w", content=None, encoding="utf-8",
        ops=(
            ("write", "abc\n"), ("writelines", ("a", "b")),
            ("write", Many("x", 10_000)), ("tell",), ("flush",),
            ("write", "x" * 200), ("seek", 3), ("write", "qqq"),
            ("truncate",), ("write", Many("y\u20ac", 90_000)), ("fileno",),
            ("write", "z" * 300),
        ),
    ),
    "wb": Case(
        mode="wb", content=None,
        ops=(
            ("write", b"abc\n"), ("writelines", (b"a", b"b")),
            ("write", Many(b"x", 10_000)), ("tell",), ("flush",),
            ("write", b"x" * 300), ("seek", 3), ("write", b"qqq"),
            ("truncate",), ("write", Many(b"y", 900_000)),
            ("write", Many(b"y", 900_000)), ("fileno",), ("write", b"z"),
        ),
    ),
    "rb+": Case(
        mode="rb+", content=LINES,
        ops=(
            ("read", 5), ("write", b"XY"), ("read", 5), ("seek", 0),
            ("readline",), ("write", b"ab"), ("flush",), ("read", 9000),
            ("write", b"q"), ("seek", 0), ("read",),
        ),
    ),
    "rb+, shared": Case(
        mode="rb+", content=LINES,
        ops=(
            ("fileno",), ("read", 5), ("write", b"XY"), ("read", 5),
            ("write", Many(b"a", 5000)), ("write", b"b"), ("seek", 3),
            ("readline",), ("write", Many(b"c", 9000)), ("write", b"d"),
            ("write", Many(b"e", 4095)), ("read", 9000), ("write", b"f"),
            ("write", b"g" * 4096), ("writelines", (b"h", b"i")), ("tell",),
            ("seek", 1), ("write", b"j"), ("flush",), ("read",),
        ),
    ),
    "r+": Case(
        mode="r+", content=LINES, encoding="utf-8",
        ops=(
            ("readline",), ("write", "XY"), ("seek", 0), ("readline",),
            ("tell",), ("fileno",), ("write", "q"), ("seek", 0), ("read",),
        ),
    ),
    "w, large": Case(
        mode="w", content=None, encoding="utf-8", newline="\r\n",
        ops=(
            ("write", Many("\u20ac\n", 300_000)), ("tell",),
            ("writelines", [Many("\u20ac\n", 300_000)]), ("flush",),
        ),
    ),
    "w, large, shared": Case(
        mode="w", content=None, encoding="utf-8",
        ops=(
            ("fileno",), ("write", "begin"),
            ("write", Many("\u20ac\n", 300_000)), ("tell",), ("flush",),
        ),
    ),
    "a+": Case(
        mode="a+", content=LINES, encoding="utf-8",
        ops=(
            ("write", "x"), ("tell",), ("seek", 0), ("readline",),
            ("write", "y"), ("flush",),
        ),
    ),
    "raw": Case(
        mode="rb+", buffering=0, content=LINES,
        ops=(
            ("read", 5), ("write", b"XY"), ("readline",),
            ("readinto", Room("bytearray", 300)), ("seek", 0), ("tell",),
            ("readlines", 50), ("fileno",), ("truncate", 100), ("read",),
            ("write", b"z" * 300),
        ),
    ),
}

each_case = pytest.mark.parametrize("name", CASES)
needs_starving = pytest.mark.skipif(
    not starving.AVAILABLE
    or sys.version_info[:2] != (3, 11)
    or sys.gettrace() is not None,
    reason="starved, interpreters but 3.11 crash or lose their exceptions, "
    "and so do tracers",
)


def is_shortage(error):
    """Whether an exception says that there was no memory."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, RuntimeError):  # io's and threading's words for it
        return "lock" in str(error) or "new thread" in str(error)
    return isinstance(error, MemoryError)


def is_unused(error):
    """Whether it says that what awaits has not come to do so."""
    return isinstance(error, RuntimeWarning) and "never awaited" in str(error)


async def retried(call, plan=None, between=None):
    """Await what the call makes, by the plan; once more if that starves."""
    try:
        if plan is None:
            return await call()
        return await starving.Starved(plan, call)
    except Exception as error:
        if not is_shortage(error):
            raise
    if between is not None:
        await between()
    made = call()
    return await made if inspect.isawaitable(made) else made


class Subject(sides.Subject):
    """The library's side of a case; what starves is done again."""

    plan = None

    async def open(self, case):
        try:
            return Outcome(
                False,
                await retried(
                    lambda: self.library_open(
                        self.target, case.mode, **case.options
                    ),
                    self.plan,
                ),
            )
        except Exception as error:
            return self.failure(error)

    async def do(self, op):
        try:
            args = self.arguments(op)
            name = "__anext__" if op[0] == "next" else op[0]
            if name == "fileno":
                value = self.file.fileno()
            else:
                before = await self.place()
                value = await retried(
                    lambda: getattr(self.file, name)(*args),
                    self.plan,
                    functools.partial(self.unmoved, before, "no memory"),
                )
            return Outcome(
                False, sides.with_room(op, args, self.note(op, value))
            )
        except StopAsyncIteration:
            return Outcome(False, StopAsyncIteration)
        except Exception as error:
            return self.failure(error)


@pytest.fixture
def loop(monkeypatch):
    """A loop that starves, whose complaints are errors."""
    complaints = []
    monkeypatch.setattr(
        sys, "unraisablehook",
        lambda it: is_shortage(it.exc_value)
        or is_unused(it.exc_value)
        or complaints.append((it.exc_value, it.err_msg)),
    )
    gc.collect()
    gc.freeze()  # a collection in a step costs nothing then
    loop = starving.Loop()
    loop.set_exception_handler(
        lambda loop, context: complaints.append(context)
    )
    yield loop
    loop.plan = None
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    gc.unfreeze()
    gc.collect()
    assert not complaints


def plans(loop, attempt):
    """Count the allocations of an attempt, and give the plans to try."""
    attempt(None)  # what is made once is made
    loop.plan = starving.Plan()
    attempt(loop.plan)
    yield from loop.plan.others()
    yield from loop.plan.none_at_all()


def through(loop, attempt):
    """Make each allocation fail in turn."""
    tried = 0
    original = None
    for plan in plans(loop, attempt):
        original = original or loop.plan
        loop.plan = plan
        try:
            attempt(plan)
        except BaseException as error:
            raise AssertionError(f"{plan}: {error!r}") from error
        loop.plan = original
        tried += 1
    return tried


async def bounded(awaitable):
    """Await, but for a while: what hangs may also refuse to be closed."""
    task = asyncio.ensure_future(awaitable)
    await asyncio.wait([task], timeout=5)
    assert task.done(), "it hangs"
    task.result()


def case_attempt(loop, case, folder):
    """A function that runs the case by a plan."""

    async def one(plan):
        reference = sides.Reference(str(folder / "reference"), case)
        subject = Subject(str(folder / "subject"), case, aiofiles_c.open)
        subject.plan = plan
        await model.Run(case, reference, subject).all()

    return lambda plan: loop.run_until_complete(bounded(one(plan)))


@needs_starving
@each_case
def test_file_without_memory_fails_and_then_goes_on(
    native, loop, tmp_path, name
):
    """Python's memory, wherever the engine asks for it."""
    assert through(loop, case_attempt(loop, CASES[name], tmp_path)) > 20


@needs_injection
@each_case
def test_file_without_memory_of_c_fails_and_then_goes_on(
    native, loop, tmp_path, name
):
    """That of the C library, which buffers, jobs and threads are made of."""
    attempt = case_attempt(loop, CASES[name], tmp_path)
    for n in itertools.count():
        with fault("MEMORY", errno.ENOMEM, skip=n) as met:
            attempt(None)
        if not met.happened:
            break
    assert n > 0


async def pipe(folder, run):
    """A pipe, from both sides."""
    reading, writing = os.pipe()
    async with aiofiles_c.open(reading, "rb") as reader:
        async with aiofiles_c.open(writing, "wb", 0) as writer:
            read = asyncio.ensure_future(
                run(lambda: reader.readline())
            )
            await asyncio.sleep(0)
            await run(lambda: writer.write(b"data\n"))
            return await within(read)


async def listed(folder, run):
    entries = await run(lambda: aos.scandir(folder))
    with entries:
        return sorted(
            (entry.name, entry.is_dir(), entry.stat().st_size > 0)
            for entry in entries
        )


async def temporary(folder, run):
    async with atempfile.TemporaryDirectory(dir=folder) as inner:
        async with atempfile.NamedTemporaryFile(dir=inner) as file:
            await run(lambda: file.write(b"x" * 20))
            await run(lambda: file.seek(0))
            return await run(lambda: file.read())


async def renamed(folder, run):
    await run(lambda: aos.rename(folder / "one", folder / "two"))
    await run(lambda: aos.rename(folder / "two", folder / "one"))
    await run(lambda: aos.mkdir(folder / "a"))
    await run(lambda: aos.rmdir(folder / "a"))
    await run(lambda: aos.makedirs(folder / "a" / "b" / "c", exist_ok=True))
    assert os.path.isdir(folder / "a" / "b" / "c")
    shutil.rmtree(folder / "a")
    return sorted(os.listdir(folder))


def simply(function):
    async def call(folder, run):
        return await run(lambda: function(folder))

    return call


CALLS = {
    "stat": simply(lambda f: aos.path.getsize(f / "one")),
    "exists": simply(lambda f: aos.path.exists(f / "none")),
    "listdir": simply(lambda f: aos.listdir(f / "many")),
    "walk": simply(lambda f: aos.path.isdir(f)),
    "readlink": simply(lambda f: aos.readlink(f / "link")),
    "statvfs": simply(lambda f: aos.statvfs(f)),
    "copyfile": simply(lambda f: ashutil.copyfile(f / "one", f / "copy")),
    "scandir": listed,
    "names": renamed,
    "pipe": pipe,
    "temporary files": temporary,
}
each_call = pytest.mark.parametrize("name", CALLS)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "one").write_bytes(b"1" * 100_000)
    (tmp_path / "copy").write_bytes(b"")
    (tmp_path / "link").symlink_to("one")
    (tmp_path / "many").mkdir()
    for number in range(50):
        (tmp_path / "many" / str(number)).touch()
    return tmp_path


def call_attempt(loop, name, folder):
    expected = []

    async def one(plan):
        async def run(call):
            return await retried(call, plan)

        got = await within(CALLS[name](folder, run))
        expected.append(sorted(got) if isinstance(got, list) else got)

    def attempt(plan):
        loop.run_until_complete(bounded(one(plan)))
        if name != "statvfs":
            assert expected[-1] == expected[0]

    return attempt


@needs_starving
@each_call
def test_call_without_memory_fails_and_then_goes_on(
    native, loop, folder, name
):
    """Functions of os, temporary files, streams."""
    assert through(loop, call_attempt(loop, name, folder)) > 5


@needs_injection
@each_call
def test_call_without_memory_of_c_fails_and_then_goes_on(
    native, loop, folder, name
):
    """The same, where no byte of the C library's is to be had."""
    attempt = call_attempt(loop, name, folder)
    attempt(None)
    for n in itertools.count():
        with fault("MEMORY", errno.ENOMEM, skip=n) as met:
            attempt(None)
        if not met.happened:
            break
