"""Reading one file from its beginning, and opening many to read a little."""

from __future__ import annotations

import functools

from files import KIB, MIB
from row import Row, in_thread_each

__all__ = ("ROWS",)

TEXT = {"encoding": "utf-8"}


def iter_blocking(files, n, mode, options, kind="ascii"):
    line = b""
    with open(files.lines(n, kind), mode, **options) as f:
        for line in f:
            pass
    return len(line)


async def iter_awaiting(lib, files, n, mode, options, kind="ascii"):
    line = b""
    async with lib.open(files.lines(n, kind), mode, **options) as f:
        async for line in f:
            pass
    return len(line)


def readline_blocking(files, n, mode, options):
    last = b""
    with open(files.lines(n), mode, **options) as f:
        while line := f.readline():
            last = line
    return len(last)


async def readline_awaiting(lib, files, n, mode, options):
    last = b""
    async with lib.open(files.lines(n), mode, **options) as f:
        while line := await f.readline():
            last = line
    return len(last)


def blocks_blocking(files, n, size, total):
    total = min(total, n * size)
    path = files.blob(total)
    last = b""
    for _ in range(n * size // total):
        with open(path, "rb") as f:
            while chunk := f.read(size):
                last = chunk
    return len(last)


async def blocks_awaiting(lib, files, n, size, total):
    total = min(total, n * size)
    path = files.blob(total)
    last = b""
    for _ in range(n * size // total):
        async with lib.open(path, "rb") as f:
            while chunk := await f.read(size):
                last = chunk
    return len(last)


def seek_blocking(files, n, size, total):
    offsets = files.offsets(total, size)
    data = b""
    with open(files.blob(total), "rb") as f:
        for i in range(n):
            f.seek(offsets[i % 1009])
            data = f.read(size)
    return len(data)


async def seek_awaiting(lib, files, n, size, total):
    offsets = files.offsets(total, size)
    data = b""
    async with lib.open(files.blob(total), "rb") as f:
        for i in range(n):
            await f.seek(offsets[i % 1009])
            data = await f.read(size)
    return len(data)


def whole_blocking(files, n, path, mode, options):
    path = path(files)
    data = b""
    for _ in range(n):
        with open(path, mode, **options) as f:
            data = f.read()
    return len(data)


async def whole_awaiting(lib, files, n, path, mode, options):
    path = path(files)
    data = b""
    for _ in range(n):
        async with lib.open(path, mode, **options) as f:
            data = await f.read()
    return len(data)


def readlines_blocking(files, n, count):
    lines = []
    for _ in range(n):
        with open(files.lines(count), **TEXT) as f:
            lines = f.readlines()
    return len(lines)


async def readlines_awaiting(lib, files, n, count):
    lines = []
    for _ in range(n):
        async with lib.open(files.lines(count), "r", **TEXT) as f:
            lines = await f.readlines()
    return len(lines)


def head_once(files):
    with open(files.blob(64 * MIB), "rb") as f:
        return len(f.read(100))


def head_blocking(files, n):
    path = files.blob(64 * MIB)
    data = b""
    for _ in range(n):
        with open(path, "rb") as f:
            data = f.read(100)
    return len(data)


async def head_awaiting(lib, files, n):
    path = files.blob(64 * MIB)
    data = b""
    for _ in range(n):
        async with lib.open(path, "rb") as f:
            data = await f.read(100)
    return len(data)


def small_text(files):
    return files.small()


def small_text_once(files):
    with open(files.small(), **TEXT) as f:
        return len(f.read())


def _row(name, about, ops, slow_ops, bodies, needs=(), threaded=None, **fixed):
    blocking, awaiting = bodies
    return Row(
        name=name,
        about=about,
        ops=ops,
        slow_ops=slow_ops,
        blocking=functools.partial(blocking, **fixed),
        awaiting=functools.partial(awaiting, **fixed),
        needs=needs,
        threaded=threaded,
    )


ITER = (iter_blocking, iter_awaiting)
READLINE = (readline_blocking, readline_awaiting)
BLOCKS = (blocks_blocking, blocks_awaiting)
WHOLE = (whole_blocking, whole_awaiting)


def _whole_row(name, size, kind, ops):
    """Of a file of size bytes: of bytes, or text of this kind."""
    what = {None: "", "ascii": " of ASCII", "utf8": " of mixed UTF-8"}[kind]
    number = f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB"
    return _row(
        name,
        f"open, read() of {number}{what}, close",
        ops,
        ops,
        WHOLE,
        path=lambda files: (
            files.text(size, kind) if kind else files.blob(size)
        ),
        mode="r" if kind else "rb",
        options=TEXT if kind else {},
    )


ROWS = (
    _row(
        "iter_lines_text_80b_c1",
        "a line of 80 bytes by (async) for, text",
        200_000,
        10_000,
        ITER,
        mode="r",
        options=TEXT,
    ),
    _row(
        "iter_lines_bytes_80b_c1",
        "the same, binary",
        200_000,
        10_000,
        ITER,
        mode="rb",
        options={},
    ),
    _row(
        "iter_lines_utf8_80b_c1",
        "the same, text of mixed UTF-8",
        200_000,
        10_000,
        ITER,
        mode="r",
        options=TEXT,
        kind="utf8",
    ),
    _row(
        "readline_text_80b_c1",
        "readline() of a line of 80 bytes, text",
        200_000,
        10_000,
        READLINE,
        ("readline",),
        mode="r",
        options=TEXT,
    ),
    _row(
        "readline_bytes_80b_c1",
        "the same, binary",
        200_000,
        10_000,
        READLINE,
        ("readline",),
        mode="rb",
        options={},
    ),
    _row(
        "read_4k_c1",
        "read(4096) from beginning to end",
        32_768,
        4_096,
        BLOCKS,
        size=4 * KIB,
        total=16 * MIB,
    ),
    _row(
        "read_64k_c1",
        "read(65536) from beginning to end",
        8_192,
        1_024,
        BLOCKS,
        size=64 * KIB,
        total=64 * MIB,
    ),
    _row(
        "read_1m_c1",
        "read(1 MiB) from beginning to end",
        256,
        128,
        BLOCKS,
        size=MIB,
        total=64 * MIB,
    ),
    _row(
        "seek_read_4k_c1",
        "seek() to a random block, and read(4096)",
        20_000,
        2_000,
        (seek_blocking, seek_awaiting),
        ("seek",),
        size=4 * KIB,
        total=64 * MIB,
    ),
    _whole_row("read_all_64m_c1", 64 * MIB, None, 3),
    _whole_row("read_all_4m_c1", 4 * MIB, None, 20),
    _whole_row("read_text_16m_ascii_c1", 16 * MIB, "ascii", 4),
    _whole_row("read_text_4m_ascii_c1", 4 * MIB, "ascii", 10),
    _whole_row("read_text_16m_utf8_c1", 16 * MIB, "utf8", 4),
    _whole_row("read_text_4m_utf8_c1", 4 * MIB, "utf8", 10),
    _whole_row("read_text_256k_utf8_c1", 256 * KIB, "utf8", 100),
    _row(
        "readlines_200k_c1",
        "open, readlines() of 200,000 lines, close",
        2,
        2,
        (readlines_blocking, readlines_awaiting),
        ("readlines",),
        count=200_000,
    ),
    _row(
        "open_read100_close_c1",
        "open, read(100), close",
        4_000,
        500,
        (head_blocking, head_awaiting),
        threaded=in_thread_each(head_once),
    ),
    _row(
        "open_readtext_close_c1",
        "open, read() of 1 KiB of text, close",
        4_000,
        500,
        WHOLE,
        path=small_text,
        mode="r",
        options=TEXT,
        threaded=in_thread_each(small_text_once),
    ),
)
