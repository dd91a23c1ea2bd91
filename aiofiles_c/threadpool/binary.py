"""Binary files, buffered and raw, whose calls go to an executor."""

from __future__ import annotations

from ..base import AsyncBase, AsyncIndirectBase
from ._common import CommonMethods
from ._positional import PositionalMethods
from .utils import (
    delegate_to_executor as delegate_to_executor,
    delegated,
    proxy_method_directly as proxy_method_directly,
    proxy_property_directly as proxy_property_directly,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Protocol

    # A stand-in for collections.abc.Buffer, which Python 3.12 brought.
    class _Buffer(Protocol):
        def __buffer__(self, flags: int, /) -> memoryview: ...


__all__ = (
    "AsyncBufferedIOBase",
    "AsyncBufferedReader",
    "AsyncFileIO",
    "AsyncIndirectBufferedIOBase",
    "AsyncIndirectBufferedReader",
    "AsyncIndirectFileIO",
)


@delegated
class BinaryMethods(PositionalMethods, CommonMethods):
    """What buffered and raw files share."""

    __slots__ = ()

    async def readinto(self, buffer: _Buffer, /) -> int | None:
        """Read into buffer, and return the number of bytes read."""

    async def readline(self, size: int | None = -1, /) -> bytes:
        """Read a line, or at most size bytes of it."""

    async def readlines(self, hint: int | None = -1, /) -> list[bytes]:
        """Read all lines, or lines until hint bytes are reached."""

    async def writelines(self, lines: Iterable[_Buffer], /) -> None:
        """Write each of the byte strings; line ends are not added."""

    def readable(self) -> bool:
        """Tell whether the file can be read."""
        return self._file.readable()


@delegated
class BufferedMethods(BinaryMethods):
    """What io.BufferedIOBase has, beyond what raw files have too."""

    __slots__ = ()

    async def read(self, size: int | None = -1, /) -> bytes:
        """Read at most size bytes; all of them if it is negative."""

    async def read1(self, size: int = -1, /) -> bytes:
        """Read at most size bytes with at most one call of the system."""

    async def readinto1(self, buffer: _Buffer, /) -> int:
        """Read into buffer with at most one call of the system."""

    async def write(self, buffer: _Buffer, /) -> int:
        """Write the bytes of buffer, and return their number."""

    def detach(self) -> Any:
        """Part the underlying raw file from this one, and return it."""
        return self._file.detach()

    @property
    def raw(self) -> Any:
        """The underlying raw file, a synchronous one."""
        return self._file.raw


@delegated
class PeekMethods(BufferedMethods):
    """What io.BufferedReader and io.BufferedRandom have."""

    __slots__ = ()

    async def peek(self, size: int = 0, /) -> bytes:
        """Return bytes that lie ahead, and stay at the position."""


@delegated
class RawMethods(BinaryMethods):
    """What io.FileIO has, beyond what buffered files have too."""

    __slots__ = ()

    async def read(self, size: int | None = -1, /) -> bytes | None:
        """Read at most size bytes with one call; all if it is negative."""

    async def readall(self) -> bytes | None:
        """Read to the end of the file."""

    async def write(self, buffer: _Buffer, /) -> int | None:
        """Write bytes with one call, and return how many were taken."""


class AsyncBufferedIOBase(BufferedMethods, AsyncBase):
    """The asynchronous io.BufferedIOBase and io.BufferedWriter."""


class AsyncBufferedReader(PeekMethods, AsyncBufferedIOBase):
    """The asynchronous io.BufferedReader and io.BufferedRandom."""


class AsyncFileIO(RawMethods, AsyncBase):
    """The asynchronous io.FileIO."""


class AsyncIndirectBufferedIOBase(BufferedMethods, AsyncIndirectBase):
    """The asynchronous io.BufferedIOBase that a function names anew."""


class AsyncIndirectBufferedReader(PeekMethods, AsyncIndirectBufferedIOBase):
    """The asynchronous io.BufferedReader that a function names anew."""


class AsyncIndirectFileIO(RawMethods, AsyncIndirectBase):
    """The asynchronous io.FileIO that a function names anew."""
