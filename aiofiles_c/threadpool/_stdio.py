"""The standard streams, where they are pipes, terminals or sockets.

No thread waits inside of a call on `sys.stdin`: bytes are fetched by a native
file, which waits by means of the loop, and are laid *below* the buffers of
`sys.stdin`, as if its raw file had read them.  `sys.stdin` itself decodes them
and cuts them into lines.  What was fetched and is not used yet is what its
next reader gets, be that a task, input(), or a loop over sys.stdin.

Writing is the same the other way round: what comes out of the buffers of
`sys.stdout` is kept below them and written as there is room.  A print()
meanwhile writes all that is left before its own, and waits as ever.

For that the raw file, once a call of ours has come to it, has methods of its
own, which keep an *endpoint*.  Bytes below the buffers are the endpoint's:
any thread may use it, so they are moved under its mutex, under which nothing
waits; `section` keeps the calls of two loops apart.
"""

from __future__ import annotations

import atexit
import gc
import os
import select
import stat
from asyncio import (
    AbstractEventLoop,
    Lock as AsyncLock,
    get_running_loop,
    sleep,
    wait,
)
from codecs import IncrementalDecoder
from contextlib import suppress
from io import (
    DEFAULT_BUFFER_SIZE,
    BufferedReader,
    BufferedWriter,
    FileIO,
    IncrementalNewlineDecoder,
    TextIOWrapper,
)
from threading import Lock, RLock, get_ident
from weakref import WeakKeyDictionary, WeakSet, ref

from .. import _core
from .._engine import run_delegate
from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future, Task
    from collections.abc import Callable, Coroutine
    from typing import Any

__all__ = ("read", "write")

PIECE = 64 << 10  # moved by one system call
MUCH = 1 << 20  # more than the loop's thread should encode
KEPT = "_aiofiles_c"  # the raw file's attribute: it goes with the file
ENDS = (b"\n", b"\r")
# The C decoders of multibyte encodings are of neither kind.
DECODERS = (IncrementalDecoder, IncrementalNewlineDecoder)


class Nothing(Exception):
    """The buffers are empty, and nothing has been fetched."""


class Endpoint:
    """What is below a raw file of the standard streams."""

    mode = ""
    hooks: tuple[str, ...] = ()  # the raw file's methods that are ours

    def __init__(self, raw: FileIO) -> None:
        self.raw = ref(raw)  # which keeps us
        self.native: Any = None
        self.after_fork()
        for name in self.hooks:
            vars(raw)[name] = getattr(self, name)
        _endpoints.add(self)

    def after_fork(self) -> None:
        self.mutex = Lock()
        self.section = RLock()  # taken before a buffer's own, and mutex
        self.owner = 0  # the thread inside of one of our calls, or 0
        self.inside: set[int] = set()  # and those inside of the raw file's
        self.waiters: list[Future[None]] = []  # until nobody is
        self.locks: WeakKeyDictionary[AbstractEventLoop, AsyncLock] = (
            WeakKeyDictionary()
        )

    def lock(self) -> AsyncLock:
        """The lock that keeps the calls of this loop in their order."""
        return self.locks.setdefault(get_running_loop(), AsyncLock())

    async def open(self, raw: FileIO) -> Any:
        if self.native is None:
            self.native = await _native.open(
                raw.fileno(), self.mode, 0, None, None, None, False, None, None
            )
        return self.native

    def ours(self) -> bool:
        return self.owner == get_ident()

    def outside(self, func: Callable[..., Any], *args: Any) -> Any:
        """Call a method of the raw file itself, which may wait."""
        thread = get_ident()
        self.inside.add(thread)
        try:
            return func(self.raw(), *args)
        finally:
            self.inside.discard(thread)
            if not self.inside:
                waiters, self.waiters = self.waiters, []
                for waiter in waiters:
                    with suppress(RuntimeError):  # its loop is closed
                        waiter.get_loop().call_soon_threadsafe(_wake, waiter)

    async def vacant(self) -> None:
        """Wait for the threads inside of the raw file.

        They keep the buffer above it locked, and this one must not wait.
        """
        while self.inside:
            waiter: Future[None] = get_running_loop().create_future()
            self.waiters.append(waiter)
            if self.inside:
                await waiter
                # What is left to do above the raw file is done at once, but
                # this thread would come first.
                await sleep(0.005)


def _wake(waiter: Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


_endpoints: WeakSet[Endpoint] = WeakSet()


def _after_fork() -> None:
    for endpoint in tuple(_endpoints):
        endpoint.after_fork()


os.register_at_fork(after_in_child=_after_fork)


class Input(Endpoint):
    """What was fetched for a reader, and not used yet."""

    mode = "rb"
    hooks = ("readinto", "read", "readall")

    def __init__(self, raw: FileIO) -> None:
        self.ahead = bytearray()
        self.looked = 0  # up to here there is no end of a line
        self.ended = False  # the call under way may see the end
        self.fed = bytearray()  # what it got
        self.most = 0  # bytes that it may have
        self.step = 0  # of these, at a time
        super().__init__(raw)

    # What the buffered reader calls in the place of the raw file's methods.

    def readinto(self, room: Any) -> int | None:
        if self.ours():
            return self.feed(room)
        # A line at a time: what is above has no more than it was asked for.
        end = self.ahead.find(b"\n") + 1 or len(self.ahead)
        data = self.take(min(end, len(room)))
        if not data:
            return self.outside(FileIO.readinto, room)
        room[: len(data)] = data
        return len(data)

    def read(self, size: int | None = -1) -> bytes | None:
        if size is None or size < 0:
            return self.readall()
        return self.take(size) or self.outside(FileIO.read, size)

    def readall(self) -> bytes | None:
        if self.ours():
            if not self.ended:
                raise Nothing
            return self.take(len(self.ahead))
        ahead = self.take(len(self.ahead))
        rest: bytes | None = self.outside(FileIO.readall)
        return ahead + (rest or b"") if ahead else rest

    def feed(self, room: Any) -> int:
        count = min(self.most, self.step, len(room))
        if count == 0 and not self.ended:
            raise Nothing
        data = self.take(count)
        room[: len(data)] = data
        self.most -= len(data)
        self.fed += data
        return len(data)

    def take(self, count: int) -> bytes:
        with self.mutex:
            data = bytes(self.ahead[:count])
            del self.ahead[:count]
            self.looked = max(self.looked - count, 0)
        return data

    def push_back(self, data: bytes | bytearray) -> None:
        with self.mutex:
            self.ahead[:0] = data
            self.looked = 0

    # The calls on what is above.

    def call(
        self, decoder: Any, most: int, step: int, func: Callable[[], Any]
    ) -> Any:
        """Have it read; Nothing if it would have to wait.

        It gets what was fetched, most bytes of it, step at a time; after
        Nothing all that it got is there again.
        """
        state = decoder.getstate() if decoder is not None else None
        self.most, self.step = most, step
        self.fed.clear()
        self.owner = get_ident()
        try:
            return func()
        except Nothing:
            self.push_back(self.fed)
            if decoder is not None:
                decoder.setstate(state)
            raise
        finally:
            self.owner = 0

    def push_back_text(self, text: TextIOWrapper) -> Any:
        """Have what the buffers hold below them, where it can be added to.

        Returns the decoder, which holds nothing either.
        """
        decoder, found = _decoder_of(text), []

        def drain() -> None:
            # By one, since more than there is would be lost.
            while char := text.read(1):
                found.append(char)

        self.ended = False
        with suppress(Nothing):
            self.call(decoder, 0, 0, drain)
        held, flag = decoder.getstate()
        if type(decoder) is IncrementalNewlineDecoder and flag & 1:
            held, flag = b"\r" + held, flag & ~1
        if found or held:
            decoder.setstate((b"", flag))
            back = "".join(found).encode(
                text.encoding, text.errors or "strict"
            )
            self.push_back(back + held)
        return decoder

    def push_back_bytes(self, buffer: BufferedReader) -> None:
        self.ended = False
        with suppress(Nothing):
            held = len(self.call(None, 0, 0, buffer.peek))
            self.push_back(buffer.read(held))

    async def fetch(self, raw: FileIO, want: int) -> bool:
        """Wait for more; False at the end."""
        native = await self.open(raw)
        data = b""
        try:
            # No other task can come between this and the result of the read.
            data = await native.read(want)
        except BaseException:
            data = _core._reclaim(native)
            raise
        finally:
            if data:
                with self.mutex:
                    self.ahead += data
        return bool(data)

    # The reads, under the lock.

    async def read_text(
        self, raw: FileIO, text: TextIOWrapper, name: str, size: int
    ) -> Any:
        ended = False
        while True:
            await self.vacant()
            with self.section:
                decoder = self.push_back_text(text)
                if ended or self.may_do(name, size):
                    with suppress(Nothing):
                        return self.attempt(decoder, text, name, size, ended)
            ended = not await self.fetch(raw, _want(name, size))

    def may_do(self, name: str, size: int) -> bool:
        """Whether a try is worth it: it costs as much as what is there."""
        if size == 0 or 0 < size <= len(self.ahead):
            return True
        if name != "readline":
            return False
        at, self.looked = self.looked, len(self.ahead)
        return any(self.ahead.find(end, at) >= 0 for end in ENDS)

    def attempt(
        self,
        decoder: Any,
        text: TextIOWrapper,
        name: str,
        size: int,
        ended: bool,
    ) -> Any:
        def method() -> Any:
            return getattr(text, name)(size)

        most = len(self.ahead)
        step = size if size > 0 else most
        if name == "readline":  # what is above keeps as little as can be
            end = self.ahead.find(b"\n") + 1
            if 0 < end < most:
                with suppress(Nothing):
                    return self.call(decoder, end, step, method)
        self.ended = ended
        return self.call(decoder, most, max(step, 1), method)

    async def read_bytes(
        self, raw: FileIO, buffer: BufferedReader, name: str, size: int
    ) -> bytes:
        """The same for bytes, which need nobody to decode them."""
        while True:
            await self.vacant()
            with self.section:
                self.push_back_bytes(buffer)
                count = self.count_bytes(name, size)
                if count >= 0:
                    return self.take(count)
            if not await self.fetch(raw, _want(name, size)):
                return self.take(len(self.ahead))

    def count_bytes(self, name: str, size: int) -> int:
        """How many of the bytes are what was asked for; -1: not enough."""
        have = len(self.ahead)
        if name == "readline":
            end = self.ahead.find(b"\n", self.looked) + 1
            if end and not 0 <= size < end:
                return end
            if self.ahead.find(b"\r", self.looked) < 0:
                self.looked = end or have
        elif name == "read1" and have:
            return size if size >= 0 else have
        return size if size <= have else -1

    async def read_lines(self, raw: FileIO, file: Any, hint: int) -> list[Any]:
        """Lines until they make hint, or to the end; none lost by a cancel."""
        text = type(file) is TextIOWrapper
        read = self.read_text if text else self.read_bytes
        lines: list[Any] = []
        count = 0
        try:
            while hint <= 0 or count <= hint:
                line = await read(raw, file, "readline", -1)
                if not line:
                    break
                lines.append(line)
                count += len(line)
        except BaseException:
            with self.section:
                if text:
                    self.push_back_text(file)
                    self.push_back(
                        "".join(lines).encode(file.encoding, file.errors)
                    )
                else:
                    self.push_back_bytes(file)
                    self.push_back(b"".join(lines))
            raise
        return lines

    async def serve(self, raw: FileIO, file: Any, name: str, arg: Any) -> Any:
        async with self.lock():
            if name == "readlines":
                return await self.read_lines(raw, file, arg)
            if type(file) is TextIOWrapper:
                return await self.read_text(raw, file, name, arg)
            if name not in ("readinto", "readinto1"):
                return await self.read_bytes(raw, file, name, arg)
            room = memoryview(arg).cast("B")
            how = "read" if name == "readinto" else "read1"
            data = await self.read_bytes(raw, file, how, len(room))
            room[: len(data)] = data
            return len(data)


def _want(name: str, size: int) -> int:
    """How much to read at once: what else reads the pipe gets the rest."""
    if name == "read" and size < 0:
        return PIECE
    return max(DEFAULT_BUFFER_SIZE, min(size, PIECE))


class Output(Endpoint):
    """What has come out of a writer's buffers, and is not written yet."""

    mode = "wb"
    hooks = ("write", "close")

    def __init__(self, raw: FileIO) -> None:
        self.pending = bytearray()
        super().__init__(raw)

    def after_fork(self) -> None:
        super().after_fork()
        self.pending.clear()  # the parent's, who writes it
        self.error: OSError | None = None  # what a task of ours has met
        self.senders: WeakKeyDictionary[AbstractEventLoop, Task[None]] = (
            WeakKeyDictionary()
        )

    # What the buffered writer calls in the place of the raw file's methods.

    def write(self, data: Any) -> int | None:
        if not self.ours():
            if self.pending:
                self.outside(self.settle)
            return self.outside(FileIO.write, data)
        with self.mutex:
            self.pending += data
        return memoryview(data).nbytes

    def close(self) -> None:
        raw: Any = self.raw()
        try:
            if self.pending and not raw.closed:
                self.settle(raw)
        finally:
            FileIO.close(raw)

    def push(self, raw: FileIO) -> int:
        """Write as much as there is room for, and no more than a piece."""
        with self.mutex:
            try:
                data = bytes(self.pending[:PIECE])
                count = _core._write_now(raw.fileno(), data) if data else 0
            except OSError:
                self.pending.clear()
                raise
            del self.pending[:count]
        return count

    def settle(self, raw: FileIO) -> None:
        """Write all that is left, and wait for room as print() does."""
        poll = select.poll()
        poll.register(raw.fileno(), select.POLLOUT)
        while self.pending:
            if not self.push(raw):
                poll.poll()

    def capture(self, file: Any, name: str, args: tuple[Any, ...]) -> Any:
        with self.section:
            self.owner = get_ident()
            try:
                return getattr(file, name)(*args)
            finally:
                self.owner = 0

    async def send(self, raw: FileIO) -> None:
        """Write all there is; what met an error is raised by who waits."""
        try:
            native = await self.open(raw)
            while self.pending:
                if self.push(raw):
                    await sleep(0)
                else:
                    await native._room()
        except OSError as error:
            self.error = error

    async def sent(self, raw: FileIO) -> None:
        """Wait until all is written; given up, it goes on by itself."""
        loop = get_running_loop()
        while self.pending:
            sender = self.senders.get(loop)
            if sender is None or sender.done():
                self.push(raw)
                if not self.pending:
                    return
                sender = loop.create_task(self.send(raw))
                self.senders[loop] = sender
            await wait((sender,))
            self.raise_error()

    def raise_error(self) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error

    async def serve(
        self, raw: FileIO, file: Any, name: str, args: tuple[Any, ...]
    ) -> Any:
        async with self.lock():
            self.raise_error()
            await self.vacant()
            if name == "writelines" or _is_much(args):
                result = await run_delegate(
                    get_running_loop(), None, self.capture, file, name, args
                )
            else:
                result = self.capture(file, name, args)
        await self.sent(raw)
        return result


def _is_much(args: tuple[Any, ...]) -> bool:
    return bool(args) and hasattr(args[0], "__len__") and len(args[0]) > MUCH


@atexit.register
def _settle() -> None:
    for endpoint in tuple(_endpoints):
        raw = endpoint.raw()
        if type(endpoint) is Output and endpoint.pending and raw is not None:
            # What cannot be written now has nobody left to be told.
            with suppress(OSError, ValueError):
                endpoint.settle(raw)


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


def _decoder_of(text: TextIOWrapper) -> Any:
    """The decoder of a text file, whose state is part of the position."""
    for found in gc.get_referents(text):
        if isinstance(found, DECODERS):
            return found
    return None


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
    if text and _decoder_of(file) is None:
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
