"""Count the words of all the files in a tree.

    python examples/word_count.py FOLDER [SUFFIX]
"""

import asyncio
import sys
from collections import Counter
from pathlib import Path

import aiofiles_c
from aiofiles_c import os

AT_ONCE = 16


async def count_file(path):
    words = Counter()
    async with aiofiles_c.open(path, errors="replace") as file:
        async for line in file:
            words.update(line.lower().split())
    return words


async def count_tree(folder, suffix="", at_once=AT_ONCE):
    """The words of the files that end by suffix, and how often each is."""
    turns = asyncio.Semaphore(at_once)

    async def count(path):
        async with turns:
            return await count_file(path)

    tasks = []
    async for here, _, names in os.walk(folder):
        for name in names:
            if name.endswith(suffix):
                path = Path(here, name)
                tasks.append(asyncio.ensure_future(count(path)))
    total = Counter()
    for task in asyncio.as_completed(tasks):
        total.update(await task)
    return total


async def main(folder, suffix=""):
    words = await count_tree(folder, suffix)
    print(f"{sum(words.values())} words, {len(words)} different")
    for word, count in words.most_common(10):
        print(f"{count:8} {word}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
