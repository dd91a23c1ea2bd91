"""Print the last lines of a log file, and what comes, as tail -F does.

    python examples/tail.py FILE
"""

import asyncio
import sys

import aiofiles_c
from aiofiles_c import os

LAST = 10  # lines
BLOCK = 8 * 1024
PAUSE = 0.2  # seconds between two looks


async def seek_last_lines(file, count=LAST):
    """Go to where the last count lines of a binary file begin."""
    at = await file.seek(0, 2)
    tail = b""
    while at > 0 and tail.count(b"\n") <= count:
        size = min(BLOCK, at)
        at = await file.seek(at - size)
        tail = await file.read(size) + tail
    lines = tail.splitlines(keepends=True)
    await file.seek(-sum(map(len, lines[-count:])), 2)


async def was_replaced(file, path):
    """Whether the name is another file's now, or the file was cut."""
    try:
        there = await os.stat(path)
    except FileNotFoundError:
        return False  # not yet
    here = await os.fstat(file.fileno())
    return there.st_ino != here.st_ino or there.st_size < await file.tell()


async def follow(path, pause=PAUSE):
    """The last lines of a file, then each new one, rotated or not."""
    file = await aiofiles_c.open(path, "rb")
    try:
        await seek_last_lines(file)
        partial = b""
        while True:
            async for piece in file:
                partial += piece
                if partial.endswith(b"\n"):
                    yield partial.decode(errors="replace")
                    partial = b""
            if await was_replaced(file, path):
                await file.close()
                file = await aiofiles_c.open(path, "rb")
            else:
                await asyncio.sleep(pause)
    finally:
        await file.close()


async def main(path):
    async for line in follow(path):
        await aiofiles_c.stdout.write(line)
        await aiofiles_c.stdout.flush()


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1]))
    except KeyboardInterrupt:
        pass
