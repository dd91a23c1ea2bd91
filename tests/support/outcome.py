"""A result or an exception, in a form that can be compared.

Two calls agree when their results have the same type and value, or when
their exceptions have the same type, arguments, errno, file name and message.
A path of the folder in which one side works counts as the other side's.
"""

import os
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """`value` is the result, or the description of the exception."""

    failed: bool
    value: Any


class Raised(NamedTuple):
    """An exception, without its traceback."""

    type: type
    args: tuple
    errno: Any
    filename: Any
    filename2: Any
    message: str
    span: tuple


class _Unprintable:
    """A value that is compared by its type alone."""

    def __init__(self, kind):
        self.kind = kind

    def __eq__(self, other):
        return isinstance(other, _Unprintable) and other.kind is self.kind

    def __hash__(self):
        return hash(self.kind)

    def __repr__(self):
        return f"<some {self.kind.__name__}>"


_PLAIN = (str, bytes, int, float, bool, type(None))


def _neutral(value, folder):
    """Replace the folder in what an exception carries."""
    if isinstance(value, str):
        return value.replace(folder, "<folder>")
    if isinstance(value, bytes):
        return value.replace(os.fsencode(folder), b"<folder>")
    if isinstance(value, tuple):
        return tuple(_neutral(item, folder) for item in value)
    if isinstance(value, _PLAIN):
        return value
    return _Unprintable(type(value))


def raised(error, folder=""):
    """Describe an exception; folder is where its side works."""
    folder = folder or "\0"
    if isinstance(error, AttributeError):
        # The message names the class, which is each library's own.
        return Raised(AttributeError, (), None, None, None, "", ())
    span = ()
    if isinstance(error, UnicodeError) and len(error.args) == 5:
        span = (
            error.encoding, error.object, error.start, error.end, error.reason
        )
    return Raised(
        type(error),
        _neutral(error.args, folder),
        getattr(error, "errno", None),
        _neutral(getattr(error, "filename", None), folder),
        _neutral(getattr(error, "filename2", None), folder),
        _neutral(str(error), folder),
        span,
    )


def outcome_of(call, *args, folder="", **kwargs):
    """Call, and say what came of it."""
    try:
        return Outcome(False, call(*args, **kwargs))
    except Exception as error:
        return Outcome(True, raised(error, folder))


async def outcome_of_await(call, *args, folder="", **kwargs):
    """Call, await, and say what came of it."""
    try:
        return Outcome(False, await call(*args, **kwargs))
    except Exception as error:
        return Outcome(True, raised(error, folder))


def brief(value, limit=300):
    """A repr of bearable length."""
    text = repr(value)
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} ... {text[-half:]} ({len(text)} characters)"


def difference(expected, actual):
    """Say in one line how two outcomes differ; empty if they do not."""
    if expected.failed != actual.failed:
        return f"expected {brief(expected)}, got {brief(actual)}"
    if expected.failed:
        for field in Raised._fields:
            want = getattr(expected.value, field)
            have = getattr(actual.value, field)
            if want != have:
                return (
                    f"{field} of the exception: expected {brief(want)}, "
                    f"got {brief(have)}; {brief(expected.value.message)}"
                )
        return ""
    want, have = expected.value, actual.value
    if type(want) is not type(have):
        return (
            f"expected a {type(want).__name__} {brief(want)}, "
            f"got a {type(have).__name__} {brief(have)}"
        )
    if want == have:
        return ""
    if isinstance(want, (str, bytes)):
        at = len(os.path.commonprefix([want, have]))  # noqa: RUF071
        return (
            f"expected {len(want)} of length, got {len(have)}; they part at "
            f"{at}: {brief(want[at:at + 60])} against "
            f"{brief(have[at:at + 60])}"
        )
    return f"expected {brief(want)}, got {brief(have)}"
