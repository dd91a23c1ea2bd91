"""readinto(): straight to the buffer that is given."""

import asyncio
import os
import random

import aiofiles_c
import pytest

from .support.inject import held
from .support.waiting import cancelled, eventually, within

MIB = 1 << 20
LARGE = 2 * MIB  # more than is read on the loop thread


def running():
    return aiofiles_c.stats()["running"]


async def test_readinto_is_one_trip_however_large(native, make):
    """The bytes go straight to the buffer that was given."""
    data = random.Random(3).randbytes(8 * MIB)
    room = bytearray(len(data))
    async with aiofiles_c.open(make(data), "rb") as file:
        await file.seek(0)
        before = native()["jobs"]
        assert await file.readinto(room) == len(data)
        assert room == data
        # Others may help the one that has it.
        assert native()["pool"] and native()["jobs"] - before <= 1 + (
            os.cpu_count() or 1
        )


async def test_readinto_cancelled_holds_its_buffer_until_the_job_ends(
    engine, make, threads
):
    """Whoever has lent it may not move it below a worker's hands."""
    room = bytearray(LARGE)
    async with engine.open(make(bytes(LARGE)), "rb") as file:
        with held("READV"):
            task = asyncio.ensure_future(file.readinto(room))
            await eventually(lambda: running() >= 1, "a worker has it")
            await cancelled(task)
            with pytest.raises(BufferError):
                room.append(1)
        assert await within(file.read(5)) == bytes(5)  # nothing was lost
        assert await file.tell() == 5
        room.append(1)


async def test_large_readinto_where_others_see_the_descriptor(ours, make):
    """It is copied by pieces, between which the loop turns."""
    data = random.Random(4).randbytes(5 * MIB)
    room = bytearray(len(data) + 10)
    async with ours.open(make(data), "rb") as file:
        assert await file.read(3) == data[:3]
        number = file.fileno()
        assert await file.readinto(room) == len(data) - 3
        assert room[:len(data) - 3] == data[3:]
        assert os.lseek(number, 0, os.SEEK_CUR) == len(data)
        assert await file.readinto(room) == 0
