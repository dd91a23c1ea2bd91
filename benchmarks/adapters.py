"""One adapter for each library: its open() and os functions, by one name.

A file of an adapter is used as the library gives it, so that nothing of ours
is timed; where a method has another form, the adapter's class for that library
says so.  A function that a library does not have is absent, and benchmarks
that need it leave the library out and say why.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import Any

__all__ = ("ADAPTERS", "Adapter", "load")


class Adapter:
    """Base: what is common, and what a library may lack."""

    name = ""
    distribution = ""
    slow = False  # each operation takes a Python thread
    blocking = False

    def why_not(self, row: Any) -> str | None:
        """Why this library is left out of a row; None if it is not."""
        for need in row.needs:
            if not hasattr(self, need):
                return f"has no {need}()"
        return None

    def version(self) -> str:
        return importlib.metadata.version(self.distribution)

    def engine(self) -> str:
        """What does the work, where a library chooses that at run time."""
        return ""

    def routes(self) -> dict[str, int]:
        """How often each route was taken so far, where a library counts."""
        return {}


class Blocking(Adapter):
    """Built-in open() and os: the first column of every table."""

    name = "open"
    blocking = True

    def version(self) -> str:
        return "built-in"

    def why_not(self, row: Any) -> str | None:
        return None


class ToThread(Blocking):
    """A blocking body inside asyncio.to_thread()."""

    name = "to_thread"
    slow = True
    blocking = False


class Aiofiles(Adapter):
    name = "aiofiles"
    distribution = "aiofiles"
    slow = True
    readline = readlines = seek = True

    def __init__(self) -> None:
        package = importlib.import_module(self.name)
        functions = importlib.import_module(self.name + ".os")
        tempfile = importlib.import_module(self.name + ".tempfile")
        self.open = package.open
        self.stat = functions.stat
        self.listdir = functions.listdir
        self.exists = functions.path.exists
        self.isfile = functions.path.isfile
        self.getsize = functions.path.getsize
        self.named_temporary_file = tempfile.NamedTemporaryFile

    def open_raw(self, path: str, mode: str) -> Any:
        return self.open(path, mode, buffering=0)


class AiofilesC(Adapter):
    name = "aiofiles_c"
    distribution = "aiofiles_c"
    readline = readlines = seek = pread = True

    def __init__(self) -> None:
        import aiofiles_c

        if not aiofiles_c.stats()["native"]:
            raise ImportError("its engine is off or not built")
        self._package = aiofiles_c
        self.open = aiofiles_c.open
        self._take("os", "stat", "listdir", "walk")
        self._take("ospath", "exists", "isfile", "getsize")
        self._take("shutil", "copyfile")
        try:
            tempfile = importlib.import_module("aiofiles_c.tempfile")
            self.named_temporary_file = tempfile.NamedTemporaryFile
        except ImportError:
            pass

    def _take(self, module: str, *names: str) -> None:
        try:
            functions = importlib.import_module(f"aiofiles_c.{module}")
        except ImportError:
            return
        for name in names:
            if hasattr(functions, name):
                setattr(self, name, getattr(functions, name))

    def open_raw(self, path: str, mode: str) -> Any:
        return self.open(path, mode, buffering=0)

    def routes(self) -> dict[str, int]:
        stats = self._package.stats()
        return {
            name: stats[name]
            for name in ("memory", "kernel", "pool", "delegate")
        }


class Aiofile(Adapter):
    name = "aiofile"
    distribution = "aiofile"
    slow = True
    readline = seek = pread = True

    def __init__(self) -> None:
        import aiofile

        self.open = aiofile.async_open

        def seek(self: Any, offset: int) -> Any:
            self._offset = offset
            return _done()

        def pread(self: Any, n: int, offset: int) -> Any:
            return self.file.read_bytes(n, offset)

        # A plain function there, which nobody can await.
        aiofile.BinaryFileWrapper.seek = seek
        aiofile.BinaryFileWrapper.pread = pread

    def open_raw(self, path: str, mode: str) -> Any:
        return self.open(path, mode)

    def engine(self) -> str:
        import caio

        return caio.AsyncioContext.__module__


async def _done() -> None:
    pass


class Anyio(Adapter):
    name = "anyio"
    distribution = "anyio"
    slow = True
    readline = readlines = seek = True

    def __init__(self) -> None:
        import anyio

        self._package = anyio

    def open(self, path: str, mode: str, **options: Any) -> Any:
        return _AnyioOpening(self._package.open_file(path, mode, **options))

    def open_raw(self, path: str, mode: str) -> Any:
        return self.open(path, mode, buffering=0)

    def stat(self, path: str) -> Any:
        return self._package.Path(path).stat()

    def exists(self, path: str) -> Any:
        return self._package.Path(path).exists()

    def isfile(self, path: str) -> Any:
        return self._package.Path(path).is_file()

    def named_temporary_file(self, *args: Any, **options: Any) -> Any:
        return self._package.NamedTemporaryFile(*args, **options)


class _AnyioOpening:
    """``async with await open_file()``, written like the others."""

    __slots__ = ("_file", "_opening")

    def __init__(self, opening: Any) -> None:
        self._opening = opening

    async def __aenter__(self) -> Any:
        self._file = await self._opening
        return self._file

    def __aexit__(self, *exc: Any) -> Any:
        return self._file.aclose()


class Ayafileio(Adapter):
    name = "ayafileio"
    distribution = "ayafileio"
    readline = readlines = seek = True

    def __init__(self) -> None:
        import ayafileio

        self._package = ayafileio
        self.open = ayafileio.open

    def open_raw(self, path: str, mode: str) -> Any:
        return self.open(path, mode)

    def copyfile(self, source: str, target: str) -> Any:
        return self._package.acopy(source, target)

    def engine(self) -> str:
        return str(self._package.get_backend_info().get("backend", "unknown"))


ADAPTERS: dict[str, type[Adapter]] = {
    cls.name: cls
    for cls in (
        Blocking,
        AiofilesC,
        Aiofiles,
        Aiofile,
        Anyio,
        Ayafileio,
        ToThread,
    )
}


def load(name: str) -> Adapter:
    """Import a library; ImportError where it cannot be had."""
    return ADAPTERS[name]()
