"""Faults of the running Python's io, found by trying.

The native file does not have them.  Where it is compared with blocking files
these are spared the fault, and nothing else: see docs/design.rst.
"""

import io
import operator
import sys


def _loses_sight_of_writes():
    """Whether this Python's BufferedRandom.read1() does not flush.

    Before 3.13 it reads the raw file while bytes written are still in the
    buffer, and those then go to the wrong place; text reads by read1().  The
    native file does as the later Pythons do.
    """
    with io.BufferedRandom(io.BytesIO(b"ab")) as file:
        file.write(b"x")
        return file.read1(1) == b"a"


def _miscounts_seeks():
    """Whether a seek() within the buffer may return a wrong position.

    One that fails has flushed what was written, and the raw file no longer
    stands behind the buffer's last byte; the next takes it to stand there for
    its result, though not for where it goes.  The larger the buffer, the
    likelier: it is 128 KiB from 3.14 on.
    """
    with io.BufferedRandom(io.BytesIO(b"0123456789")) as file:
        file.read(1)
        file.write(b"x")
        try:
            file.seek(-1)
        except ValueError:
            pass
        return file.seek(5) != file.tell()


def _tells_by_an_old_chunk():
    """Whether tell() may count from a chunk that is not the newest.

    A readlines() that its hint or an error has cut short leaves tell()
    disabled, and with it the record of chunks: those read meanwhile are not
    noted, and once flush() has enabled it again it takes the one noted last
    for the newest, and reads beyond its bytes.  Where none was noted it says
    where the buffer stands; the native file does so always.
    """
    with io.TextIOWrapper(io.BytesIO(b"line\n")) as file:
        file.seek(0)
        file.readlines(1)
        file.flush()
        return file.tell() != file.buffer.tell()


LOSES_SIGHT_OF_WRITES = _loses_sight_of_writes()
MISCOUNTS_SEEKS = _miscounts_seeks()
TELLS_BY_AN_OLD_CHUNK = _tells_by_an_old_chunk()
CHUNK = 8192  # bytes that io.TextIOWrapper reads, if not more are asked for
_READING = ("read", "readline", "readlines")


def _size_of(op):
    """The size that a read was given, -1 for none; None for a wrong one."""
    if not op[1:] or (op[1] is None and op[0] in ("read", "readlines")):
        return -1
    try:
        size = operator.index(op[1])
    except Exception:
        return None
    return size if abs(size) <= sys.maxsize else None


def _chunk(op, size):
    """How many bytes a read takes at a time, at most."""
    if op[0] != "read":
        return CHUNK
    return sys.maxsize if size is None or size < 0 else max(CHUNK, 4 * size)


class Spared:
    """A blocking file, and calls on it without the faults."""

    def __init__(self, file):
        self.file = file
        self.buffer = getattr(file, "buffer", file)
        self.random = isinstance(self.buffer, io.BufferedRandom)
        self.written = False  # by text, since that was flushed
        self.failed = False  # a seek has failed, so that the next may miscount
        self.unnoted = False  # tell() is disabled, no chunk is noted
        self.stale = False  # nor was the newest

    def call(self, op, args):
        """Do the operation, with these arguments."""
        if self.file.closed:
            return getattr(self.file, op[0])(*args)
        if self.random and LOSES_SIGHT_OF_WRITES:
            self._flush_before(op)
        if self.buffer is self.file:
            return self._call_binary(op, args)
        failed = True
        try:
            value = self._call_text(op, args)
            failed = False
        finally:
            if op[0] == "writelines" or (op[0] == "write" and not failed):
                self.written = True
        return value

    def _call_binary(self, op, args):
        try:
            value = getattr(self.file, op[0])(*args)
        except Exception:
            self.failed = self.failed or op[0] == "seek"
            raise
        if op[0] == "seek" and MISCOUNTS_SEEKS and self.random and self.failed:
            value = self.file.tell()
        return value

    def _call_text(self, op, args):
        if not TELLS_BY_AN_OLD_CHUNK or not isinstance(
            self.buffer, (io.BufferedReader, io.BufferedRandom)
        ):
            return getattr(self.file, op[0])(*args)
        if self.stale and not self.unnoted:
            if op == ("tell",) or op[:3] == ("seek", 0, 1):
                self.file.flush()
                here = self.buffer.tell()
                if op[0] == "tell":
                    return here
                args = (here,)
        before = self.buffer.tell()
        lines = op[0] == "readlines" and _size_of(op) is not None
        self.unnoted = self.unnoted or lines
        value = error = None
        try:
            value = getattr(self.file, op[0])(*args)
        except Exception as caught:
            error = caught
            raise
        finally:
            if op[0] in _READING and not self.file.closed:
                self._note(op, value, before)
            elif op[0] in ("flush", "seek", "truncate", "write", "writelines"):
                self._forget(op, error)
        return value

    def _note(self, op, value, before):
        """A read is over: whether its chunk, if it took one, was noted."""
        size = _size_of(op)
        if op[0] == "readlines" and value is not None:
            self.unnoted = 0 < size < sum(map(len, value))
        if value is not None and (op[0] == "readlines" or size == -1):
            ended = not self.unnoted and op[0] != "readline"
        else:
            ended = False
        # What says that the file has ended is a chunk, too.
        met_end = op[0] == "read" and value is not None and len(value) < size
        moved = self.buffer.tell() - before
        if ended:
            self.stale = False
        elif value is None and not self.unnoted and moved <= _chunk(op, size):
            pass  # what could not be decoded is not noted: it is as it was
        elif met_end or moved:
            self.stale = self.unnoted

    def _forget(self, op, error):
        """tell() is enabled again, or there is no record any more."""
        refused = op[0] == "seek" and (
            isinstance(error, (TypeError, ValueError))
            or "telling" in str(error)
            or "C int" in str(error)  # whence; a cookie is parsed later
        )
        if op[0] in ("flush", "seek", "truncate") and not refused:
            self.unnoted = False
        if error is None and (
            op[0] in ("seek", "write")
            or (op[0] == "writelines" and getattr(op[1], "items", op[1]))
        ):
            self.stale = False

    def _flush_before(self, op):
        """Flush before a read1() that goes past the buffer, as 3.13 does."""
        buffer = self.buffer
        if buffer is self.file:
            passes = op[0] == "read1" and _size_of(op) not in (0, None)
            if passes and buffer.raw.tell() <= buffer.tell():
                buffer.flush()
            return
        reads = op[0] in _READING and _size_of(op) is not None
        reads = reads and op[:2] != ("read", 0)
        if reads and self.written:
            self.file.read(0)  # hands on what is pending
            buffer.flush()
        self.written = self.written and not reads
