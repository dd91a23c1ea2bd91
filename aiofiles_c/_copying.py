"""Copying as an executor does it: in pieces, so that it can be stopped.

What is not a copy of one regular file to another - links, directories, FIFOs,
the same file twice, names that are none - is left to the real shutil, which
does it or raises the error in its own words.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from inspect import iscoroutinefunction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ("Copying", "Stopped")

# Bytes of one call: within the kernel, and by way of a buffer.
_PIECE = 1 << 22
_BUFFER = 1 << 20

# Bytes between two calls of a progress callback.
_STEP = 1 << 23

_EXTRA = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class Stopped(Exception):
    """The copy is no longer wanted; not an OSError, which copytree keeps."""


def _open_regular(path: Any, flags: int, follow: bool) -> int | None:
    """Open a file if it is a regular one.

    A name is looked at before, so that no FIFO loses its writer and no device
    starts to work; what counts is the file that was opened.
    """
    try:
        named = os.stat(path, follow_symlinks=follow)
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            return None
    else:
        if not stat.S_ISREG(named.st_mode):
            return None
    if not follow:
        flags |= os.O_NOFOLLOW
    fd = os.open(path, flags | _EXTRA, 0o666)
    try:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            found, fd = fd, -1
            return found
    finally:
        if fd >= 0:
            os.close(fd)
    return None


def _open_both(src: Any, dst: Any, follow: bool) -> tuple[int, int] | None:
    """Open two regular files, the second one empty; None if they are not."""
    fds = []
    try:
        for path, flags, links in (
            (src, os.O_RDONLY, follow),
            (dst, os.O_WRONLY | os.O_CREAT, True),
        ):
            fd = _open_regular(os.fspath(path), flags, links)
            if fd is None:
                return None
            fds.append(fd)
        if os.path.sameopenfile(*fds):
            return None
        # Closing what was made empty may wait for the disk: see fscopy.c.
        if os.fstat(fds[1]).st_size or not os.fstat(fds[0]).st_size:
            os.truncate(fds[1], 0)
        both, fds = (fds[0], fds[1]), []
        return both
    except (OSError, TypeError, ValueError):
        return None
    finally:
        for fd in fds:
            os.close(fd)


class Copying:
    """One call's copying, which goes on in a thread until it is stopped."""

    def __init__(self, tell: Callable[[int, int], object] | None) -> None:
        self.stopped = False
        self._tell = tell
        self._done = self._total = 0

    def copyfile(
        self, src: Any, dst: Any, *, follow_symlinks: bool = True
    ) -> Any:
        """Copy the bytes of a file, as shutil.copyfile does."""
        self.check()
        both = None
        if os.name == "posix":
            sys.audit("shutil.copyfile", src, dst)
            both = _open_both(src, dst, follow_symlinks)
        if both is None:
            return shutil.copyfile(src, dst, follow_symlinks=follow_symlinks)
        try:
            self._total += os.fstat(both[0]).st_size
            self._copy_bytes(*both)
        except OSError as error:
            error.filename, error.filename2 = os.fspath(src), os.fspath(dst)
            raise
        finally:
            try:
                os.close(both[0])
            finally:
                os.close(both[1])
        return dst

    def copy(self, src: Any, dst: Any, *, follow_symlinks: bool = True) -> Any:
        """Copy bytes and permissions, as shutil.copy does."""
        dst = self._copy_into(src, dst, follow_symlinks)
        shutil.copymode(src, dst, follow_symlinks=follow_symlinks)
        return dst

    def copy2(
        self, src: Any, dst: Any, *, follow_symlinks: bool = True
    ) -> Any:
        """Copy bytes and what goes with them, as shutil.copy2 does."""
        dst = self._copy_into(src, dst, follow_symlinks)
        shutil.copystat(src, dst, follow_symlinks=follow_symlinks)
        return dst

    def check(self) -> None:
        """Go no further if it is not wanted any more."""
        if self.stopped:
            raise Stopped

    def chosen(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the copy_function that can be stopped."""
        for name in ("copyfile", "copy", "copy2"):
            if function is getattr(shutil, name):
                return getattr(self, name)
        if iscoroutinefunction(function):
            raise TypeError(
                "copy_function is called in a thread, and cannot be a "
                "coroutine function"
            )

        def checked(src: Any, dst: Any) -> Any:
            self.check()
            return function(src, dst)

        return checked

    def _copy_into(self, src: Any, dst: Any, follow: bool) -> Any:
        if os.path.isdir(dst):
            dst = os.path.join(dst, os.path.basename(src))
        self.copyfile(src, dst, follow_symlinks=follow)
        return dst

    def _copy_bytes(self, source: int, target: int) -> None:
        told = self._done
        copy = _copy_range if hasattr(os, "copy_file_range") else _copy_plain
        while True:
            self.check()
            try:
                n = copy(source, target)
            except OSError:
                if copy is _copy_plain:
                    raise
                n = 0
            if n:
                self._done += n
                if self._done - told >= _STEP:
                    told = self._done
                    self._report()
            elif copy is _copy_plain:
                break
            else:
                # Not every file system is honest about this: reading has the
                # last word on errors and on the end.
                copy = _copy_plain
        if self._done > told or not self._done:
            self._report()

    def _report(self) -> None:
        if self._tell is not None:
            self._tell(self._done, max(self._done, self._total))


def _copy_range(source: int, target: int) -> int:
    return os.copy_file_range(source, target, _PIECE)


def _copy_plain(source: int, target: int) -> int:
    data = memoryview(os.read(source, _BUFFER))
    left = data
    while left:
        left = left[os.write(target, left):]
    return len(data)
