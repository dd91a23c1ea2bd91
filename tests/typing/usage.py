"""Uses of the package as type checkers see them; nothing here is run.

Each assert_type() says which type a checker has to find.
"""

import asyncio
import os
from pathlib import Path

import aiofiles_c as aiofiles
from aiofiles_c.base import AiofilesContextManager, AsyncBase
from aiofiles_c.tempfile import TemporaryDirectory
from aiofiles_c.threadpool.binary import (
    AsyncBufferedIOBase,
    AsyncBufferedReader,
    AsyncFileIO,
)
from aiofiles_c.threadpool.text import AsyncTextIOWrapper
from aiofiles_c.threadpool.utils import delegate_to_executor
from typing_extensions import assert_type


async def text(path: Path) -> None:
    async with aiofiles.open(path) as file:
        assert_type(file, AsyncTextIOWrapper)
        assert_type(await file.read(), str)
        assert_type(await file.readline(), str)
        assert_type(await file.readlines(), list[str])
        assert_type(await file.readable(), bool)
        assert_type(file.encoding, str)
    async with aiofiles.open(path, "w", encoding="utf-8") as file:
        assert_type(await file.write("text"), int)
        await file.writelines(["one", "two"])
        assert_type(await file.tell(), int)
        assert_type(await file.seek(0, os.SEEK_END), int)
    opened = await aiofiles.open("name", mode="r+", newline="")
    assert_type(opened, AsyncTextIOWrapper)
    await opened.close()


async def binary(path: str) -> None:
    async with aiofiles.open(path, "rb") as reader:
        assert_type(reader, AsyncBufferedReader)
        assert_type(await reader.read(), bytes)
        assert_type(await reader.peek(4), bytes)
        assert_type(await reader.pread(4, 10), bytes)
        assert_type(reader.readable(), bool)
        assert_type(reader.fileno(), int)
    async with aiofiles.open(path, "wb") as writer:
        assert_type(writer, AsyncBufferedIOBase)
        assert_type(await writer.write(bytearray(b"data")), int)
        assert_type(await writer.pwrite(bytearray(b"data"), 10), int)
        await writer.sync()
    async with aiofiles.open(path, "rb+") as both:
        assert_type(both, AsyncBufferedReader)
    async with aiofiles.open(path, "rb", buffering=0) as raw:
        assert_type(raw, AsyncFileIO)
        assert_type(await raw.readall(), bytes | None)
        assert_type(await raw.pread(4, 10), bytes)


async def tasks(path: bytes) -> None:
    async with aiofiles.open(path, "rb") as file:
        task = asyncio.create_task(file.read(4))
        assert_type(await task, bytes)
        assert_type(await asyncio.wait_for(file.readline(), 5), bytes)
        first, second = await asyncio.gather(file.tell(), file.seekable())
        assert_type(first, int)
        assert_type(second, bool)


async def system(path: str) -> None:
    assert_type(await aiofiles.os.stat(path), os.stat_result)
    assert_type(await aiofiles.os.path.exists(path), bool)
    assert_type(await aiofiles.ospath.getsize(path), int)
    await aiofiles.os.makedirs(path, exist_ok=True)
    await aiofiles.os.rename(path, path + ".old")
    async with TemporaryDirectory() as folder:
        print(folder)


def open_later(path: str) -> AiofilesContextManager[AsyncBufferedReader]:
    return aiofiles.open(path, "rb")


@delegate_to_executor("measure")
class Device(AsyncBase):
    """A class of one's own."""


def switches() -> None:
    aiofiles.install()
    aiofiles.uninstall()
    aiofiles.set_threads(4)
    print(aiofiles.stats()["memory"], aiofiles.__version__)
