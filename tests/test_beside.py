"""pread(), pwrite() and sync() under way, beside the queue of their file.

Many at once, in what order, and the end of one that is cancelled.  What is
ordered by the engine alone, since an executor has several threads, is tested
on the engine alone.
"""

import asyncio
import errno
import os
import random

import aiofiles_c
import pytest

from .support import kernel
from .support.child import FORKING, python
from .support.inject import fault, held, inject_or_skip, uncached
from .support.waiting import cancelled, eventually, turns, within

KIB, MIB = 1 << 10, 1 << 20
DATA = random.Random(5).randbytes(300 * KIB)
LARGE = 2 * MIB  # more than is read on the loop thread


def running():
    return aiofiles_c.stats()["running"]


async def pread_begun(file):
    """A pread that a worker is in; its system call is held."""
    task = asyncio.ensure_future(file.pread(100, 0))
    await eventually(lambda: running() == 1, "a worker has it")
    return task


# ---- many at once, and in order ----


async def test_many_at_once_on_one_file(ours, make):
    """Hundreds that do not overlap: each does what it would alone."""
    path = make(DATA)
    blocks = [DATA[at:at + 512] for at in range(0, len(DATA), 512)]
    async with ours.open(path, "rb+") as file:
        found = await within(
            asyncio.gather(
                *[file.pread(512, 512 * i) for i in range(len(blocks))]
            )
        )
        assert found == blocks
        blocks.reverse()
        counts = await within(
            asyncio.gather(
                *[file.pwrite(b, 512 * i) for i, b in enumerate(blocks)]
            )
        )
        assert counts == [len(block) for block in blocks]
    assert path.read_bytes() == b"".join(blocks)


async def test_preads_of_what_is_cached_need_no_thread(at_once, make):
    """The kernel answers at once, however many there are."""
    path = make(DATA)
    kernel.skip_unless(kernel.reads_at_once, path)
    async with aiofiles_c.open(path, "rb") as file:
        await file.pread(1, 0)  # whatever this file system has to learn
        before = at_once()
        await asyncio.gather(*[file.pread(100, i) for i in range(50)])
        after = at_once()
    assert after["kernel"] - before["kernel"] == 50
    assert after["jobs"] == before["jobs"]


async def test_each_is_a_job_of_its_own(engine, make, gate):
    """None waits for another before a worker may take it."""
    async with engine.open(make(bytes(LARGE)), "rb+") as file:
        async with gate.shut():
            tasks = [
                asyncio.ensure_future(file.pwrite(b"x" * 64, 64 * i))
                for i in range(16)
            ]
            tasks += [
                asyncio.ensure_future(file.pread(LARGE - 2048, 2048 + i))
                for i in range(2)
            ]
            tasks.append(asyncio.ensure_future(file.sync()))
            await gate.queued(18)
            await turns()
            # sync() is for what was accepted before: it waits for the writes.
            assert gate.waiting() == 18
            assert not any(task.done() for task in tasks)
        found = await within(asyncio.gather(*tasks))
    assert found[:16] == [64] * 16


async def test_workers_are_inside_at_once(engine, make, threads):
    """As many preads are under way as there are workers."""
    async with engine.open(make(DATA), "rb") as file:
        with uncached(), held("READV"):
            tasks = [
                asyncio.ensure_future(file.pread(4096, 4096 * i))
                for i in range(8)
            ]
            await eventually(lambda: running() == 8, "all are running")
        found = await within(asyncio.gather(*tasks))
    assert found == [DATA[i:i + 4096] for i in range(0, 8 * 4096, 4096)]


async def test_those_that_overlap_are_done_in_order(engine, path):
    """The last one started is what is in the file; a read is between."""
    async with engine.open(path, "wb+") as file:
        tasks = []
        for i in range(50):
            tasks.append(asyncio.ensure_future(file.pwrite(b"%03d" % i, 1)))
            tasks.append(asyncio.ensure_future(file.pread(3, 1)))
        found = await within(asyncio.gather(*tasks))
    assert found[1::2] == [b"%03d" % i for i in range(50)]


async def test_end_of_the_file_moves_in_order(engine, path):
    """A read of what is not there yet sees what was started before it."""
    async with engine.open(path, "wb+") as file:
        for at in range(100, 5000, 100):
            found = await within(
                asyncio.gather(
                    file.pread(9, at - 50),
                    file.pwrite(b"x", at),
                    file.pread(9, at - 50),
                )
            )
            assert found == [b"", 1, bytes(9)], at


EMPTY_HANDED = {
    "read": lambda f: f.read(),
    "read(n)": lambda f: f.read(10),
    "readinto": lambda f: f.readinto(bytearray(100_000)),
    "readline": lambda f: f.readline(),
    "write": lambda f: f.write(b""),
}


@pytest.mark.parametrize("name", EMPTY_HANDED)
async def test_end_of_the_file_is_not_where_a_call_found_nothing(
    engine, path, gate, name
):
    """Nothing was read or written there, so the file may be shorter."""
    path.write_bytes(b"")
    async with engine.open(path, "rb+") as file:
        await file.seek(50)
        assert not await EMPTY_HANDED[name](file)
        await file.flush()
        async with gate.shut():
            tasks = [
                asyncio.ensure_future(file.pwrite(b"x" * 30, 1)),
                asyncio.ensure_future(file.pread(1, 0)),
            ]
            await gate.queued(1)
            await turns(5)
            assert aiofiles_c.stats()["queued"] == 1
        assert await within(asyncio.gather(*tasks)) == [30, b"\0"]


async def test_reads_and_writes_within_the_file_are_all_at_once(
    engine, make, gate
):
    """What is known to be there: only the same bytes are waited for."""
    async with engine.open(make(bytes(2 * LARGE)), "rb+") as file:
        async with gate.shut():
            tasks = []
            for i in range(4):
                at = 1024 * i
                tasks.append(asyncio.ensure_future(file.pwrite(b"x", at)))
                tasks.append(asyncio.ensure_future(file.pread(LARGE, 5000)))
                at = LARGE + 6000 + 1024 * i
                tasks.append(asyncio.ensure_future(file.pwrite(b"y", at)))
            await gate.queued(12)
        await within(asyncio.gather(*tasks))


async def test_calls_at_once_are_done_in_the_order_of_their_start(
    engine, make
):
    """With those that use the position, and those that change the size."""
    path = make(DATA)
    async with engine.open(path, "rb+") as file:
        found = await within(
            asyncio.gather(
                file.read(10),
                file.pwrite(b"NEW", 12),
                file.read(10),
                file.write(b"written"),
                file.pread(9, 19),
                file.truncate(25),
                file.pread(9, 19),
                file.pwrite(b"x", 30),
                file.pread(99, 24),
                file.seek(12),
                file.read(3),
                file.sync(),
                file.close(),
            )
        )
    assert found == [
        DATA[:10], 3, DATA[10:12] + b"NEW" + DATA[15:20], 7,
        DATA[19:20] + b"written" + DATA[27:28], 25,
        DATA[19:20] + b"writt", 1, b"t\0\0\0\0\0x", 12, b"NEW", None, None,
    ]
    assert path.read_bytes()[24:] == b"t\0\0\0\0\0x"


async def test_write_waits_for_the_preads_before_it(engine, make, threads):
    """They see what was there before; reads and syncs go on beside them."""
    async with engine.open(make(DATA), "rb+") as file:
        await file.read(1)
        with uncached(), held("READV"):
            pread = asyncio.ensure_future(file.pread(5, 1))
            sync = asyncio.ensure_future(file.sync())
            await within(sync)
            write = asyncio.ensure_future(file.write(b"later"))
            after = asyncio.ensure_future(file.tell())
            await turns(20)
            assert not write.done() and not after.done()
        assert await within(pread) == DATA[1:6]
        assert await within(write) == 5
        assert await within(after) == 6
        assert await file.pread(5, 1) == b"later"


async def test_writes_go_on_beside_a_sync(engine, path, threads):
    """Only what was accepted before it is waited for."""
    async with engine.open(path, "wb") as file:
        await file.write(b"before")
        with held("FSYNC"):
            sync = asyncio.ensure_future(file.sync())
            await eventually(lambda: running() == 1, "fsync is under way")
            assert await within(file.write(b" after")) == 6
            await within(file.flush())
            assert path.read_bytes() == b"before after"
            assert not sync.done()
            closing = asyncio.ensure_future(file.close())
            await turns(20)
            assert not closing.done()
        await within(sync)
        await within(closing)


# ---- the end of one ----


async def test_pwrite_cancelled_in_the_queue_writes_nothing(
    engine, make, gate
):
    """Its job is taken back; the bytes are its owner's again."""
    path = make(b"data")
    room = bytearray(b"XX")
    async with engine.open(path, "rb+") as file:
        async with gate.shut():
            task = asyncio.ensure_future(file.pwrite(room, 1))
            behind = asyncio.ensure_future(file.pwrite(b"Y", 2))
            await gate.queued(1)
            await cancelled(task)
            room += b"more"
        assert await within(behind) == 1
        assert await file.pread(9, 0) == b"daYa"


async def test_pread_cancelled_in_the_queue_is_no_more(engine, make, gate):
    """What comes after goes on, and close() has nothing to wait for."""
    async with engine.open(make(bytes(LARGE)), "rb") as file:
        async with gate.shut():
            task = asyncio.ensure_future(file.pread(LARGE, 0))
            await gate.queued(1)
            await cancelled(task)
            assert gate.waiting() == 0
        assert await within(file.read(2)) == b"\0\0"


async def test_pwrite_cancelled_while_it_runs_is_whole(
    engine, path, threads
):
    """A worker has it: it is written, and the file closed after it."""
    room = bytearray(b"x" * 100)
    async with engine.open(path, "wb") as file:
        with held("WRITEV"):
            task = asyncio.ensure_future(file.pwrite(room, 3))
            await eventually(lambda: running() == 1, "a worker has it")
            await cancelled(task)
            with pytest.raises(BufferError):
                room.append(1)
            closing = asyncio.ensure_future(file.close())
            await turns(20)
            assert not closing.done()
        await within(closing)
        room.append(1)
    assert path.read_bytes() == b"\0\0\0" + b"x" * 100


async def test_pread_cancelled_while_it_runs_leaves_the_file_usable(
    engine, make, threads
):
    """The descriptor stays open below the worker, the queue goes on."""
    async with engine.open(make(DATA), "rb") as file:
        with uncached(), held("READV"):
            task = await pread_begun(file)
            await cancelled(task)
            closing = asyncio.ensure_future(file.close())
            await turns(20)
            assert not closing.done()
        await within(closing)


async def test_cancelled_while_it_waits_for_its_turn(
    engine, make, threads
):
    """One that waits for another of the same bytes leaves no trace."""
    async with engine.open(make(b"data"), "rb+") as file:
        with held("WRITEV"):
            first = asyncio.ensure_future(file.pwrite(b"1", 0))
            second = asyncio.ensure_future(file.pwrite(b"2", 0))
            third = asyncio.ensure_future(file.pread(4, 0))
            await eventually(lambda: running() == 1, "a worker has one")
            await cancelled(second)
            await turns(5)
            assert not third.done()
        assert await within(first) == 1
        assert await within(third) == b"1ata"


async def test_many_cancelled_at_any_time_leave_all_or_nothing(
    engine, path
):
    """Each block is the old one or the new one, and the file works."""
    numbers = random.Random(7)
    async with engine.open(path, "wb+") as file:
        await file.pwrite(b"-" * 64 * KIB, 0)
        for _ in range(20):
            tasks = [
                asyncio.ensure_future(file.pwrite(b"x" * KIB, KIB * i))
                for i in range(64)
            ]
            await turns(numbers.randrange(3))
            for task in numbers.sample(tasks, 32):
                task.cancel()
            await asyncio.wait(tasks)
        await within(file.flush())
        for at in range(0, 64 * KIB, KIB):
            assert await file.pread(KIB, at) in (b"-" * KIB, b"x" * KIB)


async def test_dropped_file_is_closed_when_its_job_is_back(
    engine, make, threads
):
    """The fixture that counts descriptors sees that it is closed at all."""
    inject_or_skip()  # before there is a file to be dropped
    file = await engine.open(make(DATA), "rb")
    with uncached(), held("READV") as release, pytest.warns(ResourceWarning):
        task = await pread_begun(file)
        await cancelled(task)
        descriptors = set(os.listdir("/proc/self/fd"))
        del task, file
        await turns(5)
        assert set(os.listdir("/proc/self/fd")) == descriptors
        release()
        await eventually(
            lambda: len(os.listdir("/proc/self/fd")) < len(descriptors),
            "the file is closed",
        )


async def test_synchronous_file_is_not_given_away_under_a_job(
    engine, make, threads
):
    """It could close the descriptor, whose number may become another's."""
    async with engine.open(make(DATA), "rb") as file:
        with uncached(), held("READV"):
            task = await pread_begun(file)
            for ask in (
                lambda: file._file, lambda: file.raw, lambda: file.detach()
            ):
                with pytest.raises(RuntimeError, match="pread.* is under way"):
                    ask()
        assert await within(task) == DATA[:100]
        assert file._file.read(3) == DATA[:3]
        assert await file.pread(3, 7) == DATA[7:10]
        assert await file.tell() == 3


def test_file_goes_on_in_another_loop(native, make):
    """The first loop is closed while a worker is inside."""
    path = make(DATA)

    async def begin():
        file = await aiofiles_c.open(path, "rb+")
        task = asyncio.ensure_future(file.pwrite(b"first", 0))
        await eventually(lambda: running() == 1, "a worker has it")
        return file, task

    async def go_on(file, release):
        reading = asyncio.ensure_future(file.pread(9, 0))
        await turns(5)
        assert not reading.done()
        release()
        assert await within(reading) == b"first" + DATA[5:9]
        await within(file.close())

    with held("WRITEV") as release:
        loop = asyncio.new_event_loop()
        file, task = loop.run_until_complete(begin())
        task.cancel()
        loop.run_until_complete(asyncio.wait([task]))
        loop.close()
        asyncio.run(go_on(file, release))


@pytest.mark.skipif(
    not hasattr(os, "fork"), reason="this system has no fork"
)
def test_fork_leaves_the_jobs_to_the_parent(native, tmp_path):
    """The child has the file, and nothing to wait for."""
    done = python(
        """
        import aiofiles_c

        async def use(file):
            assert await file.pread(4, 0) == b"data"
            assert await file.pwrite(b"C", 4) == 1
            await file.close()

        async def main():
            with open("file", "wb") as plain:
                plain.write(b"data")
            os.mkfifo("fifo")
            file = await aiofiles_c.open("file", "rb+")
            opening = asyncio.ensure_future(
                aiofiles_c.open("fifo", "rb", buffering=0).__aenter__())
            while aiofiles_c.stats()["running"] == 0:
                await asyncio.sleep(0.001)
            write = asyncio.ensure_future(file.pwrite(b"P", 0))
            while aiofiles_c.stats()["queued"] == 0:
                await asyncio.sleep(0.001)
            pid = os.fork()
            if not pid:
                child(lambda: use(file))
            wait(pid)
            with open("fifo", "wb"):
                await (await opening).close()
            assert await write == 1
            assert await file.pread(9, 0) == b"PataC"
            await file.close()

        asyncio.run(main())
        print("good")
        """,
        cwd=tmp_path,
        begin=FORKING,
        AIOFILES_C_THREADS="1",
    )
    assert done.stdout.split() == ["good"], done


# ---- faults of the system ----


async def test_short_writes_go_on_to_the_end(engine, path):
    """The kernel takes less than it is given; pwrite() does not."""
    async with engine.open(path, "wb+") as file:
        with fault("WRITEV", count=5, limit=3):
            assert await file.pwrite(b"0123456789abcdefgh", 2) == 18
        with uncached(), fault("READV", count=5, limit=3):
            assert await file.pread(18, 2) == b"0123456789abcdefgh"


async def test_errors_of_the_device_are_raised_once(engine, make):
    """By the call that had them, which others do not hear of."""
    async with engine.open(make(DATA), "rb+") as file:
        with fault("WRITEV", errno.EIO):
            with pytest.raises(OSError) as raised:
                await file.pwrite(b"data", 0)
        assert raised.value.errno == errno.EIO
        assert raised.value.filename is None
        with uncached(), fault("READV", errno.EIO):
            with pytest.raises(OSError) as raised:
                await file.pread(4, 0)
        assert raised.value.errno == errno.EIO
        with fault("FSYNC", errno.EIO):
            with pytest.raises(OSError) as raised:
                await file.sync()
        assert raised.value.errno == errno.EIO
        await file.sync()
        assert await file.pread(4, 0) == DATA[:4]
