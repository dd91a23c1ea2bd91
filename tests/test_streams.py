"""Pipes, FIFOs, terminals and sockets: the loop waits for them, no worker.

So a pending read can be cancelled and loses nothing, any number of them can
be pending, and nothing of what others do with the descriptor is disturbed.
"""

import asyncio
import fcntl
import gc
import io
import os
import pty
import socket
import tty

import aiofiles_c
import pytest

from .support.child import python
from .support.waiting import cancelled, eventually, pends, turns, within


@pytest.fixture(autouse=True)
def engine(native):
    """An executor's thread waits inside of its call."""


def pipe(folder):
    return os.pipe()


def fifo(folder):
    path = os.path.join(folder, "fifo")
    os.mkfifo(path)
    both = os.open(path, os.O_RDWR)
    try:
        return os.open(path, os.O_RDONLY), os.open(path, os.O_WRONLY)
    finally:
        os.close(both)


def terminal(folder):
    other, end = pty.openpty()
    tty.setraw(end)
    return end, other


def connection(folder):
    first, second = socket.socketpair()
    return first.detach(), second.detach()


KINDS = {"pipe": pipe, "fifo": fifo, "terminal": terminal,
         "socket": connection}


class Ends:
    """A descriptor for a file to take, and the one at its other end."""

    def __init__(self, pair):
        self.file, self.other = pair
        self.taken = False

    def take(self):
        self.taken = True
        return self.file

    def hang_up(self):
        os.close(self.other)
        self.other = None

    def close(self):
        if self.other is not None:
            os.close(self.other)
        if not self.taken:
            os.close(self.file)


@pytest.fixture(params=KINDS)
def ends(request, tmp_path):
    """A file is to read; it is fed at the other end."""
    found = Ends(KINDS[request.param](tmp_path))
    yield found
    found.close()


@pytest.fixture(params=KINDS)
def outlet(request, tmp_path):
    """A file is to write; what it writes is read at the other end."""
    file, other = KINDS[request.param](tmp_path)
    if request.param in ("pipe", "fifo"):
        file, other = other, file
    found = Ends((file, other))
    yield found
    found.close()


@pytest.fixture
def one_worker():
    """One worker: whoever keeps it keeps every other operation waiting."""
    before = aiofiles_c.stats()["max_threads"]
    aiofiles_c.set_threads(1)
    yield
    aiofiles_c.set_threads(before)


async def hang(awaitable):
    task = asyncio.ensure_future(awaitable)
    await pends(task)
    return task


async def read_off(descriptor, count):
    """Read so many bytes at the other end, off the loop."""

    def read():
        data = b""
        while len(data) < count:
            part = os.read(descriptor, 1 << 16)
            assert part
            data += part
        return data

    loop = asyncio.get_running_loop()
    return await within(loop.run_in_executor(None, read))


@pytest.mark.parametrize("mode", ("r", "rb"))
async def test_line_that_comes_in_parts_is_one_line(ends, mode):
    """Part of a line is no line; it stays for whoever asks next."""
    async with aiofiles_c.open(ends.take(), mode) as file:
        task = await hang(file.readline())
        os.write(ends.other, b"par")
        await pends(task)
        await cancelled(task)
        task = await hang(file.readline())
        os.write(ends.other, b"tial\nrest\n")
        assert await within(task) in ("partial\n", b"partial\n")
        assert await within(file.readline()) in ("rest\n", b"rest\n")


async def test_read_whose_peer_hangs_up_is_at_the_end(ends):
    """The end of the stream wakes a pending read."""
    if os.isatty(ends.file):
        pytest.skip("a terminal that hangs up is an error, not the end")
    async with aiofiles_c.open(ends.take(), "rb") as file:
        task = await hang(file.read())
        os.write(ends.other, b"all")
        ends.hang_up()
        assert await within(task) == b"all"
        assert await within(file.read()) == b""
        assert await within(file.readline()) == b""


async def test_raw_read_takes_what_is_there(ends):
    """One call of the system, as soon as there is something."""
    async with aiofiles_c.open(ends.take(), "rb", buffering=0) as file:
        task = await hang(file.read(100))
        os.write(ends.other, b"some")
        assert await within(task) == b"some"


async def test_reads_pending_keep_no_worker(one_worker, make, tmp_path):
    """100 reads that nobody answers, and a local file is read at once."""
    path = make(b"local")
    pairs = [os.pipe() for _ in range(100)]
    files = [await aiofiles_c.open(r, "rb") for r, _ in pairs]
    tasks = [asyncio.ensure_future(f.readline()) for f in files]
    await turns(5)
    await eventually(
        lambda: aiofiles_c.stats()["running"] == 0, "no worker is held", 5
    )
    async with aiofiles_c.open(path, "rb") as file:
        assert await within(file.read(), 5) == b"local"
    for task in tasks[::2]:
        task.cancel()
    await turns(3)
    for number, (_, other) in enumerate(pairs):
        os.write(other, b"%d\n" % number)
    for number, (file, task) in enumerate(zip(files, tasks)):
        reading = task if number % 2 else file.readline()
        assert await within(reading) == b"%d\n" % number
    for file, (_, other) in zip(files, pairs):
        await within(file.close())
        os.close(other)


@pytest.mark.parametrize("buffering", (-1, 0))
async def test_write_to_a_full_stream_keeps_no_worker(
    outlet, one_worker, make, buffering
):
    """The rest waits for room without a worker, and is written whole."""
    path, data = make(b"local"), bytes(range(1, 251)) * 4000
    async with aiofiles_c.open(outlet.take(), "wb", buffering) as file:
        task = await hang(file.write(data))
        await eventually(
            lambda: aiofiles_c.stats()["running"] == 0, "no worker is held"
        )
        async with aiofiles_c.open(path, "rb") as local:
            assert await within(local.read(), 5) == b"local"
        assert await read_off(outlet.other, len(data)) == data
        assert await within(task) == len(data)


async def test_write_to_a_full_stream_cancelled_is_written_once(outlet):
    """What was accepted goes on when there is room, in order."""
    data = bytes(range(1, 251)) * 4000
    async with aiofiles_c.open(outlet.take(), "wb") as file:
        await cancelled(await hang(file.write(data)))
        more = asyncio.ensure_future(file.write(b"end"))
        got = await read_off(outlet.other, len(data))
        await within(more)
        await within(file.flush())
        got += await read_off(outlet.other, len(data) + 3 - len(got))
        assert got == data + b"end"


async def test_write_whose_reader_goes_is_a_broken_pipe(tmp_path):
    """The pending write is told, and close() frees the descriptor."""
    reading, writing = os.pipe()
    file = await aiofiles_c.open(writing, "wb")
    task = await hang(file.write(b"x" * 1_000_000))
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        await within(task)
    with pytest.raises(BrokenPipeError):
        await within(file.close())
    assert file.closed


async def test_close_waits_for_a_full_stream_without_a_worker(
    outlet, one_worker, make
):
    """close() writes all that is left, as the stream takes it."""
    path, data = make(b"local"), b"x" * 4000
    file = await aiofiles_c.open(outlet.take(), "wb", buffering=1 << 20)
    for _ in range(200):
        await within(file.write(data))
    task = await hang(file.close())
    async with aiofiles_c.open(path, "rb") as local:
        assert await within(local.read(), 5) == b"local"
    assert await read_off(outlet.other, 800_000) == data * 200
    await within(task)
    assert file.closed


async def test_reader_of_the_users_own_is_unharmed(ends):
    """add_reader() on the same descriptor is called as before."""
    loop = asyncio.get_running_loop()
    called = []
    loop.add_reader(ends.file, called.append, 1)
    descriptor = ends.file
    file = await aiofiles_c.open(descriptor, "rb", closefd=False)
    await cancelled(await hang(file.readline()))
    task = await hang(file.readline())
    assert not called
    os.write(ends.other, b"line\n")
    assert await within(task) == b"line\n"
    called.clear()
    os.write(ends.other, b"more\n")
    await eventually(lambda: called, "the user's reader is called")
    assert loop.remove_reader(descriptor)
    await within(file.close())


async def test_files_on_one_descriptor_share_what_comes(ends):
    """Each of two pending reads is woken, and gets what the other left."""
    first = await aiofiles_c.open(ends.file, "rb", 0, closefd=False)
    second = await aiofiles_c.open(ends.file, "rb", 0, closefd=False)
    tasks = [await hang(first.read(3)), await hang(second.read(3))]
    os.write(ends.other, b"abc")
    done, pending = await asyncio.wait(
        tasks, timeout=20, return_when=asyncio.FIRST_COMPLETED
    )
    assert len(done) == 1
    os.write(ends.other, b"def")
    got = await within(asyncio.gather(*tasks))
    assert sorted(got) == [b"abc", b"def"]
    await first.close()
    await second.close()


def is_blocking(descriptor):
    return not fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_NONBLOCK


async def waits_and_reads(ends):
    """The blocking mode before, during and after a read that waits."""
    file = await aiofiles_c.open(ends.file, "rb", closefd=False)
    modes = [is_blocking(ends.file)]
    task = await hang(file.readline())
    modes += [is_blocking(ends.file), is_blocking(ends.other)]
    await cancelled(task)
    task = await hang(file.readline())
    os.write(ends.other, b"line\n")
    assert await within(task) == b"line\n"
    modes.append(is_blocking(ends.file))
    await file.close()
    return modes


async def test_blocking_mode_is_not_changed(ends):
    """Others who share the descriptor find it as it was."""
    assert await waits_and_reads(ends) == [True] * 4


def test_streams_work_with_uvloop(ends):
    """So they do with uvloop, which would change it by itself."""
    uvloop = pytest.importorskip("uvloop")
    loop = uvloop.new_event_loop()
    try:
        assert loop.run_until_complete(waits_and_reads(ends)) == [True] * 4
    finally:
        loop.close()


def test_writes_work_with_uvloop(outlet):
    """Waiting for room included."""
    uvloop = pytest.importorskip("uvloop")

    async def main():
        data = b"0123456789" * 100_000
        async with aiofiles_c.open(outlet.take(), "wb") as file:
            task = await hang(file.write(data))
            assert await read_off(outlet.other, len(data)) == data
            await within(task)

    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def test_descriptor_that_is_non_blocking_does_as_builtin_open(ends):
    """Who has set O_NONBLOCK himself gets None, not a wait."""
    os.set_blocking(ends.file, False)
    async with aiofiles_c.open(ends.take(), "rb", 0) as file:
        assert await within(file.read(5)) is None
        os.write(ends.other, b"data")
        assert await within(file.read(5)) == b"data"


def descriptor_count():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(
    not os.path.isdir("/proc/self/fd"), reason="there is no /proc"
)
def test_loop_closed_while_waiting_leaves_the_file_usable(ends):
    """The next loop reads on; nothing of the closed one stays."""
    before = descriptor_count()

    async def begin(task_of):
        file = await aiofiles_c.open(ends.file, "rb", closefd=False)
        task_of.append(await hang(file.readline()))
        return file

    async def go_on(file):
        os.write(ends.other, b"line\n")
        assert await within(file.readline()) == b"line\n"
        await file.close()

    loop, tasks = asyncio.new_event_loop(), []
    file = loop.run_until_complete(begin(tasks))
    loop.close()
    asyncio.run(go_on(file))
    tasks[0]._log_destroy_pending = False
    tasks.clear()
    del loop, file
    gc.collect()
    assert descriptor_count() == before


def test_write_that_waits_goes_on_in_the_next_loop(tmp_path):
    """A loop that is closed takes no accepted byte with it."""
    reading, writing = os.pipe()

    async def begin():
        file = await aiofiles_c.open(writing, "wb")
        task = await hang(file.write(b"x" * 300_000))
        await cancelled(task)
        return file

    async def go_on(file):
        closing = asyncio.ensure_future(file.close())
        assert await read_off(reading, 300_000) == b"x" * 300_000
        await within(closing)

    file = asyncio.run(begin())
    asyncio.run(go_on(file))
    os.close(reading)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_read_that_waits_at_a_fork_stays_the_parents(tmp_path):
    """The child reads by a loop of its own; the parent's wait goes on."""
    python(
        """
        import asyncio, os, warnings
        import aiofiles_c
        warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)

        reading, writing = os.pipe()

        async def begin():
            file = await aiofiles_c.open(reading, "rb", 0)
            task = asyncio.ensure_future(file.read(4))
            await asyncio.sleep(0.02)  # in which it could end
            assert not task.done()
            return file, task

        loop = asyncio.new_event_loop()
        file, task = loop.run_until_complete(begin())
        pid = os.fork()
        if pid == 0:
            async def child():
                os.write(writing, b"one\\n")
                return await asyncio.wait_for(file.read(4), 10)

            os._exit(asyncio.run(child()) != b"one\\n")
        assert os.waitpid(pid, 0)[1] == 0
        os.write(writing, b"two\\n")
        waiting = asyncio.wait_for(task, 10)
        assert loop.run_until_complete(waiting) == b"two\\n"
        loop.run_until_complete(file.close())
        loop.close()
        """,
        cwd=tmp_path,
    )


def test_no_descriptor_left_to_wait_with_is_an_error(tmp_path):
    """Not a worker that waits instead; a later read works, nothing is lost."""
    python(
        """
        import asyncio, errno, os, resource
        import aiofiles_c

        async def fails(awaitable):
            try:
                await asyncio.wait_for(awaitable, 10)
            except OSError as error:
                assert error.errno == errno.EMFILE, error
            else:
                raise AssertionError("no error")

        async def main():
            reading, writing = os.pipe()
            source = await aiofiles_c.open(reading, "rb")
            sink = await aiofiles_c.open(writing, "wb", 0)
            await sink.write(b"warm")
            assert await source.read(4) == b"warm"
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (4, limit[1]))
            await fails(source.readline())
            await fails(sink.write(b"x" * 200_000))
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
            rest = asyncio.ensure_future(sink.flush())
            assert await source.read(200_000) == b"x" * 200_000
            await rest
            await sink.close()
            assert await source.read() == b""
            await source.close()

        asyncio.run(main())
        """,
        cwd=tmp_path,
    )


async def test_isatty_tells_a_terminal_from_the_others(ends):
    """As os.isatty() of the descriptor does."""
    expected = os.isatty(ends.file)
    async with aiofiles_c.open(ends.take(), "rb") as file:
        assert await within(file.isatty()) is expected


async def test_conversion_with_bytes_read_ahead_is_refused(native):
    """They could not be given back to the pipe; nothing is lost."""
    reading, writing = os.pipe()
    os.write(writing, b"one\ntwo\n")
    os.close(writing)
    async with aiofiles_c.open(reading, "rb") as file:
        assert await within(file.readline()) == b"one\n"
        with pytest.raises(io.UnsupportedOperation, match="read ahead"):
            _ = file._file
        assert await within(file.read()) == b"two\n"


async def test_conversion_of_a_file_with_a_pending_read_goes_on(tmp_path):
    """Asking for the synchronous object does not wait for the pipe."""
    reading, writing = os.pipe()
    file = await aiofiles_c.open(reading, "rb")
    task = await hang(file.readline())
    real = file._file
    os.write(writing, b"line\n")
    assert await within(task) == b"line\n"
    assert real.fileno() == reading
    await within(file.close())
    os.close(writing)


async def test_stream_in_both_directions_answers(tmp_path):
    """A socket, raw and in mode r+b: write, then read the answer."""
    first, second = socket.socketpair()
    with second:
        async with aiofiles_c.open(first.detach(), "r+b", 0) as file:
            assert await within(file.write(b"question")) == 8
            assert second.recv(100) == b"question"
            task = await hang(file.read(100))
            second.send(b"answer")
            assert await within(task) == b"answer"


def packet_pipe():
    """A pipe, see O_DIRECT in pipe(2)."""
    if not hasattr(os, "pipe2"):
        pytest.skip("there are no pipes of packets")
    return os.pipe2(os.O_DIRECT)


def packet_sockets():
    """Two sockets."""
    kind = socket.SOCK_SEQPACKET
    return [end.detach() for end in socket.socketpair(type=kind)]


@pytest.mark.parametrize("pair", (packet_pipe, packet_sockets))
@pytest.mark.parametrize("mode", ("r", "rb"))
async def test_read_of_all_takes_packets_whole(lib, pair, mode):
    """What does not fit into one read of a packet would be lost."""
    reading, writing = pair()
    for line in (b"first\n", b"second\n", b"third\n"):
        os.write(writing, line)
    os.close(writing)
    async with lib.open(reading, mode) as file:
        lines = await within(file.read())
    wanted = "first\nsecond\nthird\n"
    assert lines == (wanted if mode == "r" else wanted.encode())


async def test_null_device_and_regular_file_are_no_streams(make):
    """What is always ready is read and written as ever."""
    for mode in ("rb", "wb"):
        async with aiofiles_c.open(os.open(os.devnull, os.O_RDWR), mode) as f:
            if mode == "rb":
                assert await within(f.read()) == b""
            else:
                assert await within(f.write(b"x" * 100_000)) == 100_000
    descriptor = os.open(make(b"content"), os.O_RDONLY)
    async with aiofiles_c.open(descriptor, "rb") as f:
        assert await within(f.read()) == b"content"
