"""Functions of os, os.path, shutil and tempfile."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile

from files import KIB, MIB
from row import Row, in_thread_each

__all__ = ("ROWS",)

BLOCKING = {
    "stat": os.stat,
    "exists": os.path.exists,
    "isfile": os.path.isfile,
    "getsize": os.path.getsize,
    "listdir": os.listdir,
}


def _about(result):
    """Something of a result that is alike in every library."""
    if isinstance(result, list):
        return len(result)
    return getattr(result, "st_size", result)


def call_blocking(files, n, name, path):
    call = BLOCKING[name]
    path = path(files)
    result = None
    for _ in range(n):
        result = call(path)
    return _about(result)


async def call_awaiting(lib, files, n, name, path):
    call = getattr(lib, name)
    path = path(files)
    result = None
    for _ in range(n):
        result = await call(path)
    return _about(result)


def walk_blocking(files, n, count):
    found = 0
    for _ in range(n):
        found = sum(len(names) for _, _, names in os.walk(files.tree(count)))
    return found


async def walk_awaiting(lib, files, n, count):
    found = 0
    for _ in range(n):
        found = 0
        async for _, _, names in lib.walk(files.tree(count)):
            found += len(names)
    return found


def copyfile_blocking(files, n, size):
    for i in range(n):
        shutil.copyfile(files.blob(size), files.out(str(i)))
    return os.path.getsize(files.out("0"))


async def copyfile_awaiting(lib, files, n, size):
    for i in range(n):
        await lib.copyfile(files.blob(size), files.out(str(i)))
    return os.path.getsize(files.out("0"))


def temporary_once(files):
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(files.out())) as f:
        return f.write(b"x" * KIB)


def temporary_blocking(files, n):
    done = 0
    for _ in range(n):
        done = temporary_once(files)
    return done


async def temporary_awaiting(lib, files, n):
    folder = os.path.dirname(files.out())
    done = 0
    for _ in range(n):
        async with lib.named_temporary_file(dir=folder) as f:
            done = await f.write(b"x" * KIB)
    return done


def _call(name, about, ops, slow_ops, function, path):
    fixed = {"name": function, "path": path}

    def once(files):
        return _about(BLOCKING[function](path(files)))

    return Row(
        name=name,
        about=about,
        ops=ops,
        slow_ops=slow_ops,
        blocking=functools.partial(call_blocking, **fixed),
        awaiting=functools.partial(call_awaiting, **fixed),
        needs=(function,),
        threaded=in_thread_each(once),
    )


def _small(files):
    return files.small()


ROWS = (
    _call(
        "stat_hot_c1",
        "os.stat() of a name in the kernel's cache",
        20_000,
        2_000,
        "stat",
        _small,
    ),
    _call(
        "exists_hot_c1",
        "os.path.exists() of such a name",
        20_000,
        2_000,
        "exists",
        _small,
    ),
    _call(
        "isfile_hot_c1",
        "os.path.isfile() of such a name",
        20_000,
        2_000,
        "isfile",
        _small,
    ),
    _call(
        "getsize_hot_c1",
        "os.path.getsize() of such a name",
        20_000,
        2_000,
        "getsize",
        _small,
    ),
    _call(
        "listdir_10k_c1",
        "os.listdir() of 10,000 names",
        20,
        10,
        "listdir",
        lambda files: files.directory(10_000),
    ),
    Row(
        "walk_50k_c1",
        "os.walk() of a tree of 50,000 files",
        1,
        1,
        functools.partial(walk_blocking, count=50_000),
        functools.partial(walk_awaiting, count=50_000),
        ("walk",),
    ),
    Row(
        "copyfile_64m_c1",
        "shutil.copyfile() of 64 MiB",
        3,
        3,
        functools.partial(copyfile_blocking, size=64 * MIB),
        functools.partial(copyfile_awaiting, size=64 * MIB),
        ("copyfile",),
    ),
    Row(
        "tempfile_write1k_close_c1",
        "NamedTemporaryFile: create, write(1 KiB), close",
        1_000,
        300,
        temporary_blocking,
        temporary_awaiting,
        ("named_temporary_file",),
        threaded=in_thread_each(temporary_once),
    ),
)
