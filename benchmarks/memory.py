"""Resident memory of open files.

    python benchmarks/memory.py --library open,aiofiles_c,aiofiles

``idle_binary`` and ``idle_text``: open files that nothing was read from;
``sequential``: files read half through by blocks of 4 KiB and kept open;
``iter_1g``: by how much the process grows while ``async for`` goes through a
large file.  One process each.  The first line of a block, "descriptor", is
what the bare descriptors take.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import json
import os
import resource
import sys
import tempfile
from typing import Any

import adapters
import child
from files import KIB, MIB, Files

KINDS = ("idle_binary", "idle_text", "sequential", "iter_1g")
SEQUENTIAL = 100
TEXT = {"encoding": "utf-8"}


def resident() -> int:
    """Resident bytes of this process, without what the allocator keeps."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)
    with open("/proc/self/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


def allow_descriptors(count: int) -> int:
    """Raise the limit as far as is allowed: how many files may be open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 100
    if soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        soft = limit
    return min(count, soft - 100)


def descriptors(path: str, count: int) -> dict[str, Any]:
    keep = [None] * count
    before = resident()
    for i in range(count):
        keep[i] = os.open(path, os.O_RDONLY)
    return {"each": (resident() - before) / count, "count": count}


async def idle(
    lib, path: str, count: int, mode: str, options
) -> dict[str, Any]:
    keep: list[Any] = [None] * count
    async with lib.open(path, mode, **options) as first:
        await first.read(1)
    before = resident()
    for i in range(count):
        keep[i] = await lib.open(path, mode, **options).__aenter__()
    return {"each": (resident() - before) / count, "count": count}


async def sequential(lib, path: str) -> dict[str, Any]:
    keep = []
    before = resident()
    for _ in range(SEQUENTIAL):
        file = await lib.open(path, "rb").__aenter__()
        for _ in range(MIB // (4 * KIB)):
            await file.read(4 * KIB)
        keep.append(file)
    return {"each": (resident() - before) / len(keep), "count": len(keep)}


async def iterated(lib, path: str) -> dict[str, Any]:
    before = peak = 0
    async with lib.open(path, "r", **TEXT) as f:
        i = 0
        async for _ in f:
            i += 1
            if i == 20_000:
                before = peak = resident()
            elif i % 200_000 == 0:
                peak = max(peak, resident())
    return {"each": peak - before, "count": 1}


class _Sync:
    """Blocking open() behind the awaitable form, for the same measurements."""

    def __init__(self, path, mode, **options):
        self.file = open(path, mode, **options)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc):
        self.file.close()

    async def read(self, size):
        return self.file.read(size)

    async def __aiter__(self):
        for line in self.file:
            yield line


def read_by(kind: str, files: Files, size: int) -> str:
    """The file of a measurement, made by the parent."""
    if kind == "iter_1g":
        return files.text(size, "ascii")
    return files.text(2 * MIB, "ascii")


def measure(library, kind, path, count) -> dict[str, Any]:
    count = allow_descriptors(count)
    if library == "descriptor":
        return descriptors(path, count)
    lib = adapters.load(library)
    if lib.blocking:
        lib.open = _Sync
    if kind == "iter_1g":
        job = iterated(lib, path)
    elif kind == "sequential":
        job = sequential(lib, path)
    elif kind == "idle_text":
        job = idle(lib, path, count, "r", TEXT)
    else:
        job = idle(lib, path, count, "rb", {})
    return asyncio.run(_then_leave(job))


async def _then_leave(job) -> dict[str, Any]:
    """Answer and end without closing thousands of files one by one."""
    print(json.dumps(await job), flush=True)
    os._exit(0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--library", default="open,aiofiles_c,aiofiles", metavar="A,B"
    )
    parser.add_argument("--kind", default=",".join(KINDS), metavar="A,B")
    parser.add_argument("--count", type=int, default=10_000, metavar="FILES")
    parser.add_argument(
        "--size",
        type=int,
        default=1024,
        metavar="MIB",
        help="of the file that iter_1g reads",
    )
    parser.add_argument("--dir", metavar="DIR")
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory(prefix="bench-", dir=".") as scratch:
        files = Files(options.dir or scratch)
        for kind in options.kind.split(","):
            path = os.path.abspath(read_by(kind, files, options.size * MIB))
            libraries = options.library.split(",")
            if kind.startswith("idle"):
                libraries.insert(0, "descriptor")
            for library in libraries:
                answer = child.ask(
                    __file__,
                    library=library,
                    kind=kind,
                    path=path,
                    count=options.count,
                )
                show(kind, library, answer)
                failed = failed or "failed" in answer
    return 1 if failed else 0


def show(kind: str, library: str, answer: dict[str, Any]) -> None:
    start = f"{kind:<12} {library:<11}"
    if "left_out" in answer:
        print(f"{start} left out: {answer['left_out']}", flush=True)
        return
    print(
        f"{start} {answer['each'] / KIB:10.2f} KiB"
        f" each of {answer['count']:,}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(child.serve(measure) if child.is_child() else main())
