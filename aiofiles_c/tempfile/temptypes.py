"""The asynchronous forms of spooled files and temporary directories."""

from __future__ import annotations

from .._engine import run_delegate
from ..base import AsyncBase
from ..threadpool.utils import (
    cond_delegate_to_executor as cond_delegate_to_executor,
    cond_delegated,
    delegate_to_executor as delegate_to_executor,
    delegated,
    proxy_property_directly as proxy_property_directly,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Iterable
    from concurrent.futures import Executor
    from typing import Any

__all__ = ("AsyncSpooledTemporaryFile", "AsyncTemporaryDirectory")


@cond_delegated
class SpooledMethods:
    """What a spooled file does at once while it lies in memory."""

    async def close(self) -> None:
        """Close the file, which is then gone."""

    async def flush(self) -> None:
        """Write what is still in the buffer."""

    async def isatty(self) -> bool:
        """Tell whether this is a terminal."""

    async def read(self, size: int | None = -1, /) -> Any:
        """Read at most size bytes or characters, or all."""

    async def readline(self, size: int | None = -1, /) -> Any:
        """Read a line, or at most size bytes or characters of it."""

    async def readlines(self, hint: int = -1, /) -> list[Any]:
        """Read all lines, or lines until hint is reached."""

    async def seek(self, offset: int, whence: int = 0, /) -> int:
        """Change the position, and return the new one."""

    async def tell(self) -> int:
        """Return the position."""

    async def truncate(self, size: int | None = None, /) -> int:
        """Cut or extend the file to size, or to the present position."""


@delegated
class RolledMethods:
    """What makes a spooled file one on disk."""

    async def fileno(self) -> int:
        """Move the data to a file on disk, and return its descriptor."""

    async def rollover(self) -> None:
        """Move the data to a file on disk."""


class AsyncSpooledTemporaryFile(SpooledMethods, RolledMethods, AsyncBase):
    """The asynchronous tempfile.SpooledTemporaryFile.

    While it lies in memory its calls are made at once, and what makes it a
    file on disk goes to the executor; so does every call from then on.
    """

    async def write(self, s: Any) -> int:
        """Write data, and move to disk what outgrows the maximum."""
        return await self._call("write", s)

    async def writelines(self, iterable: Iterable[Any]) -> None:
        """Write each of the items; line ends are not added."""
        return await self._call("writelines", iterable)

    async def _check(self) -> None:
        """Move to disk what has outgrown the maximum."""
        spooled = self._file
        if (
            not spooled._rolled
            and spooled._max_size
            and spooled.tell() > spooled._max_size
        ):
            await self.rollover()

    async def _call(self, name: str, data: Any) -> Any:
        """Write by the method of that name, at once if it is to memory.

        The method of the spooled file itself would roll over here and now.
        """
        spooled = self._file
        if spooled._rolled:
            return await run_delegate(
                self._loop, self._executor, getattr(spooled, name), data
            )
        result = getattr(spooled._file, name)(data)
        await self._check()
        return result

    @property
    def _now(self) -> Any:
        """The object whose attributes these are."""
        return self._file

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._now.closed

    @property
    def encoding(self) -> str | None:
        """The name of the encoding of a text file."""
        return self._now.encoding

    @property
    def errors(self) -> str | None:
        """How a text file treats what it cannot encode or decode."""
        return self._now.errors

    @property
    def mode(self) -> str:
        """The mode."""
        return self._now.mode

    @property
    def name(self) -> Any:
        """The name or descriptor; None while there is no file on disk."""
        return self._now.name

    @property
    def newlines(self) -> Any:
        """The kinds of line ends that have been read so far."""
        return self._now.newlines


@delegated
class DirectoryMethods:
    """What a temporary directory does."""

    async def cleanup(self) -> None:
        """Remove the directory and all that is in it."""


class AsyncTemporaryDirectory(DirectoryMethods):
    """The asynchronous tempfile.TemporaryDirectory."""

    def __init__(
        self,
        file: Any,
        loop: AbstractEventLoop,
        executor: Executor | None,
    ) -> None:
        self._file = file
        self._loop = loop
        self._executor = executor

    async def close(self) -> None:
        """Remove the directory, as `cleanup` does."""
        await self.cleanup()

    @property
    def name(self) -> Any:
        """The path of the directory."""
        return self._file.name
