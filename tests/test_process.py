"""The life of a process: collection, signals, reloading, audit."""

import asyncio
import builtins
import gc
import os
import subprocess
import sys
import warnings

import aiofiles_c
import pytest

from .support.child import PATIENCE, python
from .support.waiting import eventually

WAYS = (("w", -1), ("wb", -1), ("wb", 0), ("r+", -1), ("rb+", -1), ("r", -1),
        ("rb", -1), ("rb", 0))


async def collected(file, native=True, count=0):
    """The ResourceWarnings of dropping the last reference; takes a list.

    A thread of an executor may have another reference for a moment more:
    where it can, `count` warnings are waited for.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        file.clear()
        gc.collect()
        if not native:
            await eventually(
                lambda: gc.collect() is not None and len(caught) >= count,
                "the file is collected",
            )
    return [
        (w.category, str(w.message))
        for w in caught
        if w.category is ResourceWarning
    ]


async def at_once(lib, path, condition):
    """Whether it is so once a file is dropped: at once on a local device.

    A worker writes and closes it where the device may hang, as any may for the
    portable build, or for a test without the kernel's route, which cannot
    tell.
    """
    before = aiofiles_c.stats()["kernel"]
    await (await lib.open(path, "rb")).close()
    if aiofiles_c.stats()["kernel"] == before:
        await eventually(condition, "what was dropped is written and closed")
    return condition()


def is_open(descriptor):
    """Whether the process has this descriptor."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@pytest.mark.parametrize("mode, buffering", WAYS)
async def test_file_collected_open_is_flushed_and_warns_as_open(
    lib, make, mode, buffering
):
    """A file that is dropped is written, closed and complained about."""
    data = "data" if "b" not in mode else b"data"
    writes = mode not in ("r", "rb")
    path = make(b"old data")
    reference = [builtins.open(path, mode, buffering)]
    if writes:
        reference[0].write(data)
    expected = await collected(reference)
    content = path.read_bytes()

    file = [await lib.open(make(b"old data"), mode, buffering)]
    descriptor = file[0].fileno()
    if writes:
        await file[0].write(data)
    assert await collected(file, lib.native, 1) == expected
    assert await at_once(lib, path, lambda: not is_open(descriptor))
    assert path.read_bytes() == content


async def test_file_collected_after_large_writes_is_whole(lib, path):
    """What was accepted for writing is in the file when it is dropped."""
    file = [await lib.open(path, "wb")]
    for number in range(30):
        await file[0].write(b"%07d\n" % number * 10_000)
    await file[0].write(b"end")
    assert len(await collected(file, lib.native, 1)) == 1
    written = b"".join(b"%07d\n" % n * 10_000 for n in range(30)) + b"end"
    assert await at_once(lib, path, lambda: path.read_bytes() == written)


async def test_file_collected_without_closefd_leaves_the_descriptor(
    lib, path
):
    """closefd=False: flushed, without a warning, and not closed."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        reference = [builtins.open(descriptor, "w", closefd=False)]
        expected = await collected(reference)
        file = [await lib.open(descriptor, "w", closefd=False)]
        await file[0].write("data")
        assert await collected(file, lib.native, len(expected)) == expected
        await eventually(
            lambda: os.fstat(descriptor).st_size == 4, "it is written"
        )
    finally:
        os.close(descriptor)


async def test_file_collected_in_a_cycle_is_flushed(lib, path):
    """The collector of cycles does the same."""
    file = [await lib.open(path, "w")]
    file[0].myself = file[0]
    await file[0].write("data")
    assert len(await collected(file, lib.native, 1)) == 1
    if lib.native:  # io's own layers may be collected in the wrong order
        assert await at_once(lib, path, lambda: path.read_text() == "data")


@pytest.mark.parametrize(
    "look",
    (
        "gc.collect()",
        "found.extend(o for o in gc.get_objects() if type(o) is Operation)",
    ),
)
def test_argument_whose_destructor_runs_the_collector(tmp_path, look):
    """An operation that is being dropped, and is found or kept, is whole."""
    python(
        """
        import asyncio, gc, sys
        import aiofiles_c
        from aiofiles_c._calls import Operation

        found = []

        class Data(bytes):
            def __del__(self):
                LOOK

        async def main():
            async with aiofiles_c.open("file", "wb") as file:
                for _ in range(500):
                    await file.write(Data(b"x"))
                    await file.tell()
                    if len(found) > 1000:
                        found.clear()
            assert open("file", "rb").read() == b"x" * 500

        asyncio.run(main())
        found.clear()
        gc.collect()
        """.replace("LOOK", look),
        cwd=tmp_path,
    )


async def test_file_collected_closed_is_silent(lib, path):
    """Nothing is said of a file that was closed."""
    file = [await lib.open(path, "w")]
    await file[0].close()
    assert await collected(file, lib.native) == []


def test_operation_that_the_collector_has_finalized_is_not_used_again(
    native, make
):
    """One that is let go of in the middle of a collection.

    What is used again is dropped while it waits: then it has to be closed, which
    the collector does once with each object.
    """
    done = python(
        """
        import asyncio, gc, sys
        import aiofiles_c

        class Given:
            def __await__(self):
                return (yield)

        class Cycle:
            pass

        async def holder(cycle):
            held = await Given()
            try:
                await Given()
            finally:  # by the collector
                held = None

        def garbage(file):
            made = []
            for _ in range(200):
                cycle = Cycle()
                cycle.holder = holder(cycle)
                cycle.holder.send(None)
                operation = file.tell()
                try:
                    operation.send(None)
                except StopIteration:
                    pass
                made.append((cycle.holder, operation))
            for each, operation in made:
                each.send(operation)

        async def main():
            gc.disable()
            async with aiofiles_c.open(sys.argv[1], "rb") as file:
                garbage(file)
                gc.collect()
                for _ in range(100):
                    asyncio.get_running_loop().call_soon(int)
                    operation = file.read(2_000_000)
                    try:
                        operation.send(None)
                    except StopIteration:
                        pass
                    del operation  # in the middle of its work, as a rule
                    await file.seek(0)
                    assert len(await file.read()) == 2_000_000
                    await file.seek(0)

        asyncio.run(asyncio.wait_for(main(), 15))
        """,
        make(bytes(2_000_000)),
        cwd=os.path.dirname(make(bytes(2_000_000))),
        flags=("-W", "ignore"),
    )
    assert done.stderr == ""


def test_signals_all_the_time_change_nothing(tmp_path):
    """A handler that runs every few milliseconds: no call fails of it."""
    done = python(
        """
        import asyncio, os, signal, threading
        import aiofiles_c

        DATA = b"".join(b"%07d\\n" % n for n in range(100_000))
        LINES = b"".join(b"%07d\\n" % n for n in range(3000))
        count = 0

        def handler(number, frame):
            global count
            count += 1

        async def main():
            for _ in range(5):
                async with aiofiles_c.open("file", "wb") as file:
                    for start in range(0, len(DATA), 5000):
                        await file.write(DATA[start:start + 5000])
                async with aiofiles_c.open("file", "rb") as file:
                    assert await file.read() == DATA
                async with aiofiles_c.open("lines") as file:
                    lines = [line async for line in file]
                    assert len(lines) == 3000
            reading, writing = os.pipe()

            def feed():
                with os.fdopen(writing, "wb") as writer:
                    writer.write(DATA)

            thread = threading.Thread(target=feed)
            thread.start()
            async with aiofiles_c.open(reading, "rb") as file:
                assert await file.read() == DATA
            thread.join()

        with open("lines", "wb") as file:
            file.write(LINES)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        asyncio.run(main())
        signal.setitimer(signal.ITIMER_REAL, 0)
        print("good" if count else "no signal came")
        """,
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "good"


SESSION = """
import asyncio
import aiofiles_c

async def main():
    async with aiofiles_c.open("file", "w") as file:
        await file.write("one\\ntwo\\n")
    async with aiofiles_c.open("file") as file:
        assert [line async for line in file] == ["one\\n", "two\\n"]
    async with aiofiles_c.open("file", "rb", 0) as file:
        assert await file.read() == b"one\\ntwo\\n"

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "flags", (("-X", "dev"), ("-W", "error"), ("-I",), ("-OO",), ("-bb",)),
    ids=" ".join,
)
def test_interpreter_options_are_met_in_silence(tmp_path, flags):
    """Development mode, warnings as errors, isolated, optimised: clean."""
    done = python(SESSION, cwd=tmp_path, flags=flags)
    assert done.stderr == ""


def test_modules_deleted_and_imported_again_do_not_crash(tmp_path):
    """Both copies of the package work, and so does the exit."""
    done = python(
        SESSION
        + """
import gc, importlib, sys

async def again():
    global aiofiles_c
    kept = [await aiofiles_c.open("file")]
    for name in [n for n in sys.modules if n.startswith("aiofiles_c")]:
        del sys.modules[name]
    try:
        import aiofiles_c
    except ImportError as error:
        print("refused:", error)
    else:
        await main()
        kept.append(await aiofiles_c.open("file"))
        importlib.reload(aiofiles_c)
        await main()
    for file in kept:
        assert await file.read() == "one\\ntwo\\n"
        await file.close()

asyncio.run(again())
gc.collect()
print("good")
""",
        cwd=tmp_path,
    )
    assert done.stdout.split()[-1:] == ["good"]


SUBINTERPRETERS = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

def run(code):
    for kinds in ((), ("legacy",), ()):
        try:
            interpreter = interpreters.create(*kinds)
        except TypeError:  # a Python that has one kind only
            interpreter = interpreters.create()
        failed = interpreters.run_string(interpreter, code)
        assert not failed, failed
        interpreters.destroy(interpreter)
"""


def test_subinterpreter_works_or_refuses(tmp_path):
    """Another interpreter of the process: files, or a clear ImportError."""
    probe = subprocess.run(
        [sys.executable, "-W", "ignore", "-c",
         SUBINTERPRETERS + "run('import asyncio')"],
        stderr=subprocess.DEVNULL,
        timeout=PATIENCE,
    )
    if probe.returncode:
        pytest.skip("this Python has no subinterpreters that import asyncio")
    (tmp_path / "session.py").write_text(SESSION)
    done = python(
        SUBINTERPRETERS
        + """
import aiofiles_c

run('''
try:
    import aiofiles_c
except ImportError as error:
    assert str(error)
else:
    try:
        exec(open("session.py").read())
    except RuntimeError as error:
        # Some interpreters may have no threads.
        assert "thread" in str(error)
''')
exec(open("session.py").read())
print("good")
""",
        cwd=tmp_path,
        flags=("-W", "ignore"),
    )
    assert done.stdout.strip() == "good", done.stderr


def test_open_raises_the_audit_events_of_open(tmp_path):
    """A hook sees each open as it sees those of built-in open."""
    done = python(
        """
        import asyncio, os, sys
        import aiofiles_c

        seen = []
        ways = (("file", "w"), ("file", "r"), (b"file", "rb"),
                ("file", "r+"), ("file", "ab"), ("absent", "r"))

        def hook(event, args):
            if event == "open" and args[0] in ("file", b"file", "absent"):
                seen.append(args)

        async def main():
            for path, mode in ways:
                try:
                    file = await aiofiles_c.open(path, mode)
                except FileNotFoundError:
                    continue
                await file.close()

        sys.addaudithook(hook)
        for path, mode in ways:
            try:
                open(path, mode).close()
            except FileNotFoundError:
                pass
        expected, seen[:] = seen[:], []
        asyncio.run(main())
        assert seen == expected, (seen, expected)
        print("good")
        """,
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "good"


def test_open_refused_by_an_audit_hook_opens_nothing(tmp_path):
    """A hook that raises forbids the open."""
    done = python(
        """
        import asyncio, os, sys
        import aiofiles_c

        def hook(event, args):
            if event == "open" and args[0] == "file":
                raise PermissionError("not that one")

        async def main():
            try:
                await aiofiles_c.open("file", "w")
            except PermissionError as error:
                print(error, os.path.exists("file"))

        sys.addaudithook(hook)
        asyncio.run(main())
        """,
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "not that one False"


def test_limit_of_descriptors_is_an_oserror_and_passes(lib, make):
    """EMFILE is what open raises; with descriptors free again all is well."""
    resource = pytest.importorskip("resource")
    path = make(b"data")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def main():
        async with lib.open(path) as file:  # the loop has all it needs
            await file.read()
        taken = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        try:
            while True:
                taken.append(os.open(path, os.O_RDONLY))
        except OSError:
            pass
        try:
            with pytest.raises(OSError) as caught:
                await lib.open(path)
            assert caught.value.errno == 24
            assert caught.value.filename == str(path)
            os.close(taken.pop())
            async with lib.open(path) as file:
                assert await file.read() == "data"
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for descriptor in taken:
                os.close(descriptor)

    asyncio.run(main())


def test_module_says_its_version():
    """The package has a version, and its public names are there."""
    assert aiofiles_c.__version__[0].isdigit()
    for name in aiofiles_c.__all__:
        assert getattr(aiofiles_c, name) is not None
