"""aiofiles_c.shutil: a copy under way - its progress, its end, its threads."""

import asyncio
import os
import random
import threading
from concurrent.futures import Executor, Future

import aiofiles_c
import aiofiles_c.shutil
import pytest

from .conftest import open_descriptors, without_port
from .support.child import FORKING, python
from .support.functions import Counting
from .support.trees import plant
from .support.waiting import (
    cancelled,
    eventually,
    turns_counted,
    within,
)

MIB = 1 << 20
COPIES = ("copyfile", "copy", "copy2")
LARGE = 40 * MIB


@pytest.fixture
def big(tmp_path):
    """A large file that takes no room, and what it is copied to."""
    source = tmp_path / "big"
    with open(source, "wb") as file:
        file.truncate(256 * MIB)
    return source, tmp_path / "copy"


@pytest.fixture
def large(big):
    """The same, not too large to be copied whole."""
    os.truncate(big[0], LARGE)
    return big


def left_open(before):
    """The descriptors that were not there before, but for a loop's port."""
    after = open_descriptors()
    return without_port({fd: after[fd] for fd in after.keys() - before.keys()})


async def test_file_that_grows_is_copied_to_its_end(large, ash):
    """Bytes that come while it is copied are copied too."""
    source, target = large
    grown = []

    def progress(done, total):
        if not grown:
            with open(source, "ab") as file:
                file.write(b"the end")
            grown.append(done)
        assert done <= total

    await ash.copyfile(source, target, progress=progress)
    assert grown and target.stat().st_size == source.stat().st_size
    with open(target, "rb") as file:
        file.seek(-7, os.SEEK_END)
        assert file.read() == b"the end"


# ---- progress ----


async def test_progress_is_told_on_the_thread_of_the_loop(large, ash):
    """Ever more bytes, at last all of them, while the loop runs."""
    source, target = large
    told, threads = [], set()

    def progress(done, total):
        asyncio.get_running_loop()
        threads.add(threading.get_ident())
        told.append((done, total))

    for name in COPIES:
        told.clear()
        await getattr(ash, name)(source, target, progress=progress)
        assert told[-1] == (LARGE, LARGE) and len(told) > 1
        assert told == sorted(set(told))
        assert {total for _, total in told} == {LARGE}
    assert threads == {threading.get_ident()}


async def test_progress_is_told_of_small_files(tmp_path, ash):
    """Once, of an empty file too; not of a link."""
    for data in (b"", b"12345"):
        told = []
        (tmp_path / "source").write_bytes(data)
        await ash.copyfile(
            tmp_path / "source",
            tmp_path / "target",
            progress=lambda *sizes, to=told: to.append(sizes),
        )
        assert told == [(len(data), len(data))]
    os.symlink("source", tmp_path / "soft")
    await ash.copyfile(
        tmp_path / "soft",
        tmp_path / "soft2",
        follow_symlinks=False,
        progress=pytest.fail,
    )


class Immediate(Executor):
    """Has done what is submitted when submit() returns."""

    def submit(self, function, /, *args, **kwargs):
        future = Future()
        future.set_result(function(*args, **kwargs))
        return future


@pytest.mark.parametrize("executor", (None, Immediate()))
async def test_progress_of_a_tree_ends_with_all_its_bytes(
    tmp_path, ash, executor
):
    """Of all its files together, also when they are copied at once."""
    folder = plant(tmp_path / "tree")
    told = []
    await ash.copytree(
        folder,
        tmp_path / "copy",
        symlinks=True,
        progress=lambda *sizes: told.append(sizes),
        executor=executor,
    )
    assert told[-1] == (6, 6)


async def test_progress_that_raises_ends_the_copy(big, ash):
    """Its exception is the one that the copy raises."""
    source, target = big

    def progress(done, total):
        raise KeyError(done)

    for name in COPIES:
        before = open_descriptors()
        with pytest.raises(KeyError):
            await getattr(ash, name)(source, target, progress=progress)
        await eventually(
            lambda seen=before: not left_open(seen),
            "both files are closed",
        )
        assert target.stat().st_size < source.stat().st_size


# ---- cancelling ----


@pytest.mark.parametrize("name", (*COPIES, "copytree"))
async def test_cancelled_copy_ends_soon_and_leaves_nothing_open(
    tmp_path, big, name, ash
):
    """It is gone at once for its task, and soon for its thread."""
    source, target = big
    if name == "copytree":
        (tmp_path / "tree").mkdir()
        source = source.rename(tmp_path / "tree" / "big").parent
        target = tmp_path / "copy" / "big"
    before = open_descriptors()
    task = asyncio.ensure_future(
        getattr(ash, name)(
            source,
            tmp_path / "copy",
            progress=lambda done, total: task.cancel(),
        )
    )
    await within(asyncio.wait([task]))
    assert task.cancelled()
    await eventually(
        lambda: not left_open(before),
        "both files are closed",
    )
    await eventually(
        lambda: aiofiles_c.stats()["running"] == 0, "no worker has the copy"
    )
    assert 0 < target.stat().st_size < 256 * MIB
    if name != "copytree" and ash.lib.executor is not None:
        # Its threads are free again.
        await within(asyncio.gather(*[
            asyncio.get_running_loop().run_in_executor(ash.lib.executor, int)
            for _ in range(4)
        ]))


async def test_cancelled_move_removes_nothing(tmp_path, ash, elsewhere):
    """What was to be moved is still whole."""
    source = os.path.join(elsewhere, "tree")
    os.mkdir(source)
    with open(os.path.join(source, "big"), "wb") as file:
        file.truncate(256 * MIB)
    task = asyncio.ensure_future(
        ash.move(
            source,
            tmp_path / "moved",
            progress=lambda done, total: task.cancel(),
        )
    )
    before = open_descriptors()
    await within(asyncio.wait([task]))
    assert task.cancelled()
    await eventually(
        lambda: not left_open(before),
        "both files are closed",
    )
    assert os.path.getsize(os.path.join(source, "big")) == 256 * MIB


async def test_copy_cancelled_in_the_queue_is_not_begun(
    tmp_path, gate, native
):
    """No file is made."""
    (tmp_path / "source").write_bytes(b"x")
    async with gate.shut():
        task = asyncio.ensure_future(
            aiofiles_c.shutil.copyfile(
                tmp_path / "source", tmp_path / "target"
            )
        )
        await gate.queued(1)
        await cancelled(task)
        assert native()["queued"] == 0
    assert not (tmp_path / "target").exists()


async def test_copy_cancelled_between_two_runs_is_closed(big, gate, native):
    """The next run waits in the queue when its task goes: it only closes."""
    source, target = big
    before = open_descriptors()
    reached = asyncio.Event()
    holding = []

    def progress(done, total):
        if not holding:
            # The one worker there is has the next run; then another job.
            holding.append(gate.fifo())
            reached.set()

    most = native()["max_threads"]
    aiofiles_c.set_threads(1)
    try:
        task = asyncio.ensure_future(
            aiofiles_c.shutil.copyfile(source, target, progress=progress)
        )
        await within(reached.wait())
        opening = asyncio.ensure_future(
            aiofiles_c.open(holding[0], "rb", buffering=0).__aenter__()
        )
        await eventually(
            lambda: native()["running"] == 1 and native()["queued"] == 1
            and os.path.exists(holding[0]),
            "the copy waits behind another job, or the other way about",
        )
        await cancelled(task)
        other = os.open(holding[0], os.O_RDWR | os.O_NONBLOCK)
        try:
            file = await within(opening)
        finally:
            os.close(other)
        await file.close()
        await eventually(
            lambda: not left_open(before),
            "both files are closed",
        )
    finally:
        aiofiles_c.set_threads(most)
    assert target.stat().st_size < source.stat().st_size


def test_loop_that_goes_leaves_no_copy_open(tmp_path):
    """The run under way finds nobody at its end, and the next loop works."""
    done = python(
        """
        import asyncio, gc, os, time
        import aiofiles_c, aiofiles_c.shutil as ash
        def opened():
            found = []
            for fd in os.listdir("/proc/self/fd"):
                try:
                    found.append(os.readlink("/proc/self/fd/" + fd))
                except OSError:
                    pass
            return [name for name in found if "/big" in name or
                    "/copy" in name]
        async def leave():
            began = asyncio.Event()
            task = asyncio.ensure_future(ash.copyfile(
                "big", "copy", progress=lambda *sizes: began.set()))
            await began.wait()
            return task
        async def use():
            deadline = time.monotonic() + 20
            while opened():
                assert time.monotonic() < deadline, opened()
                await aiofiles_c.os.listdir(".")
        with open("big", "wb") as file:
            file.truncate(256 << 20)
        for _ in range(3):
            loop = asyncio.new_event_loop()
            task = loop.run_until_complete(leave())
            task.cancel()
            loop.run_until_complete(asyncio.wait([task]))
            loop.close()
            del task, loop
            gc.collect()
            asyncio.run(use())
        print("good")
        """,
        cwd=tmp_path,
    )
    assert done.stdout.split()[-1:] == ["good"], done.stderr


def test_fork_while_copying_leaves_the_copy_to_the_parent(tmp_path):
    """The child copies with a pool of its own; the parent's copy is whole."""
    done = python(
        """
        import aiofiles_c, aiofiles_c.shutil as ash
        async def use(name):
            await ash.copyfile("small", name)
            assert open(name, "rb").read() == b"12345"
        async def main():
            began = asyncio.Event()
            copying = asyncio.ensure_future(ash.copyfile(
                "big", "copy", progress=lambda *sizes: began.set()))
            await began.wait()
            pid = os.fork()
            if pid == 0:
                child(lambda: use("child"))
            wait(pid)
            await copying
            assert os.path.getsize("copy") == 64 << 20
            await use("parent")
        open("small", "wb").write(b"12345")
        with open("big", "wb") as file:
            file.truncate(64 << 20)
        asyncio.run(main())
        print("good")
        """,
        cwd=tmp_path,
        begin=FORKING,
        flags=("-W", "ignore::ResourceWarning"),
    )
    assert done.stdout.split()[-1:] == ["good"], done.stderr


# ---- routes ----


async def test_copyfile_is_one_trip_to_a_native_thread(tmp_path, native):
    """And what goes with it one to the delegate."""
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    before = native()
    await aiofiles_c.shutil.copyfile(source, tmp_path / "target")
    after = native()
    assert after["jobs"] == before["jobs"] + 1
    assert after["pool"] == before["pool"] + 1
    assert after["delegate"] == before["delegate"]
    for name in ("copy", "copy2"):
        before = native()
        await getattr(aiofiles_c.shutil, name)(source, tmp_path / "target")
        after = native()
        assert after["pool"] >= before["pool"] + 1
        assert after["delegate"] == before["delegate"] + 1


async def test_trees_are_one_trip_to_the_delegate(tmp_path):
    """Whatever is in them."""
    folder = plant(tmp_path / "tree")
    for name, *args in (
        ("copytree", folder, tmp_path / "copy", True),
        ("move", tmp_path / "copy", tmp_path / "moved"),
        ("rmtree", tmp_path / "moved"),
    ):
        before = aiofiles_c.stats()
        await getattr(aiofiles_c.shutil, name)(*args)
        after = aiofiles_c.stats()
        assert after["delegate"] == before["delegate"] + 1, name
        assert after["pool"] == before["pool"], name


async def test_executor_that_is_given_does_everything(tmp_path):
    """No native thread copies, and the executor has one call."""
    (tmp_path / "source").write_bytes(b"x")
    (tmp_path / "tree").mkdir()
    loop = asyncio.get_running_loop()
    with Counting() as executor:
        for name, *args in (
            ("copyfile", tmp_path / "source", tmp_path / "a"),
            ("copy", tmp_path / "source", tmp_path / "b"),
            ("copy2", tmp_path / "source", tmp_path / "c"),
            ("copytree", tmp_path / "tree", tmp_path / "d"),
            ("move", tmp_path / "d", tmp_path / "e"),
            ("rmtree", tmp_path / "e"),
        ):
            executor.asked.clear()
            before = aiofiles_c.stats()
            await getattr(aiofiles_c.shutil, name)(
                *args, loop=loop, executor=executor
            )
            assert len(executor.asked) == 1, name
            assert aiofiles_c.stats()["jobs"] == before["jobs"], name


async def test_loop_runs_while_a_large_file_is_copied(large, ash):
    """Other tasks have their turns."""
    source, target = large
    async with turns_counted() as turns:
        await ash.copyfile(source, target)
        assert len(turns) >= 5


def test_copy_whose_process_ends_leaves_a_beginning(tmp_path):
    """What is in the target is what comes first in the source, although two
    workers are at it."""
    source, target = tmp_path / "source", tmp_path / "target"
    data = random.Random(1).randbytes(60 * MIB + 1)
    source.write_bytes(data)
    for end in range(1, 7):
        target.write_bytes(b"")
        python(
            """
            import asyncio, os, sys
            import aiofiles_c.shutil

            source, target, end = sys.argv[1:]
            calls = []

            def progress(done, total):
                calls.append(done)
                if len(calls) == int(end):  # the next run is under way
                    os._exit(0)

            asyncio.run(
                aiofiles_c.shutil.copyfile(source, target, progress=progress)
            )
            raise AssertionError(calls)
            """,
            source, target, str(end), cwd=tmp_path,
        )
        copied = target.read_bytes()
        assert 0 < len(copied) < len(data)
        assert data.startswith(copied)
