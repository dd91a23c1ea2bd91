"""Temporary files that the engine makes.

Directory, prefix and the candidates for a name are those of the standard
tempfile; the engine opens them in one trip, with the same flags and
permissions, and removes a name in the trip that closes the file.  What is not
plainly valid, or not the engine's, gives None: the standard functions then
make the file, or raise the error.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import tempfile
from functools import wraps
from tempfile import _TemporaryFileWrapper as syncTemporaryFileWrapper
from typing import Any, NamedTuple

from .. import _core
from .._engine import run_delegate
from ..threadpool._native import (
    NativeBufferedIOBase,
    NativeBufferedReader,
    NativeFileIO,
    NativeTextIOWrapper,
)
from .temptypes import AsyncSpooledTemporaryFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Callable, Coroutine, Iterable, Iterator

__all__ = ("NativeSpooledTemporaryFile", "open_named", "open_unnamed")

# What the engine does with the name: enum fate of csrc/file.h.
STAYS, UNNAMED, AT_CLOSE, AT_END = range(4)

# As mkstemp() opens; O_CLOEXEC is the engine's.
FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)

# 0 where the system has none, or once it turned out not to know it.
tmpfile_flag = getattr(os, "O_TMPFILE", 0)


class Closer(NamedTuple):
    """What becomes of the file, told as the standard closer tells it.

    It cannot be changed: the engine has its orders.
    """

    name: Any
    delete: bool
    delete_on_close: bool


class NamedMethods:
    """What named temporary files have beyond other files.

    As in aiofiles, `_closer` is there from Python 3.12 on, `delete` before.
    """

    __slots__ = ()
    if TYPE_CHECKING:
        _closer: Closer
        delete: bool
        name: Any

    def _adopt(self, real: Any, doomed: bool) -> Any:
        """Give the real file, which takes over, the care for the name."""
        if sys.version_info >= (3, 12):
            return syncTemporaryFileWrapper(
                real, self.name, doomed, self._closer.delete_on_close
            )
        return syncTemporaryFileWrapper(real, self.name, doomed)


class NamedFileIO(NamedMethods, NativeFileIO):
    """A raw temporary file."""

    __slots__ = ("_closer", "delete")


class NamedBufferedIOBase(NamedMethods, NativeBufferedIOBase):
    """A buffered temporary file that is only written to."""

    __slots__ = ("_closer", "delete")


class NamedBufferedReader(NamedMethods, NativeBufferedReader):
    """A buffered temporary file that is read, or read and written."""

    __slots__ = ("_closer", "delete")


class NamedTextIOWrapper(NamedMethods, NativeTextIOWrapper):
    """A temporary text file."""

    __slots__ = ("_closer", "delete")


# In the order of the engine's enum file_class.
NAMED = (
    NamedFileIO,
    NamedBufferedIOBase,
    NamedBufferedReader,
    NamedTextIOWrapper,
)
PLAIN = (
    NativeFileIO,
    NativeBufferedIOBase,
    NativeBufferedReader,
    NativeTextIOWrapper,
)


def find_place(suffix: Any, prefix: Any, dir: Any) -> Any:
    """Return (directory, prefix, suffix), all str or all bytes, or None."""
    if dir is not None and type(dir) is not str:
        try:
            dir = os.fspath(dir)
        except TypeError:
            return None
    kinds = {type(part) for part in (suffix, prefix, dir) if part is not None}
    kind = kinds.pop() if kinds else type(tempfile.tempdir)
    if kinds:
        return None
    if kind is str:
        return (
            tempfile.gettempdir() if dir is None else dir,
            tempfile.gettempprefix() if prefix is None else prefix,
            "" if suffix is None else suffix,
        )
    if kind is bytes:
        return (
            tempfile.gettempdirb() if dir is None else dir,
            tempfile.gettempprefixb() if prefix is None else prefix,
            b"" if suffix is None else suffix,
        )
    return None


def candidates(directory: Any, prefix: Any, suffix: Any) -> Iterator[Any]:
    """Give the paths that the standard tempfile would try."""
    # The first releases of Python 3.11 cut a path at a NUL: open() refuses it.
    if (b"\0" if type(directory) is bytes else "\0") not in directory:
        directory = os.path.abspath(directory)
    names: Any = tempfile._get_candidate_names()  # type: ignore[attr-defined]
    for _ in range(tempfile.TMP_MAX):
        name = next(names)
        if type(directory) is bytes:
            name = os.fsencode(name)
        path = os.path.join(directory, prefix + name + suffix)
        sys.audit("tempfile.mkstemp", path)
        yield path
    raise FileExistsError(
        errno.EEXIST, "No usable temporary file name found"
    )


async def prepare(
    suffix: Any, prefix: Any, dir: Any, loop: AbstractEventLoop | None
) -> Any:
    """Return what find_place gives, or None where it gives nothing.

    Nor is there a place in a Python whose tempfile does not tell the names
    that it would try.  To find the directory for temporary files the first
    time, files are written in those that come into question: not on this
    thread.
    """
    if not hasattr(tempfile, "_get_candidate_names"):
        return None
    if dir is None and tempfile.tempdir is None:
        await run_delegate(
            loop or asyncio.get_running_loop(), None, tempfile.gettempdir
        )
    return find_place(suffix, prefix, dir)


async def make_first(
    create: Callable[[Any], Any], place: tuple[Any, Any, Any]
) -> tuple[Any, Any]:
    """Make a file under the first free name: that path, and the file or None.

    create gives what makes the file of a path; None where the standard
    tempfile has to do it.
    """
    for path in candidates(*place):
        making = create(path)
        if making is None:
            return path, None
        try:
            return path, await making
        except FileExistsError:
            continue
    raise AssertionError("candidates() ends by raising")


async def open_named(
    mode: str,
    buffering: int,
    encoding: str | None,
    newline: str | None,
    errors: str | None,
    suffix: Any,
    prefix: Any,
    dir: Any,
    delete: bool,
    delete_on_close: bool,
    loop: AbstractEventLoop | None,
) -> Any:
    """Make a file with a name; None where the standard one has to do it."""
    place = await prepare(suffix, prefix, dir, loop)
    if place is None:
        return None
    delete, delete_on_close = bool(delete), bool(delete_on_close)
    fate = STAYS if not delete else AT_CLOSE if delete_on_close else AT_END

    def create(path: Any) -> Any:
        return _core.create(
            NAMED, path, mode, buffering, encoding, errors, newline, loop,
            FLAGS, fate,
        )

    path, file = await make_first(create, place)
    if file is None:
        return None
    if sys.version_info >= (3, 12):
        file._closer = Closer(path, delete, delete_on_close)
    else:
        file.delete = delete
    return file


async def open_unnamed(
    mode: str,
    buffering: int,
    encoding: str | None,
    newline: str | None,
    errors: str | None,
    suffix: Any,
    prefix: Any,
    dir: Any,
    loop: AbstractEventLoop | None,
) -> Any:
    """Make a file without a name, or None."""
    global tmpfile_flag
    place = await prepare(suffix, prefix, dir, loop)
    if place is None:
        return None

    def create(path: Any, flags: int = FLAGS) -> Any:
        return _core.create(
            PLAIN, path, mode, buffering, encoding, errors, newline, loop,
            flags, UNNAMED,
        )

    if tmpfile_flag:
        making = create(place[0], (FLAGS | tmpfile_flag) & ~os.O_CREAT)
        if making is None:
            return None
        try:
            return await making
        except IsADirectoryError:
            tmpfile_flag = 0  # the kernel is older than the flag
        except OSError:
            pass  # the file system has no files without a name
    return (await make_first(create, place))[1]


def either(
    declared: Callable[..., Coroutine[Any, Any, Any]],
) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Call the method of that name where the data is now."""
    name = declared.__name__

    @wraps(declared)
    async def method(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        if self._rolling is not None:
            await self._settle()
        if self._native is not None:
            return await getattr(self._native, name)(*args, **kwargs)
        call = getattr(self._spooled, name)
        if self._spooled._rolled:
            return await run_delegate(self._loop, None, call, *args, **kwargs)
        return call(*args, **kwargs)

    return method


class NativeSpooledTemporaryFile(AsyncSpooledTemporaryFile):
    """A spooled file that becomes a native one when it rolls over.

    Until then the standard object has the data, in memory.  Rolling over is a
    task of its own: what is called meanwhile waits for it, and a caller that
    is cancelled leaves nothing half done.
    """

    def __init__(
        self, file: Any, loop: AbstractEventLoop, options: dict[str, Any]
    ) -> None:
        self._native: Any = None
        self._rolling: Task[None] | None = None
        self._options = options
        super().__init__(file, loop=loop, executor=None)

    @property
    def _file(self) -> Any:
        """The standard object; once it is asked for, it has the file too."""
        if self._native is not None and not self._spooled._rolled:
            self._spooled._file = self._native._file
            self._spooled._rolled = True
        return self._spooled

    @_file.setter
    def _file(self, file: Any) -> None:
        self._spooled = file

    @property
    def _now(self) -> Any:
        """Whatever has the data: attributes are its."""
        return self._spooled if self._native is None else self._native

    async def _settle(self) -> None:
        """Wait until no rollover is under way, however it ends."""
        while self._rolling is not None:
            await asyncio.wait((self._rolling,))

    def _rolled_over(self, task: Task[None]) -> None:
        self._rolling = None
        if not task.cancelled():
            task.exception()  # whoever asked for it may be gone

    async def rollover(self) -> None:
        """Move the data to a file on disk."""
        while self._native is None and not self._spooled._rolled:
            task = self._rolling
            if task is not None:
                await self._settle()
                continue
            self._rolling = task = asyncio.ensure_future(self._roll())
            task.add_done_callback(self._rolled_over)
            await asyncio.wait((task,))
            return task.result()

    async def _roll(self) -> None:
        memory = self._spooled._file
        position = memory.tell()
        text = hasattr(memory, "buffer")
        native = None
        if set("wax+") & set(self._options["mode"]):
            native = await open_unnamed(**self._options, loop=None)
        if native is None:
            await run_delegate(self._loop, None, self._spooled.rollover)
            return
        try:
            if text:
                native._begin_with(memory.buffer.getvalue())
            else:
                await native.write(memory.getvalue())
            await native.seek(position)
        except BaseException:
            try:
                await native.close()
            except OSError:
                pass  # the same once more
            raise
        self._native = native
        memory.close()

    async def fileno(self) -> int:
        """Move the data to a file on disk, and return its descriptor."""
        await self.rollover()
        return self._now.fileno()

    async def truncate(self, size: int | None = None, /) -> Any:
        """Cut or extend the file to size, or to the present position."""
        if self._rolling is not None:
            await self._settle()
        if size is not None and not self._spooled._rolled:
            if size > self._spooled._max_size:
                await self.rollover()
        if self._native is None:
            return await super().truncate(*() if size is None else (size,))
        length = await self._native.truncate(size)
        # The standard object forgets it there.
        return length if sys.version_info >= (3, 11) else None

    async def _call(self, name: str, data: Any) -> Any:
        if self._rolling is not None:
            await self._settle()
        if self._native is not None:
            return await getattr(self._native, name)(data)
        return await super()._call(name, data)

    @either
    async def close(self) -> None:
        """Close the file, which is then gone."""

    @either
    async def flush(self) -> None:
        """Write what is still in the buffer."""

    @either
    async def isatty(self) -> bool:
        """Tell whether this is a terminal."""

    @either
    async def read(self, size: int | None = -1, /) -> Any:
        """Read at most size bytes or characters, or all."""

    @either
    async def readline(self, size: int | None = -1, /) -> Any:
        """Read a line, or at most size bytes or characters of it."""

    @either
    async def readlines(self, hint: int = -1, /) -> list[Any]:
        """Read all lines, or lines until hint is reached."""

    @either
    async def seek(self, offset: int, whence: int = 0, /) -> int:
        """Change the position, and return the new one."""

    @either
    async def tell(self) -> int:
        """Return the position."""

    async def writelines(self, lines: Iterable[Any], /) -> None:
        """Write each of the items; line ends are not added."""
        await self._call("writelines", lines)
