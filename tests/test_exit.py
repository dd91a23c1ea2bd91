"""How a process ends: files and operations that it has left, interrupts."""

import signal
import subprocess
import sys

import pytest

from .support.child import PATIENCE, python

EXIT = """
import asyncio, os, sys
import aiofiles_c

async def main(way):
    global file
    file = await aiofiles_c.open("file", way)
    await file.write("buffered" if "b" not in way else b"buffered")
    if len(sys.argv) > 2:
        big = b"%07d\\n"
        for number in range(30):
            await file.write(big % number * 10_000)

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize("mode", ("w", "wb"))
def test_exit_with_a_file_open_flushes_it_and_warns(tmp_path, mode):
    """The data of a file nobody closed is written when Python ends."""
    done = python(EXIT, mode, cwd=tmp_path, flags=("-W", "always"))
    assert (tmp_path / "file").read_bytes() == b"buffered"
    assert "ResourceWarning: unclosed file" in done.stderr


def test_exit_with_large_writes_accepted_writes_them_all(tmp_path):
    """So is what was on its way to the disk."""
    python(EXIT, "wb", "big", cwd=tmp_path)
    assert (tmp_path / "file").read_bytes() == b"buffered" + b"".join(
        b"%07d\n" % n * 10_000 for n in range(30)
    )


def test_exit_by_sys_exit_inside_the_loop_flushes(tmp_path):
    """SystemExit from the middle of a program is an exit like any other."""
    done = python(
        """
        import asyncio, sys
        import aiofiles_c

        async def main():
            global file
            file = await aiofiles_c.open("file", "w")
            await file.write("buffered")
            sys.exit(7)

        asyncio.run(main())
        """,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 7
    assert (tmp_path / "file").read_text() == "buffered"


@pytest.mark.parametrize("ended", (True, False))
@pytest.mark.parametrize("mode", ("rb", "wb"))
def test_exit_with_operations_as_globals_is_clean(tmp_path, mode, ended):
    """The engine is there until the last of what it has given is gone."""
    (tmp_path / "file").touch()
    done = python(
        """
        import asyncio, sys
        import aiofiles_c

        async def opened():
            return await aiofiles_c.open("file", sys.argv[1])

        file = asyncio.run(opened())
        operation = file.tell()
        if len(sys.argv) > 2:
            try:
                operation.send(None)
            except (StopIteration, RuntimeError):  # by a thread: no loop
                pass
        """,
        mode,
        *["ended"] * ended,
        cwd=tmp_path,
        flags=("-W", "ignore"),
        PYTHONMALLOC="debug",  # what is freed is overwritten
    )
    assert done.stderr == ""


@pytest.mark.parametrize("run", ("asyncio.run", "loop.run_until_complete"))
def test_exit_with_a_file_that_only_the_engine_refers_to_writes_it(
    tmp_path, run
):
    """By way of what is told of operations; its loop is closed, or is not."""
    python(
        """
        import asyncio
        import aiofiles_c

        async def main():
            file = await aiofiles_c.open("file", "wb")
            await file.write(b"data")
            aiofiles_c.set_trace(lambda *_: file)

        loop = asyncio.new_event_loop()
        RUN(main())
        """.replace("RUN", run),
        cwd=tmp_path,
        flags=("-W", "ignore"),
    )
    assert (tmp_path / "file").read_bytes() == b"data"


@pytest.mark.parametrize("delay", (0.2, 0.213, 0.227))
def test_interrupt_while_much_is_read_ends_the_program(tmp_path, delay):
    """What a signal's handler raises is raised in the program, once is enough.

    The handler runs between the pieces of a read, and where one task's end is
    another's turn.
    """
    (tmp_path / "file").write_bytes(bytes(3 << 20))
    done = python(
        """
        import asyncio, os, signal, sys, threading
        import aiofiles_c

        async def read():
            while True:
                async with aiofiles_c.open("file", "rb") as file:
                    await file.read()

        async def main():
            await asyncio.gather(*(read() for _ in range(8)))

        interrupt = threading.Timer(
            float(sys.argv[1]), os.kill, (os.getpid(), signal.SIGINT)
        )
        interrupt.start()
        try:
            asyncio.new_event_loop().run_until_complete(main())
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            os._exit(0)
        """,
        delay,
        cwd=tmp_path,
    )
    assert done.stdout.split() == ["interrupted"]


PENDING = """
import asyncio, os, sys
import aiofiles_c

async def main():
    os.mkfifo("fifo")
    global kept
    kept = list(os.pipe())
    pipe = await aiofiles_c.open(kept[0], "rb", closefd=False)
    tasks = [
        asyncio.ensure_future(pipe.read(4)),
        asyncio.ensure_future(pipe.readline()),
        asyncio.ensure_future(aiofiles_c.open("fifo", "rb").__aenter__()),
    ]
    kept += [pipe, tasks]
    for _ in range(10):
        await asyncio.sleep(0)
    print("pending", flush=True)
    WAY

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "way, code", (("return", 0), ("sys.exit(3)", 3), ("1 / 0", 1))
)
def test_exit_with_operations_pending_ends_at_once(
    native, tmp_path, way, code
):
    """Reads and opens that hang do not keep the process alive."""
    done = python(PENDING.replace("WAY", way), cwd=tmp_path, check=False)
    assert done.stdout.strip() == "pending"
    assert done.returncode == code, done.stderr


def test_keyboard_interrupt_with_operations_pending_ends_at_once(
    native, tmp_path
):
    """Ctrl-C ends a program whose reads hang."""
    code = PENDING.replace(
        "WAY",
        "asyncio.get_running_loop().call_soon("
        "os.kill, os.getpid(), 2); await tasks[0]",
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.stdout.strip() == "pending"
    assert done.returncode == -signal.SIGINT, done.stderr
    assert "KeyboardInterrupt" in done.stderr


@pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="before Python 3.11 an interrupt may cost the loop a callback",
)
def test_keyboard_interrupt_in_the_middle_leaves_files_whole(
    native, tmp_path
):
    """After Ctrl-C in a loop of writes the file holds whole writes."""
    python(
        """
        import asyncio, signal
        import aiofiles_c

        async def main():
            count = 0
            async with aiofiles_c.open("file", "wb") as file:
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                while True:
                    await file.write(b"%07d\\n" % count)
                    count += 1
                    if count % 100 == 0:
                        await asyncio.sleep(0)

        def interrupt(number, frame):
            signal.raise_signal(signal.SIGINT)

        signal.signal(signal.SIGALRM, interrupt)
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            pass
        data = open("file", "rb").read()
        assert data and len(data) % 8 == 0, len(data)
        assert data == b"".join(
            b"%07d\\n" % n for n in range(len(data) // 8)
        )
        """,
        cwd=tmp_path,
    )
