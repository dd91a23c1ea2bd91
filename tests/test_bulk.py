"""Reads of much, in several turns of the loop: one after the other."""

import asyncio
import os
import threading
import time
import tracemalloc
from contextlib import contextmanager

import aiofiles_c
import pytest

from .support.child import FORKING, python
from .support.kernel import reads_at_once, skip_unless
from .support.waiting import PATIENCE, cancelled, turns, within

MIB = 1 << 20
LINE = b"0123456789abcde " * 64 + b"\n"
WIDE = "\u00e9".encode() * 512 + LINE
# Mode and content: what takes several steps, and what workers read.
MUCH = {
    "text": ("r", WIDE * (MIB // 1024 - 50)),
    "bytes": ("rb", LINE * (7 * MIB // 1025)),
    "text by workers": ("r", LINE * (10 * MIB // 1025)),
    "bytes by workers": ("rb", LINE * (12 * MIB // 1025)),
}


class Much:
    """A file, all of it in the page cache, and how it is opened."""

    def __init__(self, path, mode, length, kind):
        self.path, self.mode, self.length = path, mode, length
        self.kind = kind

    def opened(self):
        """One more file object for it."""
        encoding = None if "b" in self.mode else "utf-8"
        return aiofiles_c.open(self.path, self.mode, encoding=encoding)

    async def read(self):
        """Read all of it, and keep nothing."""
        async with self.opened() as file:
            return len(await file.read())

    async def is_read_by(self, count):
        """As many tasks read it at the same time."""
        given = asyncio.gather(*(self.read() for _ in range(count)))
        assert await within(given) == [self.length] * count

    async def begin(self, file):
        """The first step of a read, which is not the last: the operation."""
        await self.read()  # the first may be by workers
        for _ in range(1000):  # so that it does not give way
            await file.tell()
        asyncio.get_running_loop().call_soon(int)  # for which the next does
        op = file.read()
        op.send(None)
        return op


@pytest.fixture(params=MUCH)
def much(request, make):
    """Each of them in turn."""
    mode, data = MUCH[request.param]
    length = len(data if "b" in mode else data.decode())
    return Much(make(data), mode, length, request.param)


async def most_memory(awaitable):
    """That was taken meanwhile, at a time; seconds; the result."""
    tracemalloc.start()
    started = time.monotonic()
    try:
        result = await within(awaitable)
        seconds = time.monotonic() - started
        return tracemalloc.get_traced_memory()[1], seconds, result
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "much, how",
    [(kind, how) for kind in MUCH for how in ("read", "sized")]
    + [("text", "readlines")],
    indirect=("much",),
)
async def test_tasks_that_read_much_do_not_all_hold_it_at_once(
    at_once, much, how
):
    """Ten of them hold about as much as one, if they keep nothing of it.

    Who takes longer than 20 ms lets another begin.
    """

    async def read():
        async with much.opened() as file:
            if how == "sized":
                return len(await file.read(much.length))
            return len(await getattr(file, how)())

    skip_unless(reads_at_once, much.path)
    one, _, given = await most_memory(read())
    ten, seconds, together = await most_memory(
        asyncio.gather(*(read() for _ in range(10)))
    )
    assert together == [given] * 10
    assert ten < (2 + seconds / 0.02) * one


@pytest.mark.parametrize("much", ("text", "bytes"), indirect=True)
async def test_tasks_that_read_much_end_in_the_order_of_their_beginning(
    at_once, much
):
    """With turns of the loop between, for it is not done in one."""
    skip_unless(reads_at_once, much.path)
    ended = {}
    turn = 0

    async def read(number):
        await much.read()
        ended[number] = turn

    await much.read()  # the first may be by workers
    task = asyncio.gather(*map(read, range(5)))
    while not task.done():
        await asyncio.sleep(0)
        turn += 1
    assert list(ended) == list(range(5))
    assert ended[0] < ended[4] / 2, ended


async def test_read_of_much_that_nobody_goes_on_with_holds_up_no_other(
    native, much
):
    """It has begun, and those that come after it begin all the same."""
    async with much.opened() as file:
        left = await much.begin(file)
        await much.is_read_by(3)
        left.close()
        assert len(await file.read()) == much.length


async def test_read_of_much_that_nobody_waits_with_holds_up_no_other(
    native, much
):
    """It is the next that begins, and is not gone on with."""
    async with much.opened() as file, much.opened() as other:
        first = await much.begin(file)
        left = other.read()
        left.send(None)
        others = asyncio.ensure_future(much.is_read_by(3))
        await turns(2)
        first.close()
        await others
        left.close()
        assert len(await other.read()) == much.length


async def test_read_of_much_that_is_cancelled_holds_up_no_other(ours, much):
    """In the middle, or before it has begun; it has lost nothing."""
    for which in range(3):
        files = [await much.opened() for _ in range(4)]
        tasks = [asyncio.ensure_future(file.read()) for file in files]
        await turns(2)
        if not tasks[which].done():
            if not ours.native:
                await within(tasks[which])
            else:
                await cancelled(tasks[which])
        for task in tasks:
            if not task.cancelled():
                assert len(await within(task)) == much.length
        if tasks[which].cancelled():
            assert len(await files[which].read()) == much.length
        for file in files:
            await file.close()


def test_reads_of_much_whose_loop_is_closed_hold_up_no_other(native, much):
    """One in the middle, and some behind it: nobody goes on with them."""

    async def begin():
        files = [await much.opened() for _ in range(4)]
        tasks = [asyncio.ensure_future(file.read()) for file in files]
        await turns(2)
        return files, tasks

    async def end(files, tasks):
        await much.is_read_by(3)
        for file, task in zip(files, tasks, strict=True):
            left = 0 if task.done() else much.length
            assert len(await within(file.read())) == left
            await file.close()

    loop = asyncio.new_event_loop()
    files, tasks = loop.run_until_complete(begin())
    loop.close()
    for task in tasks:
        task._log_destroy_pending = False
    asyncio.run(end(files, tasks))


@pytest.fixture
async def timers(monkeypatch):
    """Those that the engine has set in the running loop."""
    loop = asyncio.get_running_loop()
    call_later, found = loop.call_later, []

    def watched(delay, callback, *args, **options):
        timer = call_later(delay, callback, *args, **options)
        if getattr(callback, "__name__", "") == "_look":
            found.append(timer)
        return timer

    monkeypatch.setattr(loop, "call_later", watched)
    return found


@contextmanager
def refused(name, error):
    """A function of the running loop raises an error."""

    def raises(*_):
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), name, raises)
        yield


async def test_read_of_much_does_not_hold_up_one_of_less(
    at_once, much, tmp_path, timers
):
    """It waits for those that are about as large, not for one of 7 MB."""
    skip_unless(reads_at_once, much.path)
    path = tmp_path / "less"
    path.write_bytes(b"a line\n" * 30_000)
    for _ in range(1000):
        async with much.opened() as file, aiofiles_c.open(
            path, "rb"
        ) as other:
            left = await much.begin(file)
            assert len(await other.readlines()) == 30_000
            assert not timers
            await much.read()
            left.close()
        if timers:
            break  # it was soon enough that the first had not had its time
    else:
        raise AssertionError("none waited")


@pytest.mark.parametrize(
    "name, error",
    (
        ("call_later", OSError),
        ("call_later", MemoryError),
        ("create_future", MemoryError),
    ),
)
async def test_read_of_much_that_cannot_wait_begins(
    at_once, much, name, error
):
    """To wait gains time, and is nothing that it needs."""
    skip_unless(reads_at_once, much.path)
    async with much.opened() as file, much.opened() as other:
        left = await much.begin(file)
        with refused(name, error):
            assert len(await other.read()) == much.length
        left.close()


async def test_read_of_much_whose_timer_is_not_set_again_begins(
    at_once, much, monkeypatch
):
    """Where nobody would look again, it is waited for no more."""
    skip_unless(reads_at_once, much.path)
    loop = asyncio.get_running_loop()
    call_later, looks = loop.call_later, []

    def once(delay, callback, *args, **options):
        if getattr(callback, "__name__", "") == "_look":
            looks.append(callback)
            if len(looks) > 1:
                raise MemoryError
        return call_later(delay, callback, *args, **options)

    async with much.opened() as file, much.opened() as other:
        left = await much.begin(file)
        with monkeypatch.context() as patch:
            patch.setattr(loop, "call_later", once)
            assert len(await within(other.read())) == much.length
        left.close()


async def test_read_of_much_is_interrupted_where_it_begins_to_wait(
    at_once, much
):
    """What is no Exception is not hidden."""
    skip_unless(reads_at_once, much.path)
    async with much.opened() as file, much.opened() as other:
        for _ in range(1000):
            left = await much.begin(file)
            op = other.read()
            with refused("call_later", KeyboardInterrupt):
                try:
                    op.send(None)
                except KeyboardInterrupt:
                    break
                finally:
                    op.close()
                    left.close()
        else:
            raise AssertionError("it did not wait")
        assert len(await within(other.read())) == much.length


@pytest.mark.parametrize("error", (KeyboardInterrupt, OSError))
async def test_what_a_signal_handler_raises_in_a_hand_over_is_not_lost(
    at_once, much, error
):
    """It is raised in the program, and the read that has its turn is woken."""
    skip_unless(reads_at_once, much.path)
    loop = asyncio.get_running_loop()
    make, waits = loop.create_future, []

    class Interrupted(asyncio.Future):
        def set_result(self, result):
            super().set_result(result)
            raise error  # as the handler of a signal that comes just then

    def make_one():
        if waits:
            return make()
        waits.append(Interrupted(loop=loop))
        return waits[0]

    async with much.opened() as file, much.opened() as other:
        for _ in range(1000):
            left, op = await much.begin(file), other.read()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(loop, "create_future", make_one)
                waiting = op.send(None)
            if waits and waiting is waits[0]:
                break
            op.close()  # the other had had its time
            left.close()
            waits.clear()
        with pytest.raises(error):
            left.close()
            for _ in range(10):
                pass  # until the interpreter looks
        assert waits[0].done()
        op.close()
        assert len(await within(other.read())) == much.length


async def test_reads_of_much_leave_one_timer_behind_at_the_most(
    at_once, much, timers
):
    """Not one each, and none for long."""
    skip_unless(reads_at_once, much.path)
    await much.is_read_by(30)
    now = asyncio.get_running_loop().time()
    late = [timer for timer in timers if timer.when() > now]
    assert timers
    assert len(late) <= 1
    assert all(timer.when() < now + 0.1 for timer in late)


async def test_read_of_much_that_waits_goes_on_when_the_number_is_given(
    native, much
):
    """fileno(): it reads otherwise then, and still in its turn."""
    async with much.opened() as file, much.opened() as other:
        left = await much.begin(file)
        task = asyncio.ensure_future(other.read())
        await turns(2)
        other.fileno()
        assert len(await within(task)) == much.length
        left.close()


def test_reads_of_much_whose_loop_is_stopped_hold_up_no_other(native, much):
    """They go on when it does."""
    loop = asyncio.new_event_loop()

    async def begin():
        files = [await much.opened() for _ in range(6)]
        tasks = [asyncio.ensure_future(file.read()) for file in files]
        await turns(2)
        return files, tasks

    async def end(files, tasks):
        for file, task in zip(files, tasks, strict=True):
            assert len(await within(task)) == much.length
            await file.close()

    files, tasks = loop.run_until_complete(begin())
    asyncio.run(much.is_read_by(6))
    loop.run_until_complete(end(files, tasks))
    loop.close()


def test_read_of_much_by_hand_needs_no_loop(at_once, much):
    """Where all is at hand it ends, whoever else has begun."""

    async def begin():
        files = [await much.opened(), await much.opened()]
        return files, await much.begin(files[0])

    skip_unless(reads_at_once, much.path)
    files, left = asyncio.run(begin())
    op = files[1].read()
    with pytest.raises((StopIteration, RuntimeError)) as caught:
        while True:
            op.send(None)
    if "workers" not in much.kind:
        assert len(caught.value.value) == much.length
    left.close()
    for file in files:
        asyncio.run(file.close())


def test_loops_of_several_threads_read_much_at_the_same_time(ours, much):
    """None waits for what another does, or does not."""
    ended = []

    async def read_all():
        await much.is_read_by(5)
        ended.append(True)

    threads = [
        threading.Thread(target=asyncio.run, args=(read_all(),), daemon=True)
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert ended == [True] * 3


def test_fork_in_the_middle_of_reads_of_much_works(native, much):
    """The child reads on its own, and the parent goes on."""
    done = python(
        """
        import aiofiles_c

        async def read():
            async with aiofiles_c.open(sys.argv[1], sys.argv[2]) as file:
                return len(await file.read())

        async def many():
            assert len({*await asyncio.gather(*(read() for _ in range(4)))}) == 1

        async def main():
            await many()
            tasks = [asyncio.ensure_future(many()) for _ in range(2)]
            for turn in range(4):
                await asyncio.sleep(0)
                pid = os.fork()
                if not pid:
                    child(many)
                wait(pid)
            await asyncio.wait_for(asyncio.gather(*tasks), 20)
            print("good")

        asyncio.run(main())
        """,
        much.path,
        much.mode,
        cwd=os.path.dirname(much.path),
        begin=FORKING,
    )
    assert done.stdout.split()[-1:] == ["good"], (done.stdout, done.stderr)
