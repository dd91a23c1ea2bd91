"""Many loops: at the same time in threads, one after the other, closed."""

import asyncio
import os
import threading
import time

import aiofiles_c
import pytest

from .support.child import python
from .support.waiting import eventually, pool_idle, turns, within


def in_threads(count, work):
    """Run work(number) in so many threads; their errors are ours."""
    errors = []

    def body(number):
        try:
            work(number)
        except BaseException as error:  # told to the test's thread
            errors.append(error)

    threads = [
        threading.Thread(target=body, args=(number,))
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
        assert not thread.is_alive(), "a thread hangs"
    if errors:
        raise errors[0]


def test_loops_in_threads_each_with_a_file_do_not_mix(lib, tmp_path):
    """Each thread's loop reads and writes its own file."""

    async def work(number):
        path = tmp_path / str(number)
        lines = [f"thread {number} line {n}\n" for n in range(200)]
        async with lib.open(path, "w") as file:
            for line in lines:
                await file.write(line)
        for _ in range(3):
            async with lib.open(path) as file:
                assert [line async for line in file] == lines
            async with lib.open(path, "rb") as file:
                assert await file.read() == "".join(lines).encode()

    in_threads(6, lambda number: asyncio.run(work(number)))


def test_loops_in_threads_reading_one_path_all_see_it(lib, make):
    """Files of several loops over one path do not disturb each other."""
    data = b"".join(b"%07d\n" % n for n in range(30_000))
    path = make(data)

    async def work():
        for _ in range(5):
            async with lib.open(path, "rb") as file:
                assert await file.read() == data

    in_threads(6, lambda number: asyncio.run(work()))


def test_loops_one_after_the_other_leave_nothing(lib, make):
    """A hundred loops, each with a file: threads and descriptors stay few."""
    path = make(b"one\ntwo\n")

    async def work():
        async with lib.open(path) as file:
            return await file.readlines()

    for _ in range(100):
        assert asyncio.run(work()) == ["one\n", "two\n"]


def test_file_opened_in_one_loop_is_used_in_the_next(native, make):
    """A file goes from loop to loop; the first may be closed by then."""
    path = make(b"".join(b"%07d\n" % n for n in range(5000)))

    async def opened():
        file = await aiofiles_c.open(path, "rb+")
        assert await file.readline() == b"0000000\n"
        return file

    async def used(file, number):
        assert await file.readline() == b"%07d\n" % number
        await file.seek(8 * (number + 1))
        await file.flush()

    async def closed(file):
        await file.write(b"written\n")
        await file.close()

    file = asyncio.run(opened())
    for number in range(1, 5):
        asyncio.run(used(file, number))
    asyncio.run(closed(file))
    assert path.read_bytes()[40:48] == b"written\n"


def test_file_opened_in_one_loop_is_used_in_another_thread(native, make):
    """A second loop, in another thread, may go on with the file."""
    path = make(b"one\ntwo\nthree\n")

    async def main():
        file = await aiofiles_c.open(path, "rb")
        assert await file.readline() == b"one\n"

        async def other():
            assert await file.readline() == b"two\n"

        await within(
            asyncio.get_running_loop().run_in_executor(
                None, lambda: asyncio.run(other())
            )
        )
        assert await file.readline() == b"three\n"
        await file.close()

    asyncio.run(main())


def test_file_used_by_two_loops_at_once_gives_each_line_once(native, make):
    """Two threads' loops over one file share its lines."""
    lines = [b"%07d\n" % n for n in range(4000)]
    path = make(b"".join(lines))
    opened = threading.Event()
    finished = threading.Barrier(2, timeout=40)
    held = []
    seen = [[], []]

    async def work(number):
        if number == 0:
            held.append(await aiofiles_c.open(path, "rb"))
            opened.set()
        else:
            assert opened.wait(20)
        file = held[0]
        while line := await file.readline():
            seen[number].append(line)
            if len(seen[number]) % 50 == 0:
                await asyncio.sleep(0)
        finished.wait()
        if number == 0:
            await file.close()

    in_threads(2, lambda number: asyncio.run(work(number)))
    assert sorted(seen[0] + seen[1]) == lines
    assert all(part == sorted(part) for part in seen)


def test_loop_closed_with_a_read_in_flight_loses_nothing(native, tmp_path):
    """The next loop's read gets what the closed loop's had waited for."""
    done = python(
        """
        import asyncio, gc, os
        import aiofiles_c

        reading, writing = os.pipe()
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda loop, context: None)

        async def start():
            file = await aiofiles_c.open(reading, "rb")
            task = asyncio.ensure_future(file.read(4))
            for _ in range(5):
                await asyncio.sleep(0)
            return file, task

        file, task = loop.run_until_complete(start())
        loop.close()
        del task, loop
        gc.collect()
        os.write(writing, b"data and more")
        os.close(writing)

        async def rest():
            data = await asyncio.wait_for(file.read(), 20)
            await file.close()
            return data

        print(asyncio.run(rest()))
        """,
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "b'data and more'"


def test_loop_closed_with_writes_in_flight_loses_nothing(native, tmp_path):
    """What was accepted for writing is in the file when it is closed."""
    done = python(
        """
        import asyncio
        import aiofiles_c

        loop = asyncio.new_event_loop()

        async def start():
            file = await aiofiles_c.open("file", "wb")
            for number in range(20):
                await file.write(b"%07d\\n" % number * 5000)
            return file

        file = loop.run_until_complete(start())
        loop.close()

        async def rest():
            await file.write(b"end")
            await file.close()

        asyncio.run(rest())
        data = open("file", "rb").read()
        assert data == b"".join(
            b"%07d\\n" % n * 5000 for n in range(20)
        ) + b"end"
        print("whole")
        """,
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "whole"


def test_loop_collected_without_close_takes_its_port_along(native, make):
    """A loop that is just dropped leaves no descriptor of the engine's."""
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("there is no /proc")
    import gc
    import warnings

    path = make(b"data")

    async def work():
        async with aiofiles_c.open(path, "rb") as file:
            await file.read()
        await within(asyncio.sleep(0))

    def once():
        loop = asyncio.new_event_loop()
        loop.run_until_complete(work())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            del loop
            gc.collect()

    once()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(8):
        once()
    assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_loop_created_and_never_run_does_not_matter(lib, make):
    """A thread without a running loop cannot start an operation."""

    async def opened():
        return await lib.open(make(b"data"))

    async def closed(file):
        await file.close()

    loop = asyncio.new_event_loop()
    try:
        file = loop.run_until_complete(opened())
        coroutine = file.read()
        if not lib.native:
            coroutine.close()
        else:
            try:
                coroutine.send(None)
            except (RuntimeError, StopIteration):
                pass  # what needs no loop may be served without one
            coroutine.close()
        loop.run_until_complete(closed(file))
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


async def test_loop_goes_on_while_a_pool_call_hangs(native, gate):
    """A call that hangs in a worker does not hold up the loop."""
    async with gate.shut():
        ticks = 0
        for _ in range(200):
            await asyncio.sleep(0)
            ticks += 1
        assert ticks == 200


async def test_files_many_in_flight_at_once_all_finish(native, tmp_path):
    """A thousand operations over a hundred files, all started at once."""
    paths = [tmp_path / str(number) for number in range(100)]
    for number, path in enumerate(paths):
        path.write_bytes(b"%d\n" % number * 5000)

    async def work(number, path):
        async with aiofiles_c.open(path, "rb") as file:
            parts = await asyncio.gather(*(file.read(1000) for _ in range(10)))
        return b"".join(parts)

    results = await within(
        asyncio.gather(*(work(n, path) for n, path in enumerate(paths)))
    )
    for number, data in enumerate(results):
        assert data == (b"%d\n" % number * 5000)[:10_000]


async def test_pool_threads_end_at_the_limit(native, make):
    """There are never more native threads than max_threads."""
    path = make(b"x" * 300_000)

    async def work():
        async with aiofiles_c.open(path, "rb", buffering=0) as file:
            while await file.read(50_000):
                stats = native()
                assert stats["threads"] <= stats["max_threads"]
                assert stats["running"] <= stats["threads"]
                assert stats["idle"] <= stats["threads"]

    await within(asyncio.gather(*(work() for _ in range(50))))
    await turns()
    await pool_idle()


def test_gil_is_free_while_a_worker_waits(native, tmp_path):
    """Other Python threads run while a call hangs in the pool."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    counted = []
    stop = threading.Event()

    def count():
        while not stop.is_set():
            counted.append(time.monotonic())
            stop.wait(0.001)

    async def main():
        opening = asyncio.ensure_future(aiofiles_c.open(fifo).__aenter__())
        await turns()
        before = len(counted)
        await eventually(
            lambda: len(counted) > before + 10, "another thread runs"
        )
        with open(fifo, "w"):
            file = await within(opening)
        await file.close()

    thread = threading.Thread(target=count)
    thread.start()
    try:
        asyncio.run(main())
    finally:
        stop.set()
        thread.join(20)
