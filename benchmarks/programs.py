"""Whole programs as a beginner writes and times them, from start to exit.

    python benchmarks/programs.py --library open,aiofiles_c,aiofiles

What is timed is the process: interpreter, imports, loop, work.  The last row,
``import``, is the time of the import statement alone in a fresh interpreter:
``import asyncio`` where the library is blocking open().
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time

from files import MIB, Files

LINE = "the quick brown fox jumps over the lazy dog\n"


def write_lines_100k(files):
    with open(files.out(), "w") as f:
        for _ in range(100_000):
            f.write(LINE)


async def write_lines_100k_awaiting(lib, files):
    async with lib.open(files.out(), "w") as f:
        for _ in range(100_000):
            await f.write(LINE)


def write_numbers_1m(files):
    with open(files.out(), "w") as f:
        for i in range(1_000_000):
            f.write(f"{i}\n")


async def write_numbers_1m_awaiting(lib, files):
    async with lib.open(files.out(), "w") as f:
        for i in range(1_000_000):
            await f.write(f"{i}\n")


def readline_100k(files):
    with open(files.lines(100_000)) as f:
        while f.readline():
            pass


async def readline_100k_awaiting(lib, files):
    async with lib.open(files.lines(100_000), "r") as f:
        while await f.readline():
            pass


def iter_100k(files):
    with open(files.lines(100_000)) as f:
        for _ in f:
            pass


async def iter_100k_awaiting(lib, files):
    async with lib.open(files.lines(100_000), "r") as f:
        async for _ in f:
            pass


def ten_files(files):
    return [files.text((10 + i) * MIB, "ascii") for i in range(10)]


def gather_10(files):
    for path in ten_files(files):
        with open(path) as f:
            f.read()


async def gather_10_awaiting(lib, files):
    async def read(path):
        async with lib.open(path, "r") as f:
            return await f.read()

    await asyncio.gather(*[read(path) for path in ten_files(files)])


NAMES = (
    "write_lines_100k",
    "write_numbers_1m",
    "readline_100k",
    "iter_100k",
    "gather_10",
)
IMPORT = (
    "import time; a = time.perf_counter(); import {}; "
    "print(time.perf_counter() - a)"
)


def program(name: str, library: str, folder: str) -> int:
    """The program itself: no more than what its author would import."""
    if library == "open":
        globals()[name](Files(folder))
        return 0
    import importlib

    lib = importlib.import_module(library)
    asyncio.run(globals()[name + "_awaiting"](lib, Files(folder)))
    return 0


def seconds(name: str, library: str, folder: str) -> float:
    if name == "import":
        module = "asyncio" if library == "open" else library
        done = subprocess.run(
            [sys.executable, "-I", "-c", IMPORT.format(module)],
            check=True,
            capture_output=True,
            text=True,
        )
        return float(done.stdout)
    Files(folder).fresh()
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, __file__, "--program", name, library, folder],
        check=True,
    )
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--library",
        default="open,aiofiles_c",
        metavar="A,B",
        help="open, aiofiles_c, aiofiles (default: %(default)s)",
    )
    parser.add_argument(
        "--only", default=",".join((*NAMES, "import")), metavar="A,B"
    )
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--dir", metavar="DIR")
    options = parser.parse_args()
    libraries = options.library.split(",")
    print("milliseconds: median, least, most; x the first library's median")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=".") as scratch:
        folder = os.path.abspath(options.dir or scratch)
        for name in options.only.split(","):
            times: dict[str, list[float]] = {lib: [] for lib in libraries}
            for round_ in range(options.repeat + 1):
                for library in libraries:
                    taken = seconds(name, library, folder) * 1e3
                    if round_ > 0:  # the first is the warm-up
                        times[library].append(taken)
            show(name, times)
    return 0


def show(name: str, times: dict[str, list[float]]) -> None:
    base = statistics.median(next(iter(times.values())))
    for library, runs in times.items():
        middle = statistics.median(runs)
        print(
            f"{name:<17} {library:<11}{middle:9.1f}{min(runs):9.1f}"
            f"{max(runs):9.1f}{middle / base:8.2f} x",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--program"]:
        sys.exit(program(*sys.argv[2:]))
    sys.exit(main())
