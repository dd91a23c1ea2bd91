"""Reads at once where the kernel has none: overlayfs is asked what is cached."""

import gc
import io
import os
import random
import resource
import time

import aiofiles_c
import pytest

from .support.child import python
from .support.kernel import evict

SIZE = 300_000
DATA = random.Random(1).randbytes(SIZE)


@pytest.fixture
def own(at_once, overlay):
    """A file of this user's, all of it in the page cache."""
    if aiofiles_c._engine.core.PORTABLE:
        pytest.skip("the portable build has all of it done by workers")
    path = overlay / "own"
    path.write_bytes(DATA)
    path.read_bytes()
    yield path
    path.unlink(missing_ok=True)


def mappings(path):
    """Those that this process has of a file; overlayfs shows its name."""
    with open("/proc/self/maps") as maps:
        return [line for line in maps if os.path.basename(path) in line]


async def trips(awaitable):
    """The jobs that it took, and its result."""
    before = aiofiles_c.stats()["jobs"]
    result = await awaitable
    return aiofiles_c.stats()["jobs"] - before, result


async def read_all(path):
    async with aiofiles_c.open(path, "rb") as file:
        return await file.read()


async def read_at_random(path):
    """Blocks by seek and read, and by pread."""
    choose = random.Random(2)
    async with aiofiles_c.open(path, "rb") as file:
        for _ in range(100):
            at = choose.randrange(SIZE)
            await file.seek(at)
            assert await file.read(4096) == DATA[at : at + 4096]
            assert await file.pread(4096, at) == DATA[at : at + 4096]


async def test_reads_of_what_is_cached_take_no_trip(own):
    """Whole, by lines, and at random."""
    await read_all(own)  # of a name that is not known yet
    assert await trips(read_all(own)) == (0, DATA)
    jobs, _ = await trips(read_at_random(own))
    assert jobs == 0

    async def lines():
        async with aiofiles_c.open(own, "rb") as file:
            return [line async for line in file]

    assert await trips(lines()) == (0, io.BytesIO(DATA).readlines())


async def test_read_of_what_is_not_cached_is_by_a_worker(own):
    """And what that has brought into the cache is not."""
    await read_all(own)
    for _ in range(20):
        evict(own)
        async with aiofiles_c.open(own, "rb") as file:
            jobs, data = await trips(file.read(4096))
            assert data == DATA[:4096]
            again, data = await trips(file.pread(4096, 0))
            assert data == DATA[:4096]
        if jobs and not again:
            return
    raise AssertionError((jobs, again))


async def test_what_was_cached_a_while_ago_is_asked_for_again(own):
    """Who reads on is told of some blocks at once, for half a millisecond."""
    block = 16384
    for _ in range(20):
        own.read_bytes()
        async with aiofiles_c.open(own, "rb", 0) as file:
            jobs, data = await trips(read_on(file, 4, block))
            assert data == DATA[: 4 * block]
            evict(own)
            time.sleep(0.001)
            later, data = await trips(read_on(file, 1, block))
            assert data == DATA[4 * block : 5 * block]
        if later and not jobs:
            return
    raise AssertionError((jobs, later))


async def read_on(file, blocks, size):
    return b"".join([await file.read(size) for _ in range(blocks)])


async def test_read_of_a_file_of_another_user_is_by_a_worker(own):
    """Of such a one mincore() says that all is cached."""
    await read_all(own)
    os.chown(own, os.geteuid() + 1, -1)
    jobs, data = await trips(read_all(own))
    assert data == DATA
    assert jobs > 0


async def test_file_that_grows_and_shrinks_is_read_as_it_is(own):
    """By others, while it is open, beyond what was mapped."""
    async with aiofiles_c.open(own, "rb", 0) as file:
        assert await file.read(10) == DATA[:10]
        for size in (SIZE + 10_000, 5_000_000, 100, 0, 20_000, 6_000_000, 7):
            with open(own, "rb+") as other:
                other.truncate(size)
                other.seek(max(0, size - 50))
                other.write(b"#" * min(size, 50))
                other.seek(0)
                expected = other.read()
            await file.seek(0)
            assert await file.read() == expected
            await file.seek(max(0, size - 20))
            assert await file.read(100) == expected[max(0, size - 20) :]
            assert await file.read(100) == b""


@pytest.mark.parametrize("end", ("close", "drop", "detach"))
async def test_nothing_is_mapped_when_a_file_is_closed(own, end):
    """Or the space of one that is deleted would not be free again."""
    file = await aiofiles_c.open(own, "rb")
    assert await file.read(5000) == DATA[:5000]
    assert mappings(own)
    if end == "close":
        await file.close()
    elif end == "detach":
        raw = file.detach()
        raw.close()
    else:
        with pytest.warns(ResourceWarning):
            del file
            gc.collect()
    assert not mappings(own)


async def test_file_too_large_to_be_mapped_is_read_by_workers(own):
    """1 GiB of addresses is the most for one file."""
    os.truncate(own, (1 << 30) + 1)
    async with aiofiles_c.open(own, "rb") as file:
        assert await file.read(5000) == DATA[:5000]
        assert not mappings(own)
        await file.seek(1 << 30)
        assert await file.read() == b"\0"


async def test_file_too_large_to_be_mapped_is_read_ahead(own):
    """Wherever its reader begins: not every job is waited for."""
    start, count = (1 << 30) + (1 << 20), 2000
    with open(own, "rb+") as file:
        file.write(bytes(count * 4096))
        file.seek(start)
        file.write(bytes(count * 4096))
    for at in (0, start):
        evict(own)
        async with aiofiles_c.open(own, "rb") as file:
            await file.seek(at)
            before = aiofiles_c.stats()
            for _ in range(count):
                assert len(await file.read(4096)) == 4096
            after = aiofiles_c.stats()
        jobs, waits = (after[n] - before[n] for n in ("jobs", "pool"))
        assert waits < jobs, (at, waits, jobs)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_user_who_has_changed_is_not_told_of_the_mapping(own):
    """Who owns a file is asked for with each question; its data is as before."""
    done = python(
        """
        import asyncio, os, sys
        import aiofiles_c

        async def main():
            jobs = []
            async with aiofiles_c.open(sys.argv[1], "rb", 0) as file:
                for at, user in enumerate((0, 12345, 0)):
                    os.seteuid(user)
                    await file.seek(at * 50_000)
                    before = aiofiles_c.stats()["jobs"]
                    print(len(await file.read(5000)), end=" ")
                    print(aiofiles_c.stats()["jobs"] > before)

        open(sys.argv[1], "rb").read()
        asyncio.run(main())
        """,
        own,
        cwd=os.path.dirname(own),
    )
    assert done.stdout.split() == "5000 False 5000 True 5000 True".split()


def test_process_has_only_so_many_mappings(own):
    """Files beyond are read by workers, until others are closed."""
    most = 8192
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < most + 100:
        pytest.skip("a process may not have so many files open")
    done = python(
        """
        import asyncio, resource, sys
        import aiofiles_c

        path, most = sys.argv[1], int(sys.argv[2])
        resource.setrlimit(resource.RLIMIT_NOFILE, (most + 100,) * 2)

        def mappings():
            with open("/proc/self/maps") as maps:
                return sum("/own" in line for line in maps)

        async def trips(file):
            await file.seek(0)
            before = aiofiles_c.stats()["jobs"]
            assert len(await file.read(5000)) == 5000
            return aiofiles_c.stats()["jobs"] - before

        async def main():
            files = [
                await aiofiles_c.open(path, "rb", 0) for _ in range(most + 1)
            ]
            print(sum([await trips(file) for file in files]))
            print(mappings(), await trips(files[-1]))
            await files[0].close()
            print(await trips(files[-1]), mappings())
            for file in files:
                await file.close()

        open(path, "rb").read()
        asyncio.run(main())
        """,
        own,
        most,
        cwd=os.path.dirname(own),
    )
    assert done.stdout.split() == ["1", "8192", "1", "0", "8192"]


@pytest.mark.parametrize("seed", range(6))
async def test_any_calls_give_what_is_there(own, seed):
    """In part cached, read and written, with a buffer and without."""
    choose = random.Random(seed)
    buffering = (-1, 0, 1000)[seed % 3]
    data = bytearray(DATA)
    async with aiofiles_c.open(own, "rb+", buffering) as file:
        for _ in range(150):
            at, n = choose.randrange(SIZE), choose.randrange(70_000)
            await file.seek(at)
            kind = choose.randrange(5)
            if kind == 0:
                await file.write(DATA[:n])
                data[at : at + n] = DATA[:n]
                await file.flush()
            elif kind == 1:
                evict(own)
            elif kind == 2:
                end = data.find(b"\n", at) + 1 or len(data)
                assert await file.readline() == data[at:end]
            else:
                assert await file.read(n) == data[at : at + n]
    assert own.read_bytes() == data


async def test_number_that_is_given_is_not_mapped(own):
    """Its owner may close it without a word."""
    fd = os.open(own, os.O_RDONLY)
    try:
        async with aiofiles_c.open(fd, "rb", closefd=False) as file:
            assert await file.pread(5000, 0) == DATA[:5000]
            assert await file.read(5000) == DATA[:5000]
            assert not mappings(own)
    finally:
        os.close(fd)


def test_child_of_a_fork_reads_a_file_that_is_mapped(own):
    """It has the mapping, too."""
    done = python(
        """
        import asyncio, os, sys
        import aiofiles_c

        async def again(file):
            await file.seek(0)
            return await file.read(5000)

        async def opened():
            file = await aiofiles_c.open(sys.argv[1], "rb", 0)
            return file, await file.read(5000)

        file, first = asyncio.run(opened())
        pid = os.fork()
        assert asyncio.run(again(file)) == first
        asyncio.run(file.close())
        if pid:
            assert os.waitpid(pid, 0)[1] == 0
            print("good")
        """,
        own,
        cwd=os.path.dirname(own),
        flags=("-W", "ignore"),
    )
    assert done.stdout.split() == ["good"], done


def test_explanation_tells_of_it(own):
    """That it depends on whose the file is."""
    said = " ".join(aiofiles_c.explain(own.parent).split())
    assert "of a file of this user" in said
