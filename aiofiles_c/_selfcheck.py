"""The check behind `python -m aiofiles_c`: real files, results and times.

Every operation is written twice, on the built-in open and on the interface of
aiofiles; the second runs over this package and over aiofiles where that is
installed.  A run returns its result, and what it wrote is read back by the
built-in open, so that two runs can be compared.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import tempfile
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from ._explain import advise, describe_engine, file_system, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType

PACKAGE = __package__ or "aiofiles_c"
ROUTES = ("memory", "kernel", "pool", "delegate")
ENGINE = {
    "native": "native engine",
    "off": "native engine off (AIOFILES_C_PURE): Python's threads only",
    "missing": "native engine not built on this platform: Python's threads"
    " only",
}
ROUNDS = 3  # the best counts
BLOCK = 1 << 16
ENGINE_LINES, DELEGATE_LINES = 20_000, 1_000


class Files(NamedTuple):
    """The files that an operation reads, the one it writes, its size."""

    lines: list[str]
    text: Path
    data: Path
    small: Path
    out: Path

    @property
    def blocks(self) -> int:
        return len(self.lines) // 100

    @property
    def opens(self) -> int:
        return len(self.lines) // 10


def make_files(folder: Path, lines: int) -> Files:
    """Write what the operations read; the names tell the size."""
    files = Files(
        [f"line {n}: naïve café, {'x' * (n % 60)}\n" for n in range(lines)],
        folder / f"text-{lines}",
        folder / f"data-{lines}",
        folder / f"small-{lines}",
        folder / f"out-{lines}",
    )
    files.text.write_text("".join(files.lines), encoding="utf-8")
    files.data.write_bytes(os.urandom(BLOCK) * files.blocks)
    files.small.write_bytes(b"s" * 100)
    return files


def write_lines(f: Files) -> None:
    with open(f.out, "w", encoding="utf-8") as out:
        for line in f.lines:
            out.write(line)


async def write_lines_async(lib: ModuleType, f: Files) -> None:
    async with lib.open(f.out, "w", encoding="utf-8") as out:
        for line in f.lines:
            await out.write(line)


def iterate(f: Files) -> list[str]:
    with open(f.text, encoding="utf-8") as file:
        return [line for line in file]


async def iterate_async(lib: ModuleType, f: Files) -> list[str]:
    async with lib.open(f.text, encoding="utf-8") as file:
        return [line async for line in file]


def read_lines(f: Files) -> list[str]:
    with open(f.text, encoding="utf-8") as file:
        return [file.readline() for _ in f.lines]


async def read_lines_async(lib: ModuleType, f: Files) -> list[str]:
    async with lib.open(f.text, encoding="utf-8") as file:
        return [await file.readline() for _ in f.lines]


def read_text(f: Files) -> str:
    with open(f.text, encoding="utf-8") as file:
        return file.read()


async def read_text_async(lib: ModuleType, f: Files) -> str:
    async with lib.open(f.text, encoding="utf-8") as file:
        text: str = await file.read()
        return text


def read_blocks(f: Files) -> list[bytes]:
    with open(f.data, "rb") as file:
        return [file.read(BLOCK) for _ in range(f.blocks)]


async def read_blocks_async(lib: ModuleType, f: Files) -> list[bytes]:
    async with lib.open(f.data, "rb") as file:
        return [await file.read(BLOCK) for _ in range(f.blocks)]


def copy(f: Files) -> None:
    with open(f.data, "rb") as source, open(f.out, "wb") as out:
        while block := source.read(BLOCK):
            out.write(block)


async def copy_async(lib: ModuleType, f: Files) -> None:
    async with lib.open(f.data, "rb") as source:
        async with lib.open(f.out, "wb") as out:
            while block := await source.read(BLOCK):
                await out.write(block)


def open_small(f: Files) -> list[bytes]:
    result = []
    for _ in range(f.opens):
        with open(f.small, "rb") as file:
            result.append(file.read())
    return result


async def open_small_async(lib: ModuleType, f: Files) -> list[bytes]:
    result = []
    for _ in range(f.opens):
        async with lib.open(f.small, "rb") as file:
            result.append(await file.read())
    return result


def stat(f: Files) -> list[os.stat_result]:
    return [os.stat(f.small) for _ in range(f.opens)]


async def stat_async(lib: ModuleType, f: Files) -> list[os.stat_result]:
    return [await lib.os.stat(f.small) for _ in range(f.opens)]


class Operation(NamedTuple):
    """One row of the table."""

    name: str
    blocking: Callable[[Files], Any]
    asynchronous: Callable[[ModuleType, Files], Awaitable[Any]]
    count: Callable[[Files], int]


def each_line(f: Files) -> int:
    return len(f.lines)


def each_block(f: Files) -> int:
    return f.blocks


def each_open(f: Files) -> int:
    return f.opens


def once(f: Files) -> int:
    return 1


OPERATIONS = (
    Operation("write a line", write_lines, write_lines_async, each_line),
    Operation("for line in file", iterate, iterate_async, each_line),
    Operation("readline", read_lines, read_lines_async, each_line),
    Operation("read all the text", read_text, read_text_async, once),
    Operation("read 64 KiB", read_blocks, read_blocks_async, each_block),
    Operation("copy 64 KiB", copy, copy_async, each_block),
    Operation("open, read, close", open_small, open_small_async, each_open),
    Operation("stat", stat, stat_async, each_open),
)


class Run(NamedTuple):
    """What a run gave; the time is that of one operation."""

    result: Any
    microseconds: float
    served: dict[str, int]


async def run(
    operation: Operation, files: Files, lib: ModuleType | None
) -> Run:
    """Run an operation by lib, or blocking; the times are of the best."""
    best = float("inf")
    for _ in range(ROUNDS):
        files.out.unlink(missing_ok=True)
        before = routes()
        start = time.perf_counter()
        if lib is None:
            result = operation.blocking(files)
        else:
            result = await operation.asynchronous(lib, files)
        best = min(best, time.perf_counter() - start)
        served = {name: n - before[name] for name, n in routes().items()}
    if files.out.exists():
        result = result, files.out.read_bytes()
    return Run(result, best * 1e6 / operation.count(files), served)


def routes() -> dict[str, int]:
    """The number of operations that each route has served so far."""
    stats = import_module(PACKAGE).stats()
    return {name: stats[name] for name in ROUTES}


def load(name: str) -> ModuleType:
    """Import a library, and its functions of os."""
    import_module(name + ".os")
    return import_module(name)


def describe_routes(
    served: dict[str, int], kind: str, native: bool
) -> list[str]:
    """Say what each route is, and why it served what it did."""
    if served["kernel"]:
        kernel = f"{kind} had the answer, and gave it without waiting"
    elif os.environ.get("AIOFILES_C_INLINE") == "0":
        kernel = "AIOFILES_C_INLINE=0 forbids calls on the loop's thread"
    else:
        kernel = f"on {kind} no call was sure not to wait"
    delegate = "Python's threads: "
    delegate += "what the engine does not do" if native else "all there is"
    words = {
        "memory": "the file's own buffer had the data, or room for it",
        "kernel": kernel,
        "pool": "native threads: what may wait for the disk, such as opening"
        " a file, filling a buffer or writing one out",
        "delegate": delegate,
    }
    shown = [r for r in ROUTES if served[r] or (native and r == "kernel")]
    return [f"  {r:8}  {served[r]:7}  {words[r]}" for r in shown]


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Print rows; the first column and the last are aligned to the left."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    for name, *times, served in rows:
        cells = [name.ljust(widths[0])]
        cells += [t.rjust(w) for t, w in zip(times, widths[1:])]
        print("  ".join((*cells, served)).rstrip())


async def check_all(folder: Path, native: bool) -> tuple[dict[str, int], int]:
    """Run all operations, print the table; routes served, wrong results."""
    ours = load(PACKAGE)
    other = load("aiofiles") if find_spec("aiofiles") else None
    few = make_files(folder, DELEGATE_LINES)
    many = make_files(folder, ENGINE_LINES) if native else few
    total = dict.fromkeys(ROUTES, 0)
    wrong = []
    rows: list[tuple[str, ...]] = [
        ("operation", "open", PACKAGE, "aiofiles", "served by")
    ]
    for operation in OPERATIONS:
        blocking = await run(operation, many, None)
        theirs = await run(operation, few, other) if other else None
        try:
            mine = await run(operation, many, ours)
        except Exception as error:
            wrong.append(f"{operation.name}: {error!r}")
            continue
        if mine.result != blocking.result:
            wrong.append(f"{operation.name}: not what the built-in open gives")
        for name, n in mine.served.items():
            total[name] += n
        rows.append(
            (
                operation.name,
                f"{blocking.microseconds:.2f}",
                f"{mine.microseconds:.2f}",
                f"{theirs.microseconds:.2f}" if theirs else "-",
                ", ".join(f"{r} {n}" for r, n in mine.served.items() if n),
            )
        )
    print_table(rows)
    for text in wrong:
        print("WRONG", text)
    return total, len(wrong)


def check(where: str) -> int:
    """Do it in a folder of its own in `where`; return an exit status."""
    package = import_module(PACKAGE)
    native = bool(package.stats()["native"])
    system, python = platform.uname(), platform.python_version()
    print(f"{PACKAGE} {package.__version__}: {ENGINE[describe_engine()]}")
    try:
        made = tempfile.TemporaryDirectory(prefix="aiofiles_c-", dir=where)
    except OSError as error:
        print(f"cannot work in {where}: {error}", file=sys.stderr)
        return 2
    with made as name:
        folder = Path(name).resolve()
        kind = file_system(folder)
        print(
            f"Python {python}, {system.system} {system.release}, {kind} in "
            f"{folder.parent}\nMicroseconds for one operation, the best of "
            f"{ROUNDS} runs:\n"
        )
        served, wrong = asyncio.run(check_all(folder, native))
        advice = advise(find(folder))
    print("\nOperations by the route that served them:")
    print("\n".join(describe_routes(served, kind, native)))
    print("\nWhat that means:")
    print("\n".join(f"* {said}" for said in advice))
    count = len(OPERATIONS)
    print(f"\n{count - wrong} of {count} results as the built-in open's.")
    return 1 if wrong else 0
