"""Text files whose calls go to an executor."""

from __future__ import annotations

from ..base import AsyncBase, AsyncIndirectBase
from ._common import CommonMethods
from .utils import (
    delegate_to_executor as delegate_to_executor,
    delegated,
    proxy_method_directly as proxy_method_directly,
    proxy_property_directly as proxy_property_directly,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

__all__ = ("AsyncTextIOWrapper", "AsyncTextIndirectIOWrapper")


@delegated
class TextMethods(CommonMethods):
    """What io.TextIOWrapper has, beyond what is common to all files."""

    __slots__ = ()

    async def read(self, size: int | None = -1, /) -> str:
        """Read at most size characters; all of them if it is negative."""

    async def readable(self) -> bool:
        """Tell whether the file can be read."""

    async def readline(self, size: int = -1, /) -> str:
        """Read a line, or at most size characters of it."""

    async def readlines(self, hint: int = -1, /) -> list[str]:
        """Read all lines, or lines until hint characters are reached."""

    async def write(self, text: str, /) -> int:
        """Write text, and return its length."""

    async def writelines(self, lines: Iterable[str], /) -> None:
        """Write each of the strings; line ends are not added."""

    def detach(self) -> BinaryIO:
        """Part the underlying binary file from this one, and return it."""
        return self._file.detach()

    @property
    def buffer(self) -> BinaryIO:
        """The underlying binary file, a synchronous one."""
        return self._file.buffer

    @property
    def encoding(self) -> str:
        """The name of the encoding."""
        return self._file.encoding

    @property
    def errors(self) -> str | None:
        """The name of the error handler."""
        return self._file.errors

    @property
    def line_buffering(self) -> bool:
        """Whether every end of line flushes the file."""
        return self._file.line_buffering

    @property
    def newlines(self) -> str | tuple[str, ...] | None:
        """The kinds of line ends that have been read so far."""
        return self._file.newlines


class AsyncTextIOWrapper(TextMethods, AsyncBase):
    """The asynchronous io.TextIOWrapper."""


class AsyncTextIndirectIOWrapper(TextMethods, AsyncIndirectBase):
    """The asynchronous io.TextIOWrapper that a function names anew."""
