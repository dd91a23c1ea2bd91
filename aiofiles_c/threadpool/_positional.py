"""What files can do beyond io's: at an offset of its own, and durably.

The functions work on a synchronous file, in an executor.  What it has in its
buffers is flushed first; that also drops what a file that is read and written
has read ahead, as does the flush after a write for what another thread has
read meanwhile.
"""

from __future__ import annotations

import os

from .._engine import run_delegate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .binary import _Buffer

__all__ = ("PositionalMethods", "SyncMethods")


def pread(file: Any, n: int, offset: int) -> bytes:
    """Read n bytes at offset, fewer only at the end of the file."""
    if not file.readable():
        file.read(0)  # raises
    file.flush()
    descriptor = file.fileno()
    data = os.pread(descriptor, n, offset)
    while 0 < len(data) < n:
        more = os.pread(descriptor, n - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


def pwrite(file: Any, data: _Buffer, offset: int) -> int:
    """Write all of data at offset, and return the number of bytes."""
    if not file.writable():
        file.write(b"")  # raises
    file.flush()
    descriptor = file.fileno()
    done = os.pwrite(descriptor, data, offset)
    with memoryview(data) as view, view.cast("B") as rest:
        while done < len(rest):
            done += os.pwrite(descriptor, rest[done:], offset + done)
    file.flush()
    return done


def fsync(file: Any) -> None:
    """Wait until what the system has of the file is on the device."""
    os.fsync(file.fileno())


class SyncMethods:
    """What every file can do."""

    __slots__ = ()
    if TYPE_CHECKING:
        _executor: Any
        _file: Any
        _loop: Any
        flush: Any

    async def sync(self) -> None:
        """Wait until all that was written is on the device, by fsync(2).

        Raises OSError if the device fails, or if the file has none (a pipe).
        """
        await self.flush()
        await run_delegate(self._loop, self._executor, fsync, self._file)


class PositionalMethods:
    """What binary files can do at an offset, whatever their position."""

    __slots__ = ()
    if TYPE_CHECKING:
        _executor: Any
        _file: Any
        _loop: Any

    async def pread(self, n: int, offset: int, /) -> bytes:
        """Read n bytes at offset, in bytes from the start of the file.

        The result is shorter only at the end of the file.  The position is
        not used and does not move.  Raises OSError as os.pread does.
        """
        return await run_delegate(
            self._loop, self._executor, pread, self._file, n, offset
        )

    async def pwrite(self, data: _Buffer, offset: int, /) -> int:
        """Write data at offset, in bytes from the start of the file.

        Returns the number of bytes, once all are with the operating system.
        The position is not used and does not move.  Raises OSError as
        os.pwrite does, after which a part may be written.  In a file opened
        for appending Linux writes at the end, whatever offset says.
        """
        return await run_delegate(
            self._loop, self._executor, pwrite, self._file, data, offset
        )
