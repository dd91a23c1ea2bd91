"""aiofiles_c.os: who does it, in what time, and for whom no more."""

import asyncio
import os

import aiofiles_c
import aiofiles_c.os
import pytest

from .support import kernel
from .support.child import FORKING, python
from .support.waiting import cancelled, turns_counted


async def test_what_is_cached_is_answered_at_once(make, at_once):
    """After the first touch of a device no thread is asked about names."""
    path = str(make(b"12345"))
    kernel.skip_unless(kernel.opens_at_once, path)
    for _ in range(2):  # a mount that was not met may take two
        await aiofiles_c.os.stat(path)
    before = at_once()
    for _ in range(5):
        await aiofiles_c.os.stat(path)
        await aiofiles_c.os.lstat(path)
        await aiofiles_c.os.getcwd()
        await aiofiles_c.os.access(path, os.F_OK)
    after = at_once()
    assert after["kernel"] - before["kernel"] == 20
    assert after["jobs"] == before["jobs"]


def test_inline_off_sends_all_to_the_pool(tmp_path):
    """AIOFILES_C_INLINE=0: every call is one job."""
    done = python(
        """
        import asyncio, aiofiles_c, aiofiles_c.os as aos
        async def main():
            await aos.stat("/")  # a mount that was not met may take two
            for name, args in (("stat", ("/",)), ("getcwd", ()),
                               ("listdir", ("/",)), ("access", ("/", 0))):
                before = aiofiles_c.stats()
                await getattr(aos, name)(*args)
                after = aiofiles_c.stats()
                if after["native"]:
                    assert after["pool"] == before["pool"] + 1, name
                    assert after["jobs"] == before["jobs"] + 1, name
                    assert after["kernel"] == before["kernel"], name
        asyncio.run(main())
        print("good")
        """,
        cwd=tmp_path,
        AIOFILES_C_INLINE="0",
    )
    assert done.stdout.split() == ["good"]


@pytest.mark.parametrize(
    "name, args",
    (
        ("makedirs", ("a/b/c/d",)),
        ("removedirs", ("a/b/c/d",)),
        ("renames", ("f", "x/y/z")),
        ("listdir", (".",)),
        ("scandir", (".",)),
    ),
)
async def test_each_call_is_one_trip(
    tmp_path, native, monkeypatch, name, args
):
    """However many system calls it takes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").write_bytes(b"")
    if name == "removedirs":
        os.makedirs("a/b/c/d")
    before = native()
    await getattr(aiofiles_c.os, name)(*args)
    after = native()
    assert after["jobs"] == before["jobs"] + 1
    assert after["pool"] == before["pool"] + 1
    assert after["delegate"] == before["delegate"]


async def test_many_calls_at_once_let_the_loop_run(make, at_once):
    """A loop of calls that never wait gives way to others now and then."""
    path = make(b"")
    async with turns_counted() as turns:
        for _ in range(5_000):
            await aiofiles_c.os.path.exists(path)
        assert len(turns) >= 5


async def test_cancelled_in_the_queue_is_taken_back(tmp_path, gate, native):
    """A call that no worker has yet is not made."""
    async with gate.shut():
        task = asyncio.ensure_future(aiofiles_c.os.mkdir(tmp_path / "new"))
        await gate.queued(1)
        await cancelled(task)
        assert native()["queued"] == 0
    await aiofiles_c.os.listdir(tmp_path)
    assert not (tmp_path / "new").exists()


def test_fork_child_has_working_functions(tmp_path, native):
    """With a trip under way in the parent as well."""
    done = python(
        """
        import aiofiles_c, aiofiles_c.os as aos
        async def use(folder):
            await aos.makedirs(folder + "/b/c")
            assert await aos.listdir(folder) == ["b"]
            await aos.removedirs(folder + "/b/c")
        async def main():
            os.mkfifo("fifo")
            aiofiles_c.set_threads(1)
            held = asyncio.ensure_future(aiofiles_c.open("fifo", "rb").
                                         __aenter__())
            while aiofiles_c.stats()["running"] < 1:
                await asyncio.sleep(0.001)
            late = asyncio.ensure_future(aos.mkdir("late"))
            await asyncio.sleep(0)
            pid = os.fork()
            if pid == 0:
                child(lambda: use("child"))
            wait(pid)
            fd = os.open("fifo", os.O_RDWR | os.O_NONBLOCK)
            file = await held
            os.close(fd)
            await file.close()
            await late
            assert os.path.isdir("late")
            await use("parent")
        asyncio.run(main())
        print("good")
        """,
        cwd=tmp_path,
        begin=FORKING,
    )
    assert done.stdout.split() == ["good"], done.stderr


def test_loop_closed_with_a_call_under_way(tmp_path):
    """The job's end finds nobody, and the next loop works."""
    done = python(
        """
        import asyncio, gc, os, select, socket
        import aiofiles_c, aiofiles_c.os as aos
        async def leave(out, other, source):
            asyncio.ensure_future(
                aos.sendfile(out.fileno(), source.fileno(), 0, 1 << 24))
            while not select.select([other], [], [], 0)[0]:
                await asyncio.sleep(0.001)  # until it has begun
        async def use():
            assert await aos.listdir(".") == ["data"]
        with open("data", "wb") as file:
            file.truncate(1 << 24)
        for _ in range(3):
            ours, other = socket.socketpair()
            loop = asyncio.new_event_loop()
            with open("data", "rb") as source:
                loop.run_until_complete(leave(ours, other, source))
                tasks = asyncio.all_tasks(loop)
                for task in tasks:
                    task.cancel()
                loop.run_until_complete(asyncio.wait(tasks))
                loop.close()
                asyncio.run(use())
                other.close()
                ours.close()
            gc.collect()
            asyncio.run(use())
        print("good")
        """,
        cwd=tmp_path,
    )
    assert done.stdout.split()[-1:] == ["good"], done.stderr
