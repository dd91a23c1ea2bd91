"""What this machine does with files, in words, and advice where it is slow."""

from __future__ import annotations

import errno
import os
import sys
from typing import NamedTuple

from ._engine import core, stats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed import StrPath

__all__ = (
    "Findings",
    "advise",
    "describe_engine",
    "explain",
    "file_system",
    "find",
)

FORBIDDEN = (
    "the sandbox of this process (seccomp, as containers have it) forbids it;"
    " its profile should allow {}"
)
MISSING = "this kernel has no {}: it came with Linux {}"


class Findings(NamedTuple):
    """What was found out of an engine, a machine and a folder."""

    engine: str  # "native", "off" or "missing"
    inline: bool = True  # calls on the loop's thread are allowed
    portable: bool = False
    file_system: str = "unknown"
    device: str = "slow"  # or "local", "memory"
    open_error: int = 0  # of opening a cached name without waiting
    read_error: int | None = 0  # of reading; None: there was no file to read
    told: bool = True  # what is cached of a file of one's own can be asked
    queued: int = 0
    max_threads: int = 0


def describe_engine() -> str:
    """Tell whether the engine runs: "native", "off" or "missing"."""
    if core is not None:
        return "native"
    from importlib.util import find_spec

    return "off" if find_spec(f"{__package__}._core") else "missing"


def file_system(folder: Path) -> str:
    """Tell the type of the file system, where the system says it."""
    best, kind = "", "this file system"
    try:
        with open("/proc/self/mountinfo", errors="replace") as file:
            mounts = file.readlines()
    except OSError:
        return kind
    for mount in mounts:
        left, _, right = mount.partition(" - ")
        point = left.split()[4].replace("\\040", " ")
        if len(point) >= len(best) and folder.is_relative_to(point):
            best, kind = point, right.split()[0]
    return kind


def _survey(folder: str) -> tuple[str, str, int, int | None, bool]:
    """Ask the engine what is allowed in a folder."""
    from tempfile import TemporaryFile

    where = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with TemporaryFile(dir=folder, buffering=0) as file:
            file.write(b"x")
            name, device, opened, read, told = core.survey(  # type: ignore[union-attr]
                where, file.fileno()
            )
            return name, device, opened, read, bool(told)
    except OSError:  # nothing can be made there; the folder itself will do
        name, device, opened, *_ = core.survey(where, where)  # type: ignore[union-attr]
        return name, device, opened, None, False
    finally:
        os.close(where)


def find(folder: StrPath) -> Findings:
    """Find out what holds in a folder."""
    engine = describe_engine()
    if core is None:
        return Findings(engine)
    name, device, opened, read, told = _survey(os.fspath(folder))
    if name == "unknown":
        from pathlib import Path

        name = file_system(Path(folder).resolve())
    counts = stats()
    return Findings(
        engine,
        os.environ.get("AIOFILES_C_INLINE") != "0",
        bool(core.PORTABLE),
        name,
        device,
        opened,
        read,
        told,
        counts["queued"],
        counts["max_threads"],
    )


def _reason(error: int, call: str, since: str) -> str:
    if error == errno.EPERM:
        return FORBIDDEN.format(call)
    if error in (errno.ENOSYS, errno.EINVAL):
        return MISSING.format(call, since)
    return f"{call} says {errno.errorcode.get(error, error)}"


def _advise_reads(found: Findings) -> str:
    if found.device == "memory":
        return f"Reads: {found.file_system} is memory; reads are done at once."
    if found.read_error is None:
        return "Reads: could not be tried, as no file can be made here."
    if found.read_error == 0:
        return (
            "Reads: what the page cache holds is read at once, the rest by"
            " a thread."
        )
    if found.read_error == errno.EOPNOTSUPP and found.told:
        return (
            f"Reads: {found.file_system} has no reads without waiting"
            " (RWF_NOWAIT), but it can be asked what the page cache holds of"
            " a file of this user, up to 1 GiB: that is read at once. The"
            " rest is read by threads; a sequential reader gets the next"
            " block fetched ahead, a random one waits for each. Keep data of"
            " other users that is read at random on another file system:"
            " ext4, xfs, btrfs or tmpfs, in a container a volume."
        )
    if found.read_error == errno.EOPNOTSUPP:
        return (
            f"Reads: {found.file_system} has no reads without waiting"
            " (RWF_NOWAIT), so threads read; a sequential reader gets the"
            " next block fetched ahead, a random one waits for each. Keep"
            " data that is read at random on another file system: ext4, xfs,"
            " btrfs or tmpfs, in a container a volume."
        )
    reason = _reason(found.read_error, "preadv2", "4.14")
    return f"Reads: all by threads, since {reason}."


def _advise_names(found: Findings) -> str:
    if found.open_error == 0:
        return (
            "Names: a file that the kernel knows is opened for reading, and"
            " looked at by stat, at once."
        )
    reason = _reason(found.open_error, "openat2", "5.12")
    return f"Names: open and stat always take a thread, since {reason}."


def advise(found: Findings) -> list[str]:
    """Say what the findings mean, a sentence or two each."""
    if found.engine != "native":
        why = {
            "off": "it was turned off by AIOFILES_C_PURE; unset that",
            "missing": "it was not built here; install a wheel, or a C"
            " compiler before the package",
        }[found.engine]
        return [
            "Every call goes to Python's threads, at the speed of aiofiles:"
            f" there is no native engine, as {why}."
        ]
    said = []
    if found.queued:
        said.append(
            f"Threads: {found.queued} jobs are waiting for one of"
            f" {found.max_threads}. If they wait for a server,"
            " aiofiles_c.set_threads() can allow more."
        )
    if not found.inline:
        said.append(
            "AIOFILES_C_INLINE=0 is set: everything is done by threads, to"
            " compare or to find an error. Unset it."
        )
    elif found.portable:
        said.append(
            "This is the portable build: only what a file's own buffer holds"
            " is answered at once. On Linux, build without"
            " AIOFILES_C_PORTABLE."
        )
    elif found.device == "slow":
        said.append(
            f"{found.file_system} is not known to be a local disk, where a"
            " call cannot hang: nothing is called on the event loop's thread,"
            " threads do it all. Large blocks are better than many small"
            " calls; copy to a local disk what is read again and again."
        )
    else:
        said += [_advise_reads(found), _advise_names(found)]
    return said


def explain(folder: StrPath = ".", /) -> str:
    """Say in words what happens to files in a folder, and what would help.

    It makes a temporary file there and removes it, and blocks while it does:
    for people who look into something, not for an event loop that is busy.
    """
    version = ".".join(map(str, sys.version_info[:3]))
    found = find(folder)
    where = os.path.abspath(os.fspath(folder))
    head = f"aiofiles_c on Python {version}, {sys.platform}"
    if found.engine == "native":
        head += f", at most {found.max_threads} threads"
        head += f"; {found.file_system} ({found.device}) in {where}"
    return "\n".join((head, *(f"* {said}" for said in advise(found))))
