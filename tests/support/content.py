"""Bytes of files, described rather than spelled out.

A described value has a short repr, so that a failing case can be read, and
shrinks well.
"""

from dataclasses import dataclass

# Where blocks begin: of the kernel, of io before and after Python 3.14, of a
# text layer's chunks, of a growing read-ahead.
BLOCKS = (4096, 8192, 65536, 131072)


@dataclass(frozen=True)
class Content:
    """`size` bytes of `filler`, repeated, with `marks` put in places."""

    size: int
    filler: bytes = b"0123456789abcdef\n"
    marks: tuple = ()  # of (offset, bytes)

    @property
    def data(self):
        data = bytearray(self.filler * (self.size // len(self.filler) + 1))
        del data[self.size:]
        for offset, mark in self.marks:
            end = min(offset + len(mark), self.size)
            if 0 <= offset < end:
                data[offset:end] = mark[:end - offset]
        return bytes(data)


@dataclass(frozen=True)
class Many:
    """`unit` a number of times: a large str or bytes."""

    unit: object
    count: int

    @property
    def data(self):
        return self.unit * self.count


@dataclass(frozen=True)
class Room:
    """A fresh buffer to read into, of the form that is named."""

    form: str
    size: int = 0

    def make(self):
        return ROOMS[self.form](self.size)


@dataclass(frozen=True)
class Lent:
    """`data` in an object of the form that is named."""

    form: str
    data: bytes

    def make(self):
        return LOANS[self.form](self.data)


@dataclass(frozen=True)
class Lines:
    """A fresh iterator over the items, which may raise in the end."""

    items: tuple
    raises: bool = False

    def make(self):
        yield from (built(item) for item in self.items)
        if self.raises:
            raise ZeroDivisionError("no more lines today")


@dataclass(frozen=True)
class Told:
    """The cookie that the n-th last `tell` gave (0 where none did)."""

    back: int = 0


def _array(size):
    from array import array

    return array("i", [0] * size)


# Every form has the answer of built-in open, be it an error.
ROOMS = {
    "bytearray": bytearray,
    "memoryview": lambda size: memoryview(bytearray(size)),
    "array": _array,
    "slice": lambda size: memoryview(bytearray(size + 2))[1:-1],
    "strided": lambda size: memoryview(bytearray(2 * size + 4))[::2],
    "readonly": lambda size: memoryview(bytes(size)),
    "bytes": bytes,
    "str": lambda size: "x" * size,
    "none": lambda size: None,
}

LOANS = {
    "bytearray": bytearray,
    "memoryview": memoryview,
    "strided": lambda data: memoryview(data + data)[::2],
    "ints": lambda data: memoryview(data * 4).cast("i"),
}


class Index:
    """An integer by __index__ alone."""

    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value

    def __repr__(self):
        return f"Index({self.value})"


class BadIndex:
    """Its __index__ raises."""

    def __index__(self):
        raise ZeroDivisionError("no index today")

    def __repr__(self):
        return "BadIndex()"


def built(value, told=()):
    """The argument that a description stands for, made anew."""
    if isinstance(value, (Content, Many)):
        return value.data
    if isinstance(value, (Room, Lent, Lines)):
        return value.make()
    if isinstance(value, Told):
        return told[-1 - value.back % len(told)] if told else 0
    if isinstance(value, list):
        return [built(item, told) for item in value]
    return value


def plain(value):
    """What a buffer holds, for comparison."""
    if isinstance(value, memoryview):
        return ("memoryview", value.tobytes())
    return value
