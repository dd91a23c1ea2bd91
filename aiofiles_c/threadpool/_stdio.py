"""The standard streams, where they are pipes, terminals or sockets.

No thread waits inside of a call on `sys.stdin`: bytes are fetched by a native
file, which waits by means of the loop, and are laid *below* the buffers of
`sys.stdin`, as if its raw file had read them.  `sys.stdin` itself decodes them
and cuts them into lines.  What was fetched and is not used yet is what its
next reader gets, be that a task, input(), or a loop over sys.stdin.

Writing is the same the other way round: what comes out of the buffers of
`sys.stdout` is kept below them and written as there is room.  A print()
meanwhile writes all that is left before its own, and waits as ever.

For that the raw file has an endpoint: _endpoint.py.
"""

from __future__ import annotations

import os
import stat
from asyncio import AbstractEventLoop, get_running_loop
from io import BufferedReader, BufferedWriter, FileIO, TextIOWrapper

from ._stdin import Input, decoder_of
from ._stdout import Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from ._endpoint import Endpoint

__all__ = ("read", "write")

KEPT = "_aiofiles_c"  # the raw file's attribute: it goes with the file


def _endpoint(raw: FileIO, kind: type[Endpoint]) -> Any:
    kept = vars(raw).get(KEPT)
    if kept is None:
        kept = vars(raw)[KEPT] = kind(raw)
    return kept if type(kept) is kind else None


def _raw_below(file: Any, kind: type[Any]) -> FileIO | None:
    """The raw file of a stream that io has made, if it can be waited for."""
    buffer = file
    if type(file) is TextIOWrapper:
        if file.closed or not _is_plain(file.encoding):
            return None
        buffer = file.buffer
    if type(buffer) is kind and not buffer.closed:
        buffer = buffer.raw
    if type(buffer) is not FileIO or buffer is file or buffer.closed:
        return None
    raw: FileIO = buffer
    number = raw.fileno()
    try:
        mode = os.fstat(number).st_mode
        waits = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
        waits = waits or (stat.S_ISCHR(mode) and raw.isatty())
        # A descriptor that somebody made non-blocking does as it ever did.
        waits = waits and os.get_blocking(number)
    except OSError:
        return None
    return raw if waits and _loop_waits() else None


def _loop_waits() -> bool:
    """Whether the running loop can wait for descriptors."""
    adder = getattr(type(get_running_loop()), "add_reader", None)
    return adder is not AbstractEventLoop.add_reader


def _is_plain(encoding: str) -> bool:
    """Whether a line end is one byte, which is nothing else."""
    return "a\n".encode(encoding) == b"a\n"


TEXT_READS = ("read", "readline", "readlines")
BYTE_READS = (*TEXT_READS, "read1", "readinto", "readinto1")


def _argument(text: bool, name: str, args: tuple[Any, ...]) -> Any:
    """What a plainly valid call of a reading method is about, or None."""
    if len(args) > 1:
        return None
    if name in ("readinto", "readinto1"):
        if not args or type(args[0]) not in (bytearray, memoryview):
            return None
        room = memoryview(args[0])
        return args[0] if room.c_contiguous and not room.readonly else None
    size = args[0] if args else -1
    if size is None and name != "read1" and not (text and name == "readline"):
        size = -1
    good = type(size) is int and (text or size >= -1)
    return size if good else None


def read(
    file: Any, name: str, args: tuple[Any, ...]
) -> Coroutine[Any, Any, Any] | None:
    """Call a method of sys.stdin; None where the executor has to."""
    text = type(file) is TextIOWrapper
    arg = None
    if name in (TEXT_READS if text else BYTE_READS):
        arg = _argument(text, name, args)
    raw = None if arg is None else _raw_below(file, BufferedReader)
    if raw is None or file is raw or (text and file.buffer is raw):
        return None
    if text and decoder_of(file) is None:
        return None
    endpoint = _endpoint(raw, Input)
    return endpoint and endpoint.serve(raw, file, name, arg)


def write(
    file: Any, name: str, args: tuple[Any, ...]
) -> Coroutine[Any, Any, Any] | None:
    """Call a method of sys.stdout or sys.stderr, as read() does."""
    if name not in ("write", "writelines", "flush"):
        return None
    raw = _raw_below(file, BufferedWriter)
    endpoint = None if raw is None else _endpoint(raw, Output)
    return endpoint and endpoint.serve(raw, file, name, args)
