"""Random reads of a file that is not in the page cache.

    python benchmarks/cold.py --library aiofiles_c,aiofiles

So many tasks, each with the file open, seek and read 4 KiB at random places;
the first line is a plain C program (cold.c, built with ``cc``) whose threads
do the same.  Before each run the file is dropped from the cache.  It has to
lie on a disk: what is in memory only cannot be dropped.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import adapters
import child
from files import KIB, MIB, Files

BLOCK = 4 * KIB
HERE = os.path.dirname(os.path.abspath(__file__))


def drop(path: str) -> None:
    """Write the file out and forget what the cache holds of it."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)


async def reads(lib, path: str, tasks: int, count: int) -> float:
    blocks = os.path.getsize(path) // BLOCK

    async def one(number: int) -> None:
        places = random.Random(number)
        async with lib.open_raw(path, "rb") as f:
            for _ in range(count):
                await f.seek(places.randrange(blocks) * BLOCK)
                if len(await f.read(BLOCK)) != BLOCK:
                    raise RuntimeError("a short read")

    start = time.perf_counter()
    await asyncio.gather(*[one(i) for i in range(tasks)])
    return time.perf_counter() - start


def measure(library, path, tasks, count) -> dict[str, Any]:
    lib = adapters.load(library)
    return {"seconds": asyncio.run(reads(lib, path, tasks, count))}


def build(folder: str) -> str | None:
    """The compiled cold.c; None where there is no compiler."""
    if shutil.which("cc") is None:
        return None
    program = os.path.join(folder, "cold")
    source = os.path.join(HERE, "cold.c")
    subprocess.run(
        ["cc", "-O2", "-pthread", "-o", program, source], check=True
    )
    return program


def once(name: str, program: str | None, path: str, options) -> dict[str, Any]:
    drop(path)
    if name != "C":
        return child.ask(
            __file__,
            library=name,
            path=path,
            tasks=options.tasks,
            count=options.count,
        )
    if program is None:
        return {"left_out": "no C compiler"}
    done = subprocess.run(
        [program, path, str(options.tasks), str(options.count)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {"seconds": float(done.stdout)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--library", default="aiofiles_c,aiofiles", metavar="A,B"
    )
    parser.add_argument("--tasks", type=int, default=32)
    parser.add_argument("--count", type=int, default=200, help="of each task")
    parser.add_argument("--size", type=int, default=1024, metavar="MIB")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--dir", metavar="DIR")
    options = parser.parse_args()
    names = ["C", *options.library.split(",")]
    rates: dict[str, list[float]] = {name: [] for name in names}
    failed = False
    with tempfile.TemporaryDirectory(prefix="bench-", dir=".") as scratch:
        path = os.path.abspath(
            Files(options.dir or scratch).blob(options.size * MIB)
        )
        program = build(scratch)
        print(f"{options.tasks} at once, {options.count} reads each, per s")
        for _ in range(options.repeat):
            for name in names:
                answer = once(name, program, path, options)
                if "left_out" in answer:
                    print(f"{name:<11} left out: {answer['left_out']}")
                    failed = failed or "failed" in answer
                    continue
                total = options.tasks * options.count
                rates[name].append(total / answer["seconds"])
    show(rates)
    return 1 if failed else 0


def show(rates: dict[str, list[float]]) -> None:
    base = statistics.median(rates["C"]) if rates["C"] else None
    for name, runs in rates.items():
        if not runs:
            continue
        middle = statistics.median(runs)
        ratio = f"{middle / base:8.2f} x C" if base else ""
        print(
            f"{name:<11}{middle:10,.0f}{min(runs):10,.0f}{max(runs):10,.0f}"
            f"{ratio}"
        )


if __name__ == "__main__":
    sys.exit(child.serve(measure) if child.is_child() else main())
