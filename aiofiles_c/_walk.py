"""os.walk(), of which a few directories are read ahead."""

from __future__ import annotations

import os
import sys
from asyncio import ensure_future
from collections import deque

from ._calls import answer, native
from ._entries import read_kinds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import AsyncIterator, Callable, Iterable
    from concurrent.futures import Executor
    from typing import Any

    from _typeshed import StrOrBytesPath

__all__ = ("walk",)

# How many directories walk() reads ahead, of those in one.
_AHEAD = 8


class _Folder:
    """A directory that walk() is in: those in it that it is to go to."""

    def __init__(self, path: Any, names: Iterable[Any], after: Any) -> None:
        self.path = path
        self.names = iter(names)
        self.after = after  # given once all in it is done; bottom up
        self.ahead: deque[tuple[Any, Future[Any]]] = deque()

    def read_ahead(self, read: Callable[[Any], Future[Any]]) -> bool:
        """Have the next ones read; tell whether any is left."""
        while len(self.ahead) < _AHEAD:
            for name in self.names:
                path = os.path.join(self.path, name)
                self.ahead.append((path, read(path)))
                break
            else:
                break
        return bool(self.ahead)


async def walk(
    top: StrOrBytesPath,
    topdown: bool = True,
    onerror: Callable[[OSError], object] | None = None,
    followlinks: bool = False,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> AsyncIterator[tuple[Any, list[Any], list[Any]]]:
    """Go through a tree of directories, as os.walk does, by `async for`.

    top: str, bytes or PathLike.
    topdown: a directory before those in it; what is taken out of the list of
        its directories is not gone to.
    onerror: called with the OSError of a directory that cannot be read; such
        a directory is left out.
    followlinks: go to where links to directories lead, too.
    Gives (path, names of directories, names of others) for each.  A directory
    is read in one trip to a thread, and up to eight of those beside it before
    their turn: what the body of the loop changes there may come too late.
    """

    sys.audit("os.walk", top, topdown, onerror, followlinks)
    follow = bool(followlinks)

    def read(path: Any, links: bool = follow) -> Future[Any]:
        return ensure_future(
            answer(loop, executor, native.os_walk, (path, links), read_kinds,
                   path, links)
        )

    path = os.fspath(top)
    start = _Folder(path, (), None)
    start.ahead.append((path, read(path, True)))
    folders = [start]
    try:
        while folders:
            here = folders[-1]
            if not here.read_ahead(read):
                folders.pop()
                if here.after is not None:
                    yield here.after
                continue
            path, reading = here.ahead.popleft()
            try:
                found = await reading
            except OSError as error:
                if onerror is not None:
                    onerror(error)
                continue
            if found is None:
                continue
            if topdown:
                yield path, *found
            folders.append(
                _Folder(path, tuple(found[0]),
                        None if topdown else (path, *found))
            )
    finally:
        for here in folders:
            for path, reading in here.ahead:
                reading.cancel()
