"""The methods and attributes that text and binary files share.

They need `_file`, `_loop` and `_executor` of the class they are mixed into,
and pass what they are given on to the file untouched: see utils.
"""

from __future__ import annotations

from ._positional import SyncMethods
from .utils import delegated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ("CommonMethods",)


@delegated
class CommonMethods(SyncMethods):
    """What every file can do, whatever it reads or writes."""

    __slots__ = ()
    if TYPE_CHECKING:
        _file: Any

    async def close(self) -> None:
        """Flush and close the file."""

    async def flush(self) -> None:
        """Write what is still in the buffer."""

    async def isatty(self) -> bool:
        """Tell whether this is a terminal."""

    async def seek(self, offset: int, whence: int = 0, /) -> int:
        """Change the position, and return the new one."""

    async def seekable(self) -> bool:
        """Tell whether the position can be changed."""

    async def tell(self) -> int:
        """Return the position."""

    async def truncate(self, size: int | None = None, /) -> int:
        """Cut or extend the file to size, or to the present position."""

    async def writable(self) -> bool:
        """Tell whether the file can be written to."""

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._file.fileno()

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file.closed

    @property
    def mode(self) -> Any:
        """The mode, as the synchronous file tells it."""
        return self._file.mode

    @property
    def name(self) -> Any:
        """The path or descriptor that the file was opened with."""
        return self._file.name
