"""Many tasks at once, and what one trip to a thread costs.

The rows of trips switch the routes off that answer at once, by the
environment of aiofiles_c, and read without a buffer: each read is a trip in
every library.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os

from files import KIB, MIB
from row import Row, in_thread_each, round_of

__all__ = ("ROWS",)

TOTAL = 64 * MIB
BLOCK = 4 * KIB
POOL_ONLY = {"AIOFILES_C_INLINE": "0"}


def one_blocking(path, offset):
    with open(path, "rb") as f:
        f.seek(offset)
        return len(f.read(BLOCK))


def tasks_blocking(files, n, tasks):
    path = files.blob(TOTAL)
    offsets = files.offsets(TOTAL, BLOCK)
    done = 0
    for i in range(n):
        done = one_blocking(path, offsets[i % tasks])
    return done


async def tasks_awaiting(lib, files, n, tasks):
    path = files.blob(TOTAL)
    offsets = files.offsets(TOTAL, BLOCK)

    async def one(i):
        async with lib.open(path, "rb") as f:
            await f.seek(offsets[i])
            return len(await f.read(BLOCK))

    return await round_of(tasks, n, one)


async def tasks_threaded(files, n, tasks):
    path = files.blob(TOTAL)
    offsets = files.offsets(TOTAL, BLOCK)
    return await round_of(
        tasks, n, lambda i: asyncio.to_thread(one_blocking, path, offsets[i])
    )


def whole_one(path):
    with open(path, "rb") as f:
        return len(f.read())


def whole_blocking(files, n, size, tasks):
    path = files.blob(size)
    done = 0
    for _ in range(n):
        done = whole_one(path)
    return done


async def whole_awaiting(lib, files, n, size, tasks):
    path = files.blob(size)

    async def one(_):
        async with lib.open(path, "rb") as f:
            return len(await f.read())

    return await round_of(tasks, n, one)


async def whole_threaded(files, n, size, tasks):
    path = files.blob(size)
    return await round_of(
        tasks, n, lambda _: asyncio.to_thread(whole_one, path)
    )


def pread_offsets(files, tasks):
    """One for each task, or for one task very many."""
    offsets = files.offsets(TOTAL, BLOCK)
    return offsets if tasks == 1 else offsets[:tasks]


def pread_blocking(files, n, tasks):
    offsets = pread_offsets(files, tasks)
    data = b""
    with open(files.blob(TOTAL), "rb") as f:
        descriptor = f.fileno()
        for i in range(n):
            data = os.pread(descriptor, BLOCK, offsets[i % len(offsets)])
    return len(data)


async def pread_awaiting(lib, files, n, tasks):
    offsets = pread_offsets(files, tasks)
    async with lib.open(files.blob(TOTAL), "rb") as f:
        if tasks == 1:
            data = b""
            for i in range(n):
                data = await f.pread(BLOCK, offsets[i % len(offsets)])
        else:
            data = await round_of(
                tasks, n, lambda i: f.pread(BLOCK, offsets[i])
            )
    return len(data)


async def pread_threaded(files, n, tasks):
    offsets = pread_offsets(files, tasks)
    with open(files.blob(TOTAL), "rb") as f:
        descriptor = f.fileno()
        data = await round_of(
            tasks,
            n,
            lambda i: asyncio.to_thread(
                os.pread, descriptor, BLOCK, offsets[i]
            ),
        )
    return len(data)


def hop_blocking(files, n, tasks):
    path = files.blob(TOTAL)
    data = b""
    with contextlib.ExitStack() as stack:
        opened = [
            stack.enter_context(open(path, "rb", buffering=0))
            for _ in range(tasks)
        ]
        for i in range(n):
            data = opened[i % tasks].read(BLOCK)
    return len(data)


async def hop_awaiting(lib, files, n, tasks):
    path = files.blob(TOTAL)
    async with contextlib.AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(lib.open_raw(path, "rb"))
            for _ in range(tasks)
        ]
        if tasks == 1:
            read = opened[0].read
            data = b""
            for _ in range(n):
                data = await read(BLOCK)
        else:
            data = await round_of(tasks, n, lambda i: opened[i].read(BLOCK))
    return len(data)


async def hop_threaded(files, n, tasks):
    path = files.blob(TOTAL)
    with contextlib.ExitStack() as stack:
        opened = [
            stack.enter_context(open(path, "rb", buffering=0))
            for _ in range(tasks)
        ]
        if tasks == 1:
            return await in_thread_each(lambda _: len(opened[0].read(BLOCK)))(
                files, n
            )
        data = await round_of(
            tasks, n, lambda i: asyncio.to_thread(opened[i].read, BLOCK)
        )
    return len(data)


def _row(name, about, ops, slow_ops, bodies, tasks, **more):
    blocking, awaiting, threaded = (
        functools.partial(body, tasks=tasks) for body in bodies
    )
    return Row(
        name,
        about,
        ops,
        slow_ops,
        blocking,
        awaiting,
        threaded=threaded,
        **more,
    )


def _whole_row(name, size, ops):
    """Of files of size bytes."""
    return _row(
        name,
        f"a task of ten at once: open, read() of {size // MIB} MiB, close",
        ops,
        ops,
        tuple(functools.partial(body, size=size) for body in WHOLE),
        10,
    )


WHOLE = (whole_blocking, whole_awaiting, whole_threaded)
PREAD = (pread_blocking, pread_awaiting, pread_threaded)
HOP = (hop_blocking, hop_awaiting, hop_threaded)

ROWS = (
    _row(
        "open100_tasks_c100",
        "a task of a hundred at once: open, seek, read(4096), close",
        5_000,
        2_000,
        (tasks_blocking, tasks_awaiting, tasks_threaded),
        100,
        needs=("seek",),
    ),
    _whole_row("read_all_1m_c10", MIB, 200),
    _whole_row("read_all_4m_c10", 4 * MIB, 100),
    _row(
        "pread_4k_c1",
        "pread(4096) at random offsets, one after the other",
        50_000,
        2_000,
        PREAD,
        1,
        needs=("pread",),
    ),
    _row(
        "pread_4k_c32",
        "a pread(4096) of 32 at once on one file",
        32_000,
        3_200,
        PREAD,
        32,
        needs=("pread",),
    ),
    _row(
        "hop_read_4k_c1",
        "one trip to a thread: an unbuffered read(4096)",
        4_000,
        2_000,
        HOP,
        1,
        env=POOL_ONLY,
    ),
    _row(
        "hop_read_4k_c100",
        "a trip of a hundred at once",
        10_000,
        5_000,
        HOP,
        100,
        env=POOL_ONLY,
    ),
    _row(
        "hop_pread_4k_c32",
        "a trip of 32 at once on one file",
        10_000,
        3_200,
        PREAD,
        32,
        needs=("pread",),
        env=POOL_ONLY,
    ),
)
