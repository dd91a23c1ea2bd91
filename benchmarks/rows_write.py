"""Writing one file, writing many small ones, and copying by pieces.

The place that is written to is empty before each run: what is timed is the
making of new files, not the freeing of old ones.
"""

from __future__ import annotations

import functools
import os

from files import KIB, MIB
from row import Row, in_thread_each

__all__ = ("ROWS",)

LINE = (
    "the quick brown fox jumps over the lazy dog, and does so once more".ljust(
        79, "."
    )
    + "\n"
)
UTF8_LINE = "naïve café, Привет, 日本語のテキスト, and some more texts of it\n"


def same_blocking(files, n, data, mode, options):
    with open(files.out(), mode, **options) as f:
        for _ in range(n):
            f.write(data)
    return _each(files, n)


async def same_awaiting(lib, files, n, data, mode, options):
    async with lib.open(files.out(), mode, **options) as f:
        for _ in range(n):
            await f.write(data)
    return _each(files, n)


def _each(files, n):
    """Bytes that arrived for each operation."""
    return os.path.getsize(files.out()) / n


class _Counter:
    """Names of new files, for the body that is called once for each."""

    def __init__(self):
        self.n = 0

    def write_one(self, files):
        self.n += 1
        with open(files.out(str(self.n)), "wb") as f:
            return f.write(b"x" * KIB)


def small_blocking(files, n):
    data = b"x" * KIB
    done = 0
    for i in range(n):
        with open(files.out(str(i)), "wb") as f:
            done = f.write(data)
    return done


async def small_awaiting(lib, files, n):
    data = b"x" * KIB
    done = 0
    for i in range(n):
        async with lib.open(files.out(str(i)), "wb") as f:
            done = await f.write(data)
    return done


def copy_blocking(files, n, size):
    with (
        open(files.blob(n * size), "rb") as source,
        open(files.out(), "wb") as target,
    ):
        while chunk := source.read(size):
            target.write(chunk)
    return _each(files, n)


async def copy_awaiting(lib, files, n, size):
    async with (
        lib.open(files.blob(n * size), "rb") as source,
        lib.open(files.out(), "wb") as target,
    ):
        while chunk := await source.read(size):
            await target.write(chunk)
    return _each(files, n)


def _same(name, about, ops, slow_ops, data, mode="wb", **options):
    fixed = {"data": data, "mode": mode, "options": options}
    return Row(
        name=name,
        about=about,
        ops=ops,
        slow_ops=slow_ops,
        blocking=functools.partial(same_blocking, **fixed),
        awaiting=functools.partial(same_awaiting, **fixed),
    )


ROWS = (
    _same(
        "write_line_text_80b_c1",
        "write() of a line of 80 bytes, text",
        200_000,
        10_000,
        LINE,
        "w",
        encoding="utf-8",
    ),
    _same(
        "write_line_bytes_80b_c1",
        "the same, binary",
        200_000,
        10_000,
        LINE.encode(),
    ),
    _same(
        "write_line_utf8_80b_c1",
        "the same, text of mixed UTF-8",
        200_000,
        10_000,
        UTF8_LINE,
        "w",
        encoding="utf-8",
    ),
    _same(
        "write_64k_c1",
        "write() of 64 KiB, 64 MiB in all",
        1_024,
        1_024,
        b"x" * (64 * KIB),
    ),
    Row(
        "open_write1k_close_c1",
        "open a new file, write(1 KiB), close",
        1_000,
        500,
        small_blocking,
        small_awaiting,
        threaded=in_thread_each(_Counter().write_one),
    ),
    Row(
        "copy_64m_64k_c1",
        "copy 64 MiB: read(64 KiB), write() of it",
        64 * MIB // (64 * KIB),
        64 * MIB // (64 * KIB),
        functools.partial(copy_blocking, size=64 * KIB),
        functools.partial(copy_awaiting, size=64 * KIB),
    ),
)
