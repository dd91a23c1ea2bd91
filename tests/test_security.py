"""No descriptor is inherited, and hooks hear of every call."""

import asyncio
import fcntl
import os
import subprocess
import sys

import aiofiles_c
import aiofiles_c.os as aos
import aiofiles_c.tempfile as atempfile
import pytest

from .support.child import python
from .support.waiting import turns

needs_proc = pytest.mark.skipif(
    not os.path.isdir("/proc/self/fd"), reason="there is no /proc"
)


def inheritable():
    """The descriptors above the standard streams that exec() keeps."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            if not fcntl.fcntl(int(name), fcntl.F_GETFD) & fcntl.FD_CLOEXEC:
                found.add(int(name))
        except OSError:  # the listing's own
            continue
    return found


@needs_proc
@pytest.mark.parametrize("mode", ("r", "rb", "w", "ab", "rb+"))
async def test_no_descriptor_is_inherited(make, mode):
    """Files on every route, listings, temporary files, the engine's own."""
    before = inheritable()
    reading, writing = os.pipe()
    path = make(b"data")
    async with aiofiles_c.open(path, mode) as file:
        async with aiofiles_c.open(path, mode, encoding=None) as other:
            assert not os.get_inheritable(file.fileno())
            assert not os.get_inheritable(other.fileno())
        async with aiofiles_c.open(reading, "rb") as pipe:
            task = asyncio.ensure_future(pipe.readline())
            await turns(5)
            async with atempfile.TemporaryFile() as temporary:
                with await aos.scandir(path.parent) as entries:
                    next(entries)
                    assert inheritable() == before
                    child = subprocess.run(
                        [sys.executable, "-c",
                         "import os; print(*os.listdir('/proc/self/fd'))"],
                        close_fds=False, capture_output=True, text=True,
                        check=True,
                    )
                    held = {int(n) for n in child.stdout.split()} - {0, 1, 2}
                    assert not held & {
                        file.fileno(), pipe.fileno(), temporary.fileno()
                    } - before - {3}
            os.write(writing, b"line\n")
            assert await task == b"line\n"
    os.close(writing)


EVENTS = """
import asyncio, os, shutil, sys, tempfile

def calls(os, shutil, open):
    return [
        lambda: open("file", "w"), lambda: open("file", "rb"),
        lambda: os.listdir("."), lambda: os.scandir("."),
        lambda: os.mkdir("a"), lambda: os.rename("a", "b"),
        lambda: os.replace("b", "a"), lambda: os.rmdir("a"),
        lambda: os.link("file", "hard"), lambda: os.symlink("file", "soft"),
        lambda: os.remove("hard"), lambda: os.unlink("soft"),
        lambda: os.makedirs("x/y"), lambda: os.removedirs("x/y"),
        lambda: shutil.copyfile("file", "copy"),
        lambda: os.renames("copy", "c/d"), lambda: os.listdir("none"),
    ]

heard = None

def hook(event, args):
    if heard is not None and event.split(".")[0] in ("open", "os", "shutil"):
        heard.append((event, args[0] if args else None))

sys.addaudithook(hook)
import aiofiles_c, aiofiles_c.os, aiofiles_c.shutil

def listened(call):
    global heard
    heard = []
    try:
        got = call()
    except OSError:
        got = None
    found, heard = heard, None
    if hasattr(got, "close"):
        got.close()
    return found

async def awaited(call):
    global heard
    heard = []
    try:
        got = await call()
    except OSError:
        got = None
    found, heard = heard, None
    if hasattr(got, "close"):
        closing = got.close()
        if closing is not None:
            await closing
    return found

async def main():
    for folder in ("one", "two"):
        os.mkdir(folder)
    os.chdir("one")
    expected = [listened(call) for call in calls(os, shutil, open)]
    os.chdir("../two")
    await aiofiles_c.os.stat(".")
    ours = calls(aiofiles_c.os, aiofiles_c.shutil, aiofiles_c.open)
    for number, call in enumerate(ours):
        found = await awaited(call)
        for event in expected[number]:
            assert event in found, (number, event, found)

asyncio.run(main())
print("good")
"""


def test_hooks_hear_of_each_call_as_of_the_standard_ones(tmp_path):
    """open, os and shutil: every event of the standard function, by name."""
    done = python(EVENTS, cwd=tmp_path)
    assert done.stdout.strip() == "good"


STRICT = """
import asyncio
import aiofiles_c, aiofiles_c.os, aiofiles_c.shutil, aiofiles_c.tempfile

async def main():
    # asyncio's word for a slow step is about the machine's load.
    asyncio.get_running_loop().slow_callback_duration = 20
    async with aiofiles_c.tempfile.TemporaryDirectory() as folder:
        path = folder + "/file"
        async with aiofiles_c.open(path, "w", encoding="utf-8") as file:
            await file.write("one\\ntwo\\n")
        async with aiofiles_c.open(path, encoding="utf-8") as file:
            assert [line async for line in file] == ["one\\n", "two\\n"]
        async with aiofiles_c.open(path, encoding="cp1252") as file:
            assert await file.read() == "one\\ntwo\\n"
        await aiofiles_c.shutil.copyfile(path, path + "2")
        assert len(await aiofiles_c.os.listdir(folder)) == 2
        async with aiofiles_c.tempfile.SpooledTemporaryFile() as file:
            await file.write(b"x")

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "flags", (("-X", "dev", "-W", "error"), ("-X", "dev", "-W", "error", "-P"))
)
def test_strict_interpreter_has_nothing_to_say(tmp_path, flags):
    """Development mode, warnings as errors, safe path: silence."""
    if "-P" in flags and sys.version_info < (3, 11):
        pytest.skip("PYTHONSAFEPATH is of Python 3.11")
    environment = {"PYTHONSAFEPATH": "1"} if "-P" in flags else {}
    done = python(STRICT, cwd=tmp_path, flags=flags, **environment)
    assert done.stderr == ""
