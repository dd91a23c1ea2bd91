"""Copy files into a folder, several at once, with a progress bar.

    python examples/copy_many.py FILE ... FOLDER
"""

import asyncio
import sys
from pathlib import Path

from aiofiles_c import os, shutil
from tqdm import tqdm

AT_ONCE = 4


async def copy_all(sources, folder, bar, at_once=AT_ONCE):
    """Copy the sources; the bar, which counts bytes, is told of progress."""
    turns = asyncio.Semaphore(at_once)
    sizes = await asyncio.gather(*map(os.path.getsize, sources))
    bar.reset(sum(sizes))

    async def copy(source):
        told = 0

        def progress(done, total):
            nonlocal told
            bar.update(done - told)
            told = done

        async with turns:
            target = Path(folder) / Path(source).name
            await shutil.copyfile(source, target, progress=progress)

    await asyncio.gather(*map(copy, sources))


def main(*names):
    *sources, folder = names
    with tqdm(unit="B", unit_scale=True) as bar:
        asyncio.run(copy_all(sources, folder, bar))


if __name__ == "__main__":
    main(*sys.argv[1:])
