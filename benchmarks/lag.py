"""How late an event loop's timers are while tasks work on cached files.

    python benchmarks/lag.py --library aiofiles_c,aiofiles --tasks 1,10,50

A heartbeat sleeps for 2 ms again and again and notes how much longer it took.
Each line is one process: the loop idle for some seconds first, then the same
with the tasks.  What counts is the second less the first.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from typing import Any

import adapters
import child
from files import KIB, MIB, Files

BEAT = 0.002
BLOCK = 64 * KIB


class Case:
    """What the tasks of one process do, until they are told to stop."""

    def __init__(self, library, files: Files, size: int, tasks: int) -> None:
        self.library = library
        self.files = files
        self.size = size
        self.tasks = tasks
        self.done = False
        self.bytes = 0

    async def stream(self, _: int) -> None:
        """read(64 KiB), as a web server sends a file."""
        while not self.done:
            async with self.library.open(
                self.files.blob(self.size), "rb"
            ) as f:
                while not self.done and (chunk := await f.read(BLOCK)):
                    self.bytes += len(chunk)

    async def lines(self, _: int) -> None:
        """async for over lines of text."""
        path = self.files.text(self.size, "ascii")
        while not self.done:
            async with self.library.open(path, "r", encoding="utf-8") as f:
                async for line in f:
                    self.bytes += len(line)
                    if self.done:
                        break

    async def whole(self, _: int) -> None:
        """read() of the whole file."""
        path = self.files.blob(self.size // self.tasks)
        while not self.done:
            async with self.library.open(path, "rb") as f:
                got = len(await f.read())
                self.bytes += got

    async def text(self, _: int) -> None:
        """read() of the whole file, text."""
        path = self.files.text(self.size // self.tasks, "utf8")
        while not self.done:
            async with self.library.open(path, "r", encoding="utf-8") as f:
                got = len(await f.read())
                self.bytes += got

    async def write(self, number: int) -> None:
        """write(64 KiB), the files together no larger than the size."""
        data = b"x" * BLOCK
        while not self.done:
            path = self.files.out(str(number))
            async with self.library.open(path, "wb") as f:
                for _ in range(self.size // self.tasks // BLOCK):
                    got = await f.write(data)
                    self.bytes += got
                    if self.done:
                        break


KINDS = ("stream", "lines", "whole", "text", "write")


async def heartbeat(seconds: float) -> list[float]:
    """Milliseconds by which each beat was late, sorted."""
    late = []
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        await asyncio.sleep(BEAT)
        late.append((time.perf_counter() - start - BEAT) * 1e3)
    return sorted(late)


def summary(late: list[float]) -> dict[str, float]:
    return {
        "p50": late[len(late) // 2],
        "p99": late[len(late) * 99 // 100],
        "max": late[-1],
    }


async def measured(case: Case, kind: str, seconds: float) -> dict[str, Any]:
    idle = summary(await heartbeat(seconds))
    work = [
        asyncio.create_task(getattr(case, kind)(i)) for i in range(case.tasks)
    ]
    await asyncio.sleep(0.1)
    case.bytes = 0
    start = time.perf_counter()
    busy = summary(await heartbeat(seconds))
    rate = case.bytes / (time.perf_counter() - start)
    case.done = True
    await asyncio.gather(*work)
    return {"idle": idle, "busy": busy, "rate": rate}


def measure(library, kind, tasks, folder, size, seconds) -> dict[str, Any]:
    files = Files(folder)
    files.fresh()
    for make in (files.blob, lambda n: files.text(n, "ascii")):
        with open(make(size), "rb") as f:  # into the page cache
            while f.read(MIB):
                pass
    case = Case(adapters.load(library), files, size, tasks)
    return asyncio.run(measured(case, kind, seconds))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--library", default="aiofiles_c,aiofiles", metavar="A,B"
    )
    parser.add_argument(
        "--kind",
        default=",".join(KINDS),
        metavar="A,B",
        help="default: %(default)s",
    )
    parser.add_argument("--tasks", default="1,10,50", metavar="N,N")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--size", type=int, default=500, metavar="MIB")
    parser.add_argument("--dir", metavar="DIR")
    options = parser.parse_args()
    print("milliseconds late: idle p99, max | with the tasks p50, p99, max")
    failed = False
    with tempfile.TemporaryDirectory(prefix="bench-", dir=".") as scratch:
        for kind in options.kind.split(","):
            for tasks in options.tasks.split(","):
                for library in options.library.split(","):
                    answer = child.ask(
                        __file__,
                        library=library,
                        kind=kind,
                        tasks=int(tasks),
                        seconds=options.seconds,
                        size=options.size * MIB,
                        folder=os.path.abspath(options.dir or scratch),
                    )
                    show(f"{kind}_c{tasks}", library, answer)
                    failed = failed or "failed" in answer
    return 1 if failed else 0


def show(name: str, library: str, answer: dict[str, Any]) -> None:
    start = f"{name:<12} {library:<11}"
    if "left_out" in answer:
        print(f"{start} left out: {answer['left_out']}", flush=True)
        return
    idle, busy = answer["idle"], answer["busy"]
    print(
        f"{start} {idle['p99']:7.2f} {idle['max']:7.2f}  |"
        f" {busy['p50']:7.2f} {busy['p99']:7.2f} {busy['max']:7.2f}"
        f"   at {answer['rate'] / MIB:8,.0f} MiB/s",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(child.serve(measure) if child.is_child() else main())
