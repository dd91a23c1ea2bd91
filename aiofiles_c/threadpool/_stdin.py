"""A standard stream that is read: what was fetched lies below its buffers."""

from __future__ import annotations

import gc
from codecs import IncrementalDecoder
from contextlib import suppress
from io import (
    DEFAULT_BUFFER_SIZE,
    BufferedReader,
    FileIO,
    IncrementalNewlineDecoder,
    TextIOWrapper,
)
from threading import get_ident

from .. import _core
from ._endpoint import PIECE, Endpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ("Input", "decoder_of")

ENDS = (b"\n", b"\r")
# The C decoders of multibyte encodings are of neither kind.
DECODERS = (IncrementalDecoder, IncrementalNewlineDecoder)


class Nothing(Exception):
    """The buffers are empty, and nothing has been fetched."""


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
        decoder, found = decoder_of(text), []

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


def decoder_of(text: TextIOWrapper) -> Any:
    """The decoder of a text file, whose state is part of the position."""
    for found in gc.get_referents(text):
        if isinstance(found, DECODERS):
            return found
    return None
