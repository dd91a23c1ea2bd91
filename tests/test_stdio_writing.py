"""Writing to the standard streams of a process, at pipes and replaced ones.

Most tests run a program in a process of its own, whose standard output nobody
reads for a while.
"""

import contextlib
import io
import os
import subprocess

import aiofiles_c
import pytest

from .support.program import Program
from .support.waiting import within


def test_write_to_a_full_pipe_keeps_no_thread_and_is_written_at_exit(
    native, tmp_path
):
    """Nobody reads for a while: the loop waits, and so does the exit."""
    one = Program(
        """
        async def main():
            task = asyncio.ensure_future(stdout.write("x" * 1_000_000))
            await until(lambda: not room())
            await pends(task)
            assert aiofiles_c.stats()["running"] == 0
            assert threading.active_count() == 1
            note("pending")

        asyncio.run(main())
        """,
        tmp_path, subprocess.DEVNULL, subprocess.PIPE,
    )
    one.noted("pending")
    assert one.ended()[0] == "x" * 1_000_000


def test_prints_and_writes_come_out_in_their_order(tmp_path):
    """print() and await write() share the buffer of sys.stdout."""
    one = Program(
        """
        async def main():
            for number in range(3000):
                print("p", number)
                await stdout.write(f"w {number}\\n")
                if number % 7 == 0:
                    await stdout.flush()
                if number % 11 == 0:
                    sys.stdout.flush()
                    await stdout_bytes.write(b"b %d\\n" % number)

        asyncio.run(main())
        """,
        tmp_path, subprocess.DEVNULL, subprocess.PIPE,
    )
    expected = "".join(
        f"p {n}\nw {n}\n" + (f"b {n}\n" if n % 11 == 0 else "")
        for n in range(3000)
    )
    assert one.ended()[0] == expected


@pytest.mark.parametrize("where", ("the loop's thread", "another thread"))
def test_write_cancelled_at_a_full_pipe_comes_out_once_before_a_print(
    native, tmp_path, where
):
    """What was accepted goes out whole, and what is printed comes behind."""
    one = Program(
        f"""
        def printing():
            print("printed", flush=True)

        async def main():
            task = asyncio.ensure_future(stdout.write("x" * 300_000))
            await until(lambda: not room())
            task.cancel()
            await asyncio.wait([task])
            note("cancelled")
            if {where!r} == "another thread":
                await asyncio.get_running_loop().run_in_executor(
                    None, printing
                )
            else:
                printing()
            await stdout.write("written\\n")
            await stdout.flush()

        asyncio.run(main())
        """,
        tmp_path, subprocess.DEVNULL, subprocess.PIPE,
    )
    one.noted("cancelled")
    assert one.ended()[0] == "x" * 300_000 + "printed\nwritten\n"


def test_write_cancelled_at_a_full_pipe_goes_on_by_itself(native, tmp_path):
    """What was accepted is written without another call."""
    one = Program(
        """
        async def main():
            task = asyncio.ensure_future(stdout.write("x" * 300_000))
            await until(lambda: not room())
            task.cancel()
            await asyncio.wait([task])
            note("cancelled")
            assert await stdin.readline() == "all there\\n"

        asyncio.run(main())
        """,
        tmp_path, subprocess.PIPE, subprocess.PIPE,
    )
    one.noted("cancelled")
    left = 300_000
    while left:
        left -= len(os.read(one.process.stdout.fileno(), left))
    one.process.stdin.write(b"all there\n")
    assert one.ended()[0] == ""


def test_loop_goes_on_while_a_thread_prints_to_a_full_pipe(native, tmp_path):
    """A write then waits for that thread, off the loop."""
    one = Program(
        """
        def printing():
            sys.stdout.write("p" * 200_000)
            sys.stdout.flush()

        async def main():
            await stdout.write("first\\n")
            await stdout.flush()
            thread = threading.Thread(target=printing)
            thread.start()
            await until(lambda: not room())
            task = asyncio.ensure_future(stdout.write("w" * 20_000))
            await pends(task)
            assert aiofiles_c.stats()["running"] == 0
            note("goes on")
            await task
            thread.join()

        asyncio.run(main())
        """,
        tmp_path, subprocess.DEVNULL, subprocess.PIPE,
    )
    one.noted("goes on")
    out = one.ended()[0]
    assert out == "first\n" + "p" * 200_000 + "w" * 20_000


def test_forked_child_does_not_write_what_the_parent_owes(native, tmp_path):
    """What was accepted is the parent's to write."""
    one = Program(
        """
        async def main():
            task = asyncio.ensure_future(stdout.write("x" * 300_000))
            await until(lambda: not room())
            note("full")
            await stdin.readline()
            warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
            pid = os.fork()
            if pid == 0:
                # The child's part of an exit; asyncio of Python 3.14 cannot
                # unwind a loop that was running when the process was copied.
                atexit._run_exitfuncs()
                sys.stdout.flush()
                os._exit(7)
            await task
            note(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

        asyncio.run(main())
        """,
        tmp_path, subprocess.PIPE, subprocess.PIPE,
    )
    one.noted("full")
    one.process.stdin.write(b"fork\n")
    one.process.stdin.flush()
    out, notes = one.ended()
    assert out == "x" * 300_000
    assert notes.split() == ["7"]


def test_write_to_a_pipe_that_nobody_reads_is_a_broken_pipe(tmp_path):
    """As by sys.stdout itself."""
    end, other = os.pipe()
    one = Program(
        """
        async def main():
            note("ready")
            nobody = select.poll()
            nobody.register(1, 0)
            await until(lambda: nobody.poll(0))
            try:
                await stdout.write("x" * 100_000)
                await stdout.flush()
            except BrokenPipeError:
                os._exit(0)
            os._exit(1)

        asyncio.run(main())
        """,
        tmp_path, subprocess.DEVNULL, other,
    )
    os.close(other)
    one.noted("ready")
    os.close(end)
    one.ended()


async def test_redirected_stdout_is_followed_at_each_call(ours):
    """contextlib.redirect_stdout and its like have what is written."""
    module, text = ours.module, io.StringIO()
    with contextlib.redirect_stdout(text):
        await within(module.stdout.write("one "))
    other = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(other):
        await within(module.stdout.write("two "))
        await within(module.stdout.flush())
        await within(module.stdout_bytes.write(b"three"))
    assert text.getvalue() == "one "
    assert other.buffer.getvalue() == b"two three"


async def test_captured_stdout_has_what_is_written(capfd):
    """pytest's capture of the descriptors is a replaced sys.stdout too."""
    await within(aiofiles_c.stdout.write("out\n"))
    await within(aiofiles_c.stderr.write("err\n"))
    await within(aiofiles_c.stdout.flush())
    assert capfd.readouterr() == ("out\n", "err\n")


async def test_bytes_for_stderr_come_behind_its_text(capfd):
    """stderr and stderr_bytes are one stream, as sys.stderr and its buffer."""
    await within(aiofiles_c.stderr.write("text "))
    await within(aiofiles_c.stderr.flush())
    assert await within(aiofiles_c.stderr_bytes.write(b"bytes\xff\n")) == 7
    await within(aiofiles_c.stderr_bytes.flush())
    assert capfd.readouterr().err.startswith("text bytes")
