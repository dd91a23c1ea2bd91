"""The standard streams of a process, at pipes, terminals and files.

Each test runs a program in a process of its own, with its standard streams
at something that the test has the other end of.
"""

import contextlib
import os
import pty
import subprocess
import sys
import time

import aiofiles_c
import pytest

from .support.child import PATIENCE
from .support.program import Program
from .support.waiting import within


@pytest.fixture(params=("pipe", "terminal"))
def program(request, tmp_path):
    """Start a program whose stdin is a pipe, or a terminal."""
    started, opened = [], []

    def start(code):
        if request.param == "pipe":
            end, feed = os.pipe()
        else:
            feed, end = pty.openpty()
        opened.append(feed)
        started.append(
            Program(code, tmp_path, end, subprocess.PIPE, feed)
        )
        os.close(end)
        return started[-1]

    start.kind = request.param
    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()
    for descriptor in opened:
        with contextlib.suppress(OSError):
            os.close(descriptor)


@pytest.fixture
def run(tmp_path):
    """Run a program on the bytes, or the file, that are its input."""

    def go(code, data=b"", file=None):
        if file is not None:
            with open(file, "rb") as given:
                return Program(
                    code, tmp_path, given, subprocess.PIPE
                ).ended()
        one = Program(code, tmp_path, subprocess.PIPE, subprocess.PIPE)
        out, err = one.process.communicate(data, timeout=PATIENCE)
        assert one.process.returncode == 0, err.decode()
        return out.decode(), err.decode()

    return go


def test_pending_readline_does_not_hinder_the_exit(native, program):
    """The process ends within a second of its last line of code."""
    one = program(
        """
        async def main():
            task = asyncio.ensure_future(stdin.readline())
            await pends(task)
            note("pending")

        asyncio.run(main())
        """
    )
    one.noted("pending")
    started = time.monotonic()
    one.ended()
    assert time.monotonic() - started < 1


def test_readline_given_up_again_and_again_returns_every_line(
    native, program
):
    """Time-outs lose neither a line nor half of one."""
    one = program(
        """
        async def main():
            for number in range(50):
                assert await timed(stdin.readline) == f"line {number}\\n"
                note("got")
            print("good")

        asyncio.run(main())
        """
    )
    for number in range(50):
        text = b"line %d\n" % number
        one.write(text[:3])
        if number % 10 == 0:
            time.sleep(0.01)  # time-outs of the program pass
        one.write(text[3:])
        one.noted("got")
    assert one.ended()[0] == "good\n"


def test_lines_that_come_at_once_are_there_at_once(program):
    """What was read ahead of a line is not waited for again."""
    one = program(
        """
        async def main():
            assert await stdin.readline() == "one\\n"
            line = asyncio.wait_for(stdin.readline(), 10)
            assert await line == "two\\n"
            assert await stdin.readline() == "thr\\u00e9\\u00e9\\n"
            print("good")

        asyncio.run(main())
        """
    )
    one.write("one\ntwo\nthr\xe9\xe9\n".encode())
    assert one.ended()[0] == "good\n"


def test_iteration_and_reads_see_the_end(run):
    """Lines, then a part of one without its end, then nothing."""
    out, _ = run(
        """
        async def main():
            print(repr(await stdin.read(3)), repr(await stdin.readline()))
            print([line async for line in stdin])
            print(repr(await stdin.readline()), repr(await stdin.read()))

        asyncio.run(main())
        """,
        "on\xe9 \u20ac\ntwo\nthree".encode(),
    )
    assert out == "'on\xe9' ' \u20ac\\n'\n['two\\n', 'three']\n'' ''\n"


@pytest.mark.parametrize(
    "call, expected",
    (
        ("stdin.read()", "'a\\nb\\r\\nc\\n'"),
        ("stdin.read(4)", "'a\\nb\\r'"),
        ("stdin.readlines()", "['a\\n', 'b\\r\\n', 'c\\n']"),
        ("stdin.readlines(1)", "['a\\n']"),
        ("stdin.readline(1)", "'a'"),
        ("stdin.readline(None)", "TypeError"),
        ("stdin.read(None)", "'a\\nb\\r\\nc\\n'"),
        ("stdin_bytes.read()", "b'a\\nb\\r\\nc\\n'"),
        ("stdin_bytes.read(3)", "b'a\\nb'"),
        ("stdin_bytes.readline()", "b'a\\n'"),
        ("stdin_bytes.readline(1)", "b'a'"),
        ("stdin_bytes.readlines()", "[b'a\\n', b'b\\r\\n', b'c\\n']"),
        ("stdin_bytes.readlines(3)", "[b'a\\n', b'b\\r\\n']"),
        ("stdin_bytes.readinto(bytearray(4))", "4"),
        ("stdin_bytes.readinto(bytearray(9))", "7"),
        ("stdin_bytes.read1(2)", "b'a\\n'"),
        ("stdin_bytes.readinto1(bytearray(2))", "2"),
        ("stdin.readable()", "True"),
        ("stdin.isatty()", "False"),
        ("stdin.seekable()", "False"),
    ),
)
def test_each_way_to_read_a_pipe_gives_what_io_gives(run, call, expected):
    """The results of sys.stdin's own methods, by all of ours."""
    out, _ = run(
        f"""
        async def main():
            try:
                print(repr(await {call}))
            except TypeError:
                print("TypeError")

        asyncio.run(main())
        """,
        b"a\nb\r\nc\n",
    )
    assert out == expected + "\n"


def test_read_ahead_is_there_for_input_and_for_sys_stdin(native, run):
    """A task, input() and sys.stdin take turns on one pipe, in order."""
    out, _ = run(
        """
        got = [sys.stdin.readline(), input()]

        async def main():
            got.append(await stdin.readline())
            got.append(input())
            got.append(next(sys.stdin))
            got.append(await stdin.readline())
            got.append(sys.stdin.read(2))
            got.append(await stdin.readline())
            got.append(await stdin_bytes.readline())
            got.append(sys.stdin.readline())
            got.append(await stdin.read(1))
            got.append(sys.stdin.read())
            print(got)

        asyncio.run(main())
        """,
        b"".join(b"%d23\n" % n for n in range(9)) + b"xyz",
    )
    assert eval(out) == [
        "023\n", "123", "223\n", "323", "423\n", "523\n", "62", "3\n",
        b"723\n", "823\n", "x", "yz",
    ]


def test_part_of_a_line_is_there_for_input_after_a_cancel(native, tmp_path):
    """What a cancelled readline() had fetched is the start of input()."""
    end, feed = os.pipe()
    one = Program(
        """
        async def main():
            await until(unread)
            task = asyncio.ensure_future(stdin.readline())
            await until(lambda: not unread())
            task.cancel()
            await asyncio.wait([task])
            note("cancelled")
            print(input())
            print(input())

        asyncio.run(main())
        """,
        tmp_path, end, subprocess.PIPE, feed,
    )
    os.close(end)
    one.write("caf\xe9 \u20ac".encode()[:-1])
    one.noted("cancelled")
    one.write("\u20ac line\nlast\n".encode()[2:])
    assert one.ended()[0] == "caf\xe9 \u20ac line\nlast\n"
    os.close(feed)


def test_bytes_and_text_given_up_again_and_again_lose_nothing(
    native, tmp_path
):
    """Whatever was asked for, the bytes come in order."""
    end, feed = os.pipe()
    one = Program(
        """
        async def main():
            got = b""
            while len(got) < 5000:
                got += await timed(lambda: stdin_bytes.read(70))
                got += await timed(stdin_bytes.readline)
                got += (await timed(lambda: stdin.read(31))).encode()
                got += "".join(
                    await timed(lambda: stdin.readlines(20))
                ).encode()
            got += (await timed(stdin.read)).encode()
            sys.stdout.buffer.write(got)

        asyncio.run(main())
        """,
        tmp_path, end, subprocess.PIPE, feed,
    )
    os.close(end)
    data = "".join(f"line {n} \xe9\u20ac\n" for n in range(800)).encode()
    for start in range(0, len(data), 37):
        one.write(data[start:start + 37])
        time.sleep(0.0005)  # time-outs of the program pass, now and then
    os.close(feed)
    assert one.ended()[0].encode() == data


@pytest.mark.parametrize("empty", (True, False))
def test_stdin_from_a_file_or_the_null_device_works(run, tmp_path, empty):
    """What cannot be waited for is read as any file."""
    path = os.devnull
    if not empty:
        path = tmp_path / "input"
        path.write_text("one\ntwo\nthree")
    out, _ = run(
        """
        async def main():
            first = await stdin.readline()
            print([first, *[line async for line in stdin]])
            print(await stdin_bytes.read())

        asyncio.run(main())
        """,
        file=path,
    )
    lines = [""] if empty else ["one\n", "two\n", "three"]
    assert out == f"{lines}\nb''\n"


def test_blocking_mode_of_stdin_and_stdout_is_not_changed(program):
    """Neither while a read is pending nor after it, nor at the exit."""
    one = program(
        """
        async def main():
            task = asyncio.ensure_future(stdin.readline())
            await pends(task)
            modes = [os.get_blocking(n) for n in range(3)]
            note("pending")
            await task
            await stdout.write("text\\n")
            await stdout.flush()
            modes += [os.get_blocking(n) for n in range(3)]
            assert modes == [True] * 6, modes

        asyncio.run(main())
        """
    )
    one.noted("pending")
    assert os.get_blocking(one.feed)
    one.write(b"line\n")
    assert one.ended()[0] == "text\n"
    assert os.get_blocking(one.feed)


def test_stdin_and_stdout_work_with_uvloop(program):
    """The same, on the other loop."""
    pytest.importorskip("uvloop")
    one = program(
        """
        import uvloop

        async def main():
            note("pending")
            await stdout.write(await stdin.readline())
            await stdout.flush()
            assert all(os.get_blocking(n) for n in range(3))

        loop = uvloop.new_event_loop()
        loop.run_until_complete(main())
        """
    )
    one.noted("pending")
    time.sleep(0.05)  # in which it comes to wait
    one.write(b"line\n")
    assert one.ended()[0] == "line\n"


def test_loop_goes_on_while_a_thread_waits_in_input(native, tmp_path):
    """So it does for reads: the thread has the line that comes first."""
    end, feed = os.pipe()
    one = Program(
        """
        async def main():
            got = [await stdin.readline()]
            loop = asyncio.get_running_loop()
            waiting = loop.run_in_executor(None, input)
            await until(waits)
            task = asyncio.ensure_future(stdin.readline())
            await pends(task)
            note("goes on")
            got += [await waiting, await task]
            print(got)

        def waits():
            return any(
                frame.f_code.co_name == "outside"
                for frame in sys._current_frames().values()
            )

        asyncio.run(main())
        """,
        tmp_path, end, subprocess.PIPE, feed,
    )
    os.close(end)
    one.write(b"one\n")
    one.noted("goes on")
    one.write(b"two\nthree\n")
    os.close(feed)
    assert one.ended()[0] == "['one\\n', 'two', 'three\\n']\n"


def test_loop_that_cannot_wait_for_descriptors_uses_the_executor(run):
    """A loop of one's own need not have add_reader()."""
    out, _ = run(
        """
        class Loop(asyncio.SelectorEventLoop):
            add_reader = asyncio.AbstractEventLoop.add_reader

        async def main():
            await stdout.write(await stdin.readline())
            await stdout.write(await stdin.read())
            await stdout.flush()

        loop = Loop()
        loop.run_until_complete(main())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        """,
        b"one\ntwo\n",
    )
    assert out == "one\ntwo\n"


async def test_replaced_stdin_over_a_pipe_is_waited_for(native, monkeypatch):
    """A sys.stdin of one's own, of the classes of io, is as good."""
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as replaced:
        monkeypatch.setattr(sys, "stdin", replaced)
        before = aiofiles_c.stats()["delegate"]
        os.write(writing, b"line\nrest")
        assert await within(aiofiles_c.stdin.readline()) == "line\n"
        os.close(writing)
        assert await within(aiofiles_c.stdin.read()) == "rest"
        assert aiofiles_c.stats()["delegate"] == before


def test_streams_have_the_classes_of_aiofiles():
    """Names and classes are those that programs know."""
    import aiofiles

    for name in ("stdin", "stdout", "stderr"):
        for full in (name, name + "_bytes"):
            ours, theirs = getattr(aiofiles_c, full), getattr(aiofiles, full)
            assert type(ours).__name__ == type(theirs).__name__
            assert type(ours).__module__.split(".")[1:] == (
                type(theirs).__module__.split(".")[1:]
            )
