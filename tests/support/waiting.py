"""Waits that end: nothing in the tests waits without a deadline."""

import asyncio
import time
from contextlib import asynccontextmanager

import aiofiles_c

PATIENCE = 20  # seconds; reached only where something hangs


async def within(awaitable, seconds=PATIENCE):
    """Await, or fail with TimeoutError when the time is up."""
    return await asyncio.wait_for(awaitable, seconds)


async def eventually(condition, what, seconds=PATIENCE):
    """Turn the loop until condition() is true; its value is the result."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not (value := condition()):
        if loop.time() > deadline:
            raise AssertionError(f"still not so: {what}")
        await asyncio.sleep(0.001)
    return value


async def pends(task, seconds=0.02):
    """See a task go on waiting for what does not come.

    Nothing says so but time, in which it could have ended.
    """
    await asyncio.sleep(seconds)
    assert not task.done(), task


async def turns(count=3):
    """Let the loop go round, so that started tasks make their first steps."""
    for _ in range(count):
        await asyncio.sleep(0)


async def begun(awaitable):
    """A task that is inside its call, as far as the loop can see."""
    task = asyncio.ensure_future(awaitable)
    await turns(5)
    assert not task.done(), task
    return task


@asynccontextmanager
async def turns_counted():
    """Count the turns that another task has meanwhile: `len()` of it."""
    taken = []

    async def other():
        while True:
            await asyncio.sleep(0)
            taken.append(None)

    task = asyncio.ensure_future(other())
    await turns()
    taken.clear()
    try:
        yield taken
    finally:
        await cancelled(task)


def pool_rests():
    """Whether no worker has anything to do, and nothing waits for one."""
    now = aiofiles_c.stats()
    return not now["running"] and not now["queued"]


async def pool_idle():
    """Turn the loop until the workers have nothing to do."""
    await eventually(pool_rests, "the pool is idle")


def workers_rest(seconds):
    """Sleep, the loop with it, until the workers have nothing to do, or so
    many seconds; whether they have."""
    deadline = time.monotonic() + seconds
    while not pool_rests():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def jobs_end():
    """Sleep, the loop with it, until the workers have nothing to do."""
    assert workers_rest(PATIENCE), aiofiles_c.stats()


async def cancelled(task):
    """Cancel a task and see it end so."""
    task.cancel()
    try:
        await within(asyncio.wait([task]))
    finally:
        assert task.cancelled(), task
