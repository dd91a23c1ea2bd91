"""One case, run on built-in open and on a library, side by side.

`run` makes the same calls on two copies of a file and compares, call by
call, results, exceptions and attributes; where the position can be told, the
position; and where blocking `open` has written, what is in the file and
where its descriptor stands.

An operation is a tuple: the method's name and its arguments, as described in
`support.content`.  Beside the methods there are

    ("next",)           one step of `async for`
    ("grow", data)      another process appends to the file
    ("pread", n, at)    what the functions of os do after a flush, where the
    ("pwrite", data, at)  mode allows it; skipped where the library's file has
    ("sync",)           no such method
    ("fileno",)         from here on content and offset of the descriptor are
                        compared after every operation
"""

import asyncio
import inspect
import os
import warnings
from dataclasses import dataclass, field
from typing import Any

from .content import Content, Told
from .faults import Spared
from .outcome import Outcome, brief, difference
from .sides import (
    ATTRIBUTES,
    PLACED,
    Interrupted,
    Mismatch,
    Reference,
    Subject,
    is_native,
)
from .waiting import within


@dataclass(frozen=True)
class Case:
    """A file, how it is opened, and what is done to it."""

    mode: str = "r"
    buffering: int = -1
    encoding: Any = None
    errors: Any = None
    newline: Any = None
    content: Any = field(default_factory=lambda: Content(0))  # None: absent
    ops: tuple = ()
    start: Any = None  # opened by descriptor, which stands here
    probe: bool = False  # tell() after every operation
    asked: Any = None  # run_interrupted: the call during which fileno() comes

    @property
    def options(self):
        given = {
            "buffering": self.buffering,
            "encoding": self.encoding,
            "errors": self.errors,
            "newline": self.newline,
        }
        return {k: v for k, v in given.items() if v not in (None, -1)} | (
            {"newline": ""} if self.newline == "" else {}
        )


# How much these give is left to the buffer, by the documentation of io.
LOOSE = {"peek", "read1", "readinto1"}

# After these (and close) blocking open has written what it accepted.
SETTLING = {"close", "flush", "seek", "truncate", "pwrite", "sync"}

FLAGS = (2**32 - 1) << 64  # the decoder's, in a cookie of io.TextIOWrapper

# Seconds for a case; what takes longer hangs.
LIMIT = 60


class Astray(Exception):
    """The built-in file's tell() has led astray: no more can be compared."""


class Run:
    """The two sides and the comparison between them."""

    def __init__(self, case, reference, subject):
        self.case = case
        self.reference = reference
        self.subject = subject
        self.exact = True  # the descriptors' offsets can be compared
        self.done = []

    def fail(self, what, message):
        steps = "\n".join(f"    {step}" for step in self.done)
        raise Mismatch(
            f"{what}: {message}\n  {brief(self.case, 2000)}\n{steps}"
        )

    def compare(self, what, expected, actual):
        message = difference(expected, actual)
        if message:
            self.fail(what, message)

    def compare_tell(self, what, expected, actual):
        """Compare positions, unless the built-in file contradicts itself.

        It does where it reads on elsewhere than a file does that was opened
        anew and moved there, or cannot make out where it is, while the other
        position leads to what it reads.  Two positions that differ in nothing
        but the decoder's flags, and lead there both, are one.
        """
        if self.may_tell(expected) and difference(expected, actual):
            lost = expected.failed and self.may_tell(actual) and actual.failed
            if lost and not is_native(self.subject.file):
                raise Astray  # two of io's, which read memory of their own
            rest = self.reference.do(("read",))
            strays = expected.failed or self.strays(expected, rest)
            flags = not (expected.failed or actual.failed) and (
                (expected.value ^ actual.value) & ~FLAGS == 0
            )
            may_differ = strays or flags
            if may_differ and not actual.failed and not self.strays(
                actual, rest
            ):
                raise Astray
        self.compare(what, expected, actual)

    def may_tell(self, outcome):
        """Whether tell() of text is a position, or is lost at work."""
        lost = outcome.failed and outcome.value.type is UnicodeDecodeError
        return (
            "b" not in self.case.mode
            and "r" in self.case.mode
            and (lost or not outcome.failed)
        )

    def strays(self, place, rest):
        """Whether a file that is moved there reads something else."""
        return difference(rest, self.reference.from_there(place.value))

    async def all(self):
        reference, subject = self.reference, self.subject
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            expected = reference.open(self.case)
            actual = await subject.open(self.case)
        reference.file, subject.file = expected.value, actual.value
        self.spare()
        if expected.failed or actual.failed:
            self.unopened(expected, actual)
            return
        try:
            self.attributes("open")
            for op in self.case.ops:
                await self.step(op)
            await self.step(("close",))
        except Astray:
            return
        finally:
            await self.shut()
        self.contents("after close")

    def spare(self):
        """Spare the comparison the faults that this Python has."""
        if is_native(self.subject.file):
            self.reference.spared = Spared(self.reference.file)

    def unopened(self, expected, actual):
        for side, outcome in (
            (self.reference, expected), (self.subject, actual)
        ):
            if outcome.failed and side.given is not None:
                os.close(side.given)
        if not expected.failed:
            self.reference.file.close()
        self.compare("open", expected, actual)

    async def shut(self):
        """Close both files, whatever has come before."""
        for close in (self.reference.file.close, self.subject.file.close):
            for _ in range(2):
                try:
                    closing = close()
                    if inspect.isawaitable(closing):
                        await closing
                except Exception:  # compared where it mattered
                    continue
                break
        self.reference.release()
        self.subject.release()

    async def step(self, op):
        self.done.append(brief(op, 120))
        if op[0] == "grow":
            self.reference.grow(op[1])
            self.subject.grow(op[1])
            return
        if op[0] in {"readinto1", *PLACED} and not hasattr(
            self.subject.file, op[0]
        ):
            return  # aiofiles has none, nor has text of most
        start = self.position() if op[0] in LOOSE else None
        expected = self.reference.do(op)
        actual = await self.subject.do(op)
        self.done[-1] += f" -> {brief(expected.value, 100)}"
        if (self.reference.shadow is None) != (self.subject.shadow is None):
            self.done.append("fileno, asked meanwhile")
            self.reference.do(("fileno",))
        if op[0] in LOOSE and start is not None and not expected.failed:
            await self.loosely(op, expected, actual, start)
        elif op[0] == "tell":
            self.compare_tell("tell", expected, actual)
        else:
            self.compare(str(op[0]), expected, actual)
        self.attributes(op[0])
        settled = op[0] in SETTLING and not expected.failed
        if settled or self.reference.shadow is not None:
            self.contents(op[0])
        if self.reference.shadow is not None and self.exact:
            self.compare(
                f"offset of the descriptor after {op[0]}",
                Outcome(False, self.reference.offset()),
                Outcome(False, self.subject.offset()),
            )
        if self.case.probe and op[0] != "tell":
            self.compare_tell(
                f"tell after {op[0]}",
                self.reference.do(("tell",)),
                await self.subject.do(("tell",)),
            )

    def position(self):
        """Where the blocking file stands; None if that cannot be told."""
        try:
            return self.reference.file.tell()
        except Exception:
            return None

    async def loosely(self, op, expected, actual, start):
        """Compare where the amount is open: one result begins the other."""
        if actual.failed:
            self.compare(op[0], expected, actual)
        want, have = expected.value, actual.value
        if op[0] == "readinto1":
            want, have = (
                bytes(room[0][:count]) for count, room in (want, have)
            )
        self.compare(
            op[0],
            Outcome(False, (type(want), bool(want))),
            Outcome(False, (type(have), bool(have))),
        )
        shared = min(len(want), len(have))
        self.compare(
            op[0], Outcome(False, want[:shared]), Outcome(False, have[:shared])
        )
        self.exact = False
        if op[0] == "read1" and isinstance(op[1] if op[1:] else None, int):
            if 0 <= op[1] < len(have):
                self.fail("read1", f"more than asked for: {len(have)}")
        if op[0] != "peek" and len(want) != len(have):
            again = ("seek", start + shared)
            self.compare(
                "seek", self.reference.do(again), await self.subject.do(again)
            )

    def attributes(self, what):
        expected = self.reference.attributes()
        actual = self.subject.attributes()
        for name in ATTRIBUTES:
            self.compare(
                f"attribute {name} after {what}", expected[name], actual[name]
            )

    def contents(self, what):
        self.compare(
            f"content of the file after {what}",
            Outcome(False, self.reference.content()),
            Outcome(False, self.subject.content()),
        )


async def run(case, library_open, folder, side=Subject):
    """Run a case in a folder of the caller's; raise Mismatch if it differs."""
    folder = os.fspath(folder)
    reference = Reference(os.path.join(folder, "reference"), case)
    subject = side(os.path.join(folder, "subject"), case, library_open)
    await within(Run(case, reference, subject).all(), LIMIT)


async def run_interrupted(case, library_open, folder):
    """Run it with each operation cancelled before it is done in earnest."""
    await run(case, library_open, folder, Interrupted)


async def run_at_once(case, library_open, folder):
    """Start all operations before the first has ended; compare the results.

    The blocking file does the same, one after the other.
    """
    folder = os.fspath(folder)
    reference = Reference(os.path.join(folder, "reference"), case)
    subject = Subject(os.path.join(folder, "subject"), case, library_open)
    both = Run(case, reference, subject)
    reference.file = reference.open(case).value
    subject.file = (await within(subject.open(case), LIMIT)).value
    both.spare()
    try:
        expected = [reference.do(op) for op in case.ops]
        tasks = [asyncio.ensure_future(subject.do(op)) for op in case.ops]
        actual = await within(asyncio.gather(*tasks), LIMIT)
        for number, op in enumerate(case.ops):
            both.done.append(brief(op, 120))
            both.compare(
                f"operation {number}, {op[0]}",
                expected[number],
                actual[number],
            )
        await both.step(("close",))
    finally:
        await both.shut()
    both.contents("after close")


__all__ = ("Case", "Mismatch", "Told", "run", "run_at_once",
           "run_interrupted")
