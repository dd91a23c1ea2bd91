"""Temporary files of tasks that go: nothing of them stays."""

import asyncio
import os
import sys

import pytest

from .support.waiting import cancelled, eventually, pool_idle, turns, within

NEW = sys.version_info >= (3, 12)


@pytest.mark.parametrize("delete", (True, False))
async def test_named_file_cancelled_while_it_is_made_is_gone(
    our_temp, gate, place, delete
):
    """Whether a worker had begun or not, nothing stays that nobody knows."""
    if not our_temp.lib.native:
        pytest.skip("the gate holds native workers")
    async with gate.shut():
        task = asyncio.ensure_future(
            our_temp.NamedTemporaryFile(delete=delete).__aenter__()
        )
        await gate.queued(1)
        await cancelled(task)
    await pool_idle()
    assert os.listdir(place) == []


def opened_in(place):
    """The files below a folder that the process has open, nameless too."""
    found = []
    if os.path.isdir("/proc/self/fd"):
        for name in os.listdir("/proc/self/fd"):
            try:
                found.append(os.readlink(f"/proc/self/fd/{name}"))
            except OSError:  # the listing's own
                continue
    return [target for target in found if target.startswith(str(place))]


@pytest.mark.parametrize(
    "name", ("NamedTemporaryFile", "TemporaryFile", "TemporaryDirectory")
)
@pytest.mark.parametrize("step", (0, 1, 2, 3, 4, 6, 10, 20, 50, 200))
async def test_task_cancelled_at_any_step_leaves_nothing(
    our_temp, place, name, step
):
    """However far the making has come, what was made is removed."""

    async def body():
        async with getattr(our_temp, name)():
            await asyncio.Event().wait()  # for ever

    for _ in range(5):
        task = asyncio.ensure_future(body())
        await turns(step)
        await cancelled(task)
    await pool_idle()  # what waits in line may yet make one
    await eventually(lambda: os.listdir(place) == [], "all is gone")
    await eventually(lambda: not opened_in(place), "all is closed")


async def test_close_cancelled_removes_the_file(our_temp, gate, place):
    """The close that nobody waits for any more is done all the same."""
    if not our_temp.lib.native:
        pytest.skip("the gate holds native workers")
    file = await our_temp.NamedTemporaryFile()
    await file.write(b"data")
    async with gate.shut():
        task = asyncio.ensure_future(file.close())
        await gate.queued(1)
        await cancelled(task)
    await eventually(lambda: os.listdir(place) == [], "it is gone")
    await file.close()
    assert file.closed


@pytest.mark.skipif(not NEW, reason="came with Python 3.12")
async def test_context_whose_end_is_cancelled_removes_the_closed_file(
    our_temp, gate, place
):
    """delete_on_close=False: the name that had stayed goes all the same."""
    if not our_temp.lib.native:
        pytest.skip("the gate holds native workers")
    made = our_temp.NamedTemporaryFile(delete_on_close=False)
    file = await made
    await file.close()
    assert len(os.listdir(place)) == 1
    async with gate.shut():
        task = asyncio.ensure_future(made.__aexit__(None, None, None))
        await gate.queued(1)
        await cancelled(task)
    await eventually(lambda: os.listdir(place) == [], "it is gone")
    assert file.closed


async def test_many_files_at_once_have_names_of_their_own(temp, place):
    """They are made and removed at the same time."""

    async def one(number):
        async with temp.NamedTemporaryFile() as file:
            await file.write(b"%d" % number)
            await file.flush()
            with open(file.name, "rb") as other:
                assert other.read() == b"%d" % number
            return file.name

    names = await within(asyncio.gather(*map(one, range(100))))
    assert len(set(names)) == 100
    assert os.listdir(place) == []
