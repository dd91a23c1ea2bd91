"""File systems that the tests mount: the slow one of fuse.py, and others.

Only root may; elsewhere `SlowMount` raises Unavailable, which says why.
"""

import asyncio
import ctypes
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from .waiting import PATIENCE

MNT_DETACH = 2


class Unavailable(Exception):
    """This machine cannot mount that."""


def unmount(folder):
    """Take a mount away, whoever is still inside a call on it."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.umount2(os.fsencode(folder), MNT_DETACH)


@contextmanager
def mounted_at(folder, kind, source="none", options=""):
    """Have a file system at a folder, as mount(2) makes it."""
    libc = ctypes.CDLL(None, use_errno=True)
    words = (source, folder, kind)
    if libc.mount(*map(os.fsencode, words), 0, options.encode()) != 0:
        raise Unavailable(f"{kind}: {os.strerror(ctypes.get_errno())}")
    try:
        yield
    finally:
        unmount(folder)


class SlowMount:
    """A file system at `folder` whose answers take as long as they are told.

    It begins fast; from slow_down() on each request takes `seconds`.  The
    kernel may keep names and attributes for `validity` seconds.  No method is to be called in the middle of what it
    measures: each waits for the answer of the server.
    """

    def __init__(self, folder, validity=0, seconds=0.3):
        self.folder = Path(folder)
        self.seconds = seconds
        if not os.path.exists("/dev/fuse") or os.geteuid() != 0:
            raise Unavailable("FUSE is not there, or we are not root")
        self.server = subprocess.Popen(
            [sys.executable, "-S", Path(__file__).with_name("fuse.py")]
            + [self.folder, str(validity)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        word = self.server.stdout.readline().strip()
        if word != "mounted":
            self.close()
            raise Unavailable(word or "the FUSE server did not start")

    def order(self, **what):
        """What the server is told, see Server.order(), and what it says."""
        self.server.stdin.write(json.dumps(what) + "\n")
        self.server.stdin.flush()
        return json.loads(self.server.stdout.readline())

    def delay(self, seconds, *names):
        """Have all requests, or these alone, take so long; None: for ever."""
        self.order(delays=dict.fromkeys(names or ("*",), seconds))

    def slow_down(self):
        self.delay(self.seconds)

    def fail(self, **faults):
        """Have requests fail, as in Server.order(); none: no more."""
        self.order(faults=faults)

    def waiting(self, *names):
        """How many requests, or of these, have no answer yet."""
        waiting = self.order()["waiting"]
        return sum(waiting[name] for name in names or waiting if name in waiting)

    async def held(self, count, *names):
        """Wait until so many requests have no answer."""
        for _ in range(PATIENCE * 100):
            if self.waiting(*names) >= count:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{self.order()}, not {count} {names}")

    def close(self):
        """Unmount, and end the server: whoever waits for it gets an error."""
        unmount(self.folder)
        self.server.kill()
        self.server.wait(PATIENCE)
        self.server.stdin.close()
        self.server.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class SlowDisk:
    """A file system of a disk whose requests take `seconds`, once slow_down().

    The disk is a loop device, and its medium is a file on a SlowMount.
    """

    def __init__(self, folder, kind="ext4", size=64 << 20, seconds=0.12):
        folder = Path(folder)
        self.kind = kind
        self.folder = folder / "disk"
        self.folder.mkdir()
        (folder / "below").mkdir()
        self.below = SlowMount(folder / "below", 3600, seconds)
        self.slow_down = self.below.slow_down
        try:
            medium = self.below.folder / "medium"
            medium.touch()
            os.truncate(medium, size)
            self.device = run(
                "losetup", "--direct-io=on", "--show", "-f", medium
            )
            try:
                run("mkfs." + kind, "-q", self.device)
                self.mount()
            finally:
                run("losetup", "-d", self.device)  # when it is unmounted
        except BaseException:
            self.below.close()
            raise

    def mount(self):
        run("mount", "-t", self.kind, self.device, self.folder)

    def cool(self):
        """Forget all names and bytes, as after a start of the machine."""
        hold = os.open(self.device, os.O_RDONLY)
        try:
            run("umount", self.folder)
            self.mount()
        finally:
            os.close(hold)

    def close(self):
        self.below.delay(0)
        try:
            run("umount", self.folder)
        finally:
            unmount(self.folder)
            self.below.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def run(*command):
    """Run a command of the system's, and return what it says."""
    try:
        return subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        ).stdout.strip()
    except FileNotFoundError:
        raise Unavailable(f"there is no {command[0]}") from None
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{command}: {error.stdout.strip()}") from error
