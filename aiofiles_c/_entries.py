"""Directories as the delegate reads them: whole, in one trip."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

__all__ = ("Entries", "read_entries", "read_kinds")


class Entries:
    """The entries of a directory that the delegate has read."""

    def __init__(self, entries: list[Any]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return next(self._entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        for entry in self._entries:
            return entry
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget the entries that are left."""
        self._entries = iter(())


def read_entries(path: Any) -> Entries:
    """Read a directory to its end; for an executor."""
    with os.scandir(path) as entries:
        return Entries(list(entries))


def read_kinds(path: Any, follow: bool) -> tuple[list[Any], list[Any]] | None:
    """Return the names of directories and of others.

    None: the path is a link, and follow is false.
    """
    folders: list[Any] = []
    others: list[Any] = []
    if not follow and os.path.islink(path):
        return None
    with os.scandir(path) as entries:
        for entry in entries:
            try:
                leads = entry.is_dir()
            except OSError:
                leads = False
            (folders if leads else others).append(entry.name)
    return folders, others
