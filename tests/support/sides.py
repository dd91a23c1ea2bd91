"""The sides of a comparison: the same calls on built-in open and on a library.

Each side has a file of its own, does operations and gives their outcomes; see
`support.model`, which compares them.
"""

import asyncio
import builtins
import inspect
import os
import time

from .content import Room, built, plain
from .outcome import Outcome, difference, outcome_of, raised

ATTRIBUTES = (
    "closed",
    "encoding",
    "errors",
    "line_buffering",
    "mode",
    "name",
    "newlines",
)

# What the library has beyond built-in open, and what asks for leave to do it.
PLACED = {"pread": os.pread, "pwrite": os.pwrite, "sync": os.fsync}
LEAVES = {
    "pread": ("readable", "read", 0),
    "pwrite": ("writable", "write", b""),
}

_FLAGS = {
    "r": os.O_RDONLY,
    "w": os.O_WRONLY,
    "a": os.O_WRONLY | os.O_APPEND,
    "x": os.O_WRONLY,
}


class Mismatch(AssertionError):
    """The library's file did not behave as the built-in one."""


def _flags(mode):
    flags = _FLAGS.get(next(iter(set(mode) & set(_FLAGS)), "r"), 0)
    if "+" in mode:
        flags = flags & ~os.O_WRONLY | os.O_RDWR
    return flags


class Side:
    """One of the two files: where it lies and what it was told."""

    def __init__(self, folder, case):
        os.makedirs(folder, exist_ok=True)
        self.case = case
        self.folder = folder
        self.path = os.path.join(folder, "file")
        self.file = None
        self.told = []
        self.shadow = None  # a duplicate of the file's descriptor
        if case.content is None:
            if os.path.exists(self.path):
                os.unlink(self.path)
        else:
            with builtins.open(self.path, "wb") as file:
                file.write(built(case.content))
        self.target = self.path
        self.given = None
        if case.start is not None and case.content is not None:
            self.given = os.open(self.path, _flags(case.mode) | os.O_CLOEXEC)
            os.lseek(self.given, case.start, os.SEEK_SET)
            self.target = self.given

    def failure(self, error):
        return Outcome(True, raised(error, self.folder))

    def attributes(self):
        found = {}
        for name in ATTRIBUTES:
            value = outcome_of(
                getattr, self.file, name, folder=self.folder
            )
            if name == "name" and not value.failed:
                same = value.value == self.target
                value = Outcome(False, "as given" if same else value.value)
            found[name] = value
        return found

    def content(self):
        with builtins.open(self.path, "rb") as file:
            return file.read()

    def offset(self):
        return os.lseek(self.shadow, 0, os.SEEK_CUR)

    def grow(self, data):
        with builtins.open(self.path, "ab") as file:
            file.write(data)

    def from_there(self, place):
        """What a file that was opened anew reads from a position on."""

        def read():
            with builtins.open(self.path, **self.case.options) as file:
                file.seek(place)
                return file.read()

        return outcome_of(read, folder=self.folder)

    def release(self):
        if self.shadow is not None:
            os.close(self.shadow)
            self.shadow = None

    def arguments(self, op):
        return [built(value, self.told) for value in op[1:]]

    def note(self, op, value):
        """Reduce a result to what can be compared; keep the cookies."""
        if op[0] == "tell":
            self.told.append(value)
        if op[0] == "fileno":
            if self.shadow is None:
                self.shadow = os.dup(value)
            return type(value)
        return value


def is_native(file):
    """Whether the engine itself works on this file."""
    try:
        from aiofiles_c import _core
    except ImportError:
        return False
    return isinstance(file, _core.File)


class Reference(Side):
    """The blocking side."""

    spared = None  # the file without the faults of this Python

    def open(self, case):
        return outcome_of(
            builtins.open, self.target, case.mode, **case.options,
            folder=self.folder,
        )

    def do(self, op):
        try:
            args = self.arguments(op)
            name = "readline" if op[0] == "next" else op[0]
            if name in PLACED:
                value = self.placed(name, args)
            else:
                value = self.call((name, *op[1:]), args)
            if op[0] == "next":
                value = value or StopAsyncIteration
            return Outcome(False, with_room(op, args, self.note(op, value)))
        except Exception as error:
            return self.failure(error)

    def call(self, op, args=()):
        if self.spared is not None:
            return self.spared.call(op, args)
        return getattr(self.file, op[0])(*args)

    def placed(self, name, args):
        if name in LEAVES:
            allowed, call, nothing = LEAVES[name]
            if not getattr(self.file, allowed)():
                getattr(self.file, call)(nothing)  # raises
        self.call(("flush",))
        return PLACED[name](self.file.fileno(), *args)


class Subject(Side):
    """The side of the library."""

    def __init__(self, folder, case, library_open):
        super().__init__(folder, case)
        self.library_open = library_open

    async def open(self, case):
        try:
            return Outcome(
                False,
                await self.library_open(
                    self.target, case.mode, **case.options
                ),
            )
        except Exception as error:
            return self.failure(error)

    async def do(self, op):
        try:
            args = self.arguments(op)
            if op[0] == "next":
                try:
                    value = await self.file.__anext__()
                except StopAsyncIteration:
                    value = StopAsyncIteration
            else:
                value = getattr(self.file, op[0])(*args)
                if inspect.isawaitable(value):
                    value = await value
            return Outcome(False, with_room(op, args, self.note(op, value)))
        except Exception as error:
            return self.failure(error)

    async def place(self):
        """Where it stands, if the case asks for that.

        Where each write goes to the end it is not known before.
        """
        asks = self.case.probe and "a" not in self.case.mode
        if not (asks and is_native(self.file)):
            return Outcome(False, None)
        try:
            return Outcome(False, await self.file.tell())
        except Exception as error:
            return self.failure(error)

    async def unmoved(self, before, what):
        """Check that it stands where place() has said before.

        By another cookie, perhaps: next to a line end, or where an error
        handler makes nothing of some bytes, there are several for a place.
        """
        after = await self.place()
        message = difference(before, after)
        text = "b" not in self.case.mode
        if message and text and not (before.failed or after.failed):
            message = difference(
                self.from_there(before.value), self.from_there(after.value)
            )
        if message:
            raise Mismatch(
                f"tell after {what}: {before.value}, {after.value}: {message}"
            )


class Interrupted(Subject):
    """A side whose operations are cancelled at first, and then done again.

    What was cancelled has done nothing that a second call would do twice: the
    operation has no job yet, or one in the queue, or with a worker, or one
    that is done and not delivered; or it is dropped, and the next one begins
    before the loop has gone round.  One of them may be asked for fileno()
    while it is under way, or when it has been cancelled.
    """

    KINDS = (
        ("turns", 0), ("turns", 1), ("late", 1), ("turns", 2), ("late", 2),
        ("dropped", 0), ("dropped", 1),
    )
    ASKED = "instead", "before", "behind"  # of being cancelled

    def __init__(self, folder, case, library_open):
        super().__init__(folder, case, library_open)
        self.count = 0
        self.calls = 0
        # A readlines() was cut short, by its hint or an error: until io has
        # noted a chunk again tell() says where the buffer stands, and not
        # where it reads on.  The native file says so too, but for what a
        # cancelled call has left.
        self.cut_short = False
        # Here a write is done before it returns, and cannot be called back.
        self.written_through = (
            case.buffering in (0, 1)
            or case.start is not None
            or "a" in case.mode  # a seek() shares the descriptor,
            or "+" in case.mode  # and a write among what was read
            or case.asked is not None
            or any(op[0] == "fileno" for op in case.ops)
        )

    def may_be_cancelled(self, op):
        if op[0] == "write" and is_native(self.file):
            plain = all(isinstance(built(v), (bytes, str)) for v in op[1:])
            return plain and not self.written_through
        # A thread of an executor cannot be called back.
        return is_native(self.file) and op[0] not in (
            "writelines", "fileno", "close"
        ) and not (op[0] == "pwrite" and "a" in self.case.mode)

    async def do(self, op):
        self.calls += 1
        asked = None
        if (
            self.calls == self.case.asked
            and op[0] not in ("close", "fileno")
            and is_native(self.file)
        ):
            asked = self.ASKED[self.count % len(self.ASKED)]
        may = self.may_be_cancelled(op)
        if asked is not None and not may:
            asked = "instead"
        if may or asked is not None:
            done = await self.interrupted(op, asked)
            if done is not None:
                return done
        done = await super().do(op)
        if op[0] == "readlines" and (done.failed or op[1:]):
            self.cut_short = True
        return done

    async def interrupted(self, op, asked):
        """The outcome, if it was not cancelled."""
        kind, turns = self.KINDS[self.count % len(self.KINDS)]
        self.count += 1
        if kind == "dropped" and asked is None and op[0] != "seek":
            return self.dropped(op, late=turns)
        before = await self.place()
        task = asyncio.ensure_future(super().do(op))
        for _ in range(turns):
            await asyncio.sleep(0)
        if kind == "late" and not task.done():
            time.sleep(0.0003)  # a worker is done with it meanwhile
        if asked in ("instead", "before"):
            self.ask()
        if not task.done() and asked != "instead":
            task.cancel()
        await asyncio.wait([task])
        if asked == "behind":
            self.ask()
        if not task.cancelled():
            return task.result()
        if before.failed or (op[0] == "seek" and self.shares()):
            return None  # a worker has moved the descriptor, or has not
        result = None
        if op[0] == "seek":  # it is done, or has not moved
            after = await self.place()
            if difference(before, after):
                result, before = await super().do(op), after
        if not self.cut_short:
            await self.unmoved(before, f"a cancelled {op}")
        return result

    def dropped(self, op, late):
        """The same, without a turn of the loop."""
        coroutine = super().do(op)
        try:
            for _ in range(3):
                if coroutine.send(None) is not None:  # a future
                    break
        except StopIteration as end:
            return end.value
        if late:
            time.sleep(0.0003)
        coroutine.close()
        return None

    def shares(self):
        """Whether others see the descriptor."""
        return self.shadow is not None or self.case.start is not None

    def ask(self):
        """Share the descriptor, as fileno() does."""
        try:
            self.note(("fileno",), self.file.fileno())
        except ValueError:
            pass  # closed, or detached: of no interest here


def with_room(op, args, value):
    """Add what was read into a buffer to the result."""
    if any(isinstance(described, Room) for described in op[1:]):
        return (value, [plain(arg) for arg in args])
    return value
