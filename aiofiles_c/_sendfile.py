"""os.sendfile(), which waits for a socket by means of the loop."""

from __future__ import annotations

import errno
import os
from asyncio import get_running_loop
from operator import index

from ._calls import answer, native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Coroutine
    from concurrent.futures import Executor
    from typing import Any

__all__ = ("sendfile",)


def _settle(ready: Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def _until_writable(fd: int) -> None:
    loop = get_running_loop()
    ready = loop.create_future()
    loop.add_writer(fd, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_writer(fd)


def _check_same(fd: int, other: int) -> None:
    if not os.path.samestat(os.fstat(fd), os.fstat(other)):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


async def sendfile(
    out_fd: int,
    in_fd: int,
    offset: int | None,
    count: int,
    *,
    loop: AbstractEventLoop | None = None,
    executor: Executor | None = None,
) -> int:
    """Copy from a file to a file or socket, as os.sendfile does.

    out_fd: where to, an open descriptor.  A socket that does not block
        and has no room is waited for, without a thread.
    in_fd: where from, the descriptor of a file.
    offset: where in that file, in bytes; None for its own offset, which
        is moved.
    count: how many bytes at most.
    Returns the number of bytes that were copied, 0 at the end.
    Raises OSError as os.sendfile does; see sendfile(2).  EBADF: out_fd was
    closed while it was waited for.
    """

    def send(fd: Any) -> Coroutine[Any, Any, int]:
        return answer(
            loop,
            executor,
            native.os_sendfile,
            (fd, in_fd, offset, count),
            os.sendfile,
            fd,
            in_fd,
            offset,
            count,
        )

    try:
        return await send(out_fd)
    except BlockingIOError:
        out_fd = index(out_fd)
    # A number of our own: a transport may watch the other, which may be
    # closed meanwhile, and stand for another file then.
    own = os.dup(out_fd)
    try:
        while True:
            await _until_writable(own)
            _check_same(out_fd, own)
            try:
                return await send(own)
            except BlockingIOError:
                continue
    finally:
        os.close(own)
