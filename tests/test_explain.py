"""aiofiles_c.explain() and python -m aiofiles_c: what they say, and when."""

import errno
import os
import platform
import subprocess
import sys

import aiofiles_c
import pytest
from aiofiles_c._explain import Findings, advise

from .support.child import python

NATIVE = Findings("native", file_system="ext4", device="local")
OVERLAY = NATIVE._replace(
    file_system="overlayfs", read_error=errno.EOPNOTSUPP
)


def test_explanation_of_a_folder_names_system_and_reason(tmp_path):
    """Wherever it is called, it says something, and leaves nothing behind."""
    said = aiofiles_c.explain(tmp_path)
    assert said.startswith("aiofiles_c on Python ")
    assert "\n* " in said
    if aiofiles_c.stats()["native"]:
        assert str(tmp_path) in said
    assert os.listdir(tmp_path) == []


def test_folder_that_does_not_exist_is_an_error(native, tmp_path):
    """Not an explanation of another one."""
    with pytest.raises(FileNotFoundError):
        aiofiles_c.explain(tmp_path / "missing")


@pytest.mark.parametrize(
    "findings, words",
    (
        (NATIVE, ("page cache holds is read at once", "opened for reading")),
        (OVERLAY, ("overlayfs has no reads", "of this user", "a volume")),
        (
            OVERLAY._replace(told=False),
            ("overlayfs has no reads", "fetched ahead", "a volume"),
        ),
        (
            NATIVE._replace(open_error=errno.EPERM),
            ("seccomp", "should allow openat2"),
        ),
        (NATIVE._replace(open_error=errno.ENOSYS), ("Linux 5.12",)),
        (
            NATIVE._replace(read_error=errno.EPERM),
            ("seccomp", "should allow preadv2"),
        ),
        (NATIVE._replace(read_error=errno.ENOSYS), ("Linux 4.14",)),
        (NATIVE._replace(read_error=errno.EIO), ("preadv2 says EIO",)),
        (NATIVE._replace(read_error=None), ("could not be tried",)),
        (NATIVE._replace(device="memory"), ("is memory",)),
        (NATIVE._replace(device="slow"), ("not known to be a local disk",)),
        (NATIVE._replace(inline=False), ("AIOFILES_C_INLINE=0", "Unset")),
        (NATIVE._replace(portable=True), ("portable build",)),
        (
            NATIVE._replace(queued=7, max_threads=6),
            ("7 jobs", "set_threads()"),
        ),
        (Findings("off"), ("AIOFILES_C_PURE", "unset")),
        (Findings("missing"), ("not built", "compiler")),
    ),
    ids=str,
)
def test_each_finding_has_its_words_and_advice(findings, words):
    """What holds of the machine is said, with its reason."""
    said = " ".join(advise(findings))
    assert [word for word in words if word not in said] == []


# The calls by number, refused with EPERM as the profiles of containers do.
FORBID = """
    import ctypes, sys

    class Step(ctypes.Structure):
        _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte),
                    ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]

    class Program(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
    steps = (Step * 4)(
        Step(LOAD, 0, 0, 0), Step(EQUAL, 0, 1, 437),
        Step(RETURN, 0, 0, 0x50001), Step(RETURN, 0, 0, 0x7FFF0000))
    program = Program(4, ctypes.addressof(steps))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(
            22, 2, ctypes.byref(program), 0, 0):
        sys.exit("skip")
    import aiofiles_c
    print(aiofiles_c.explain(sys.argv[1]))
"""


def test_call_that_a_sandbox_forbids_is_named(native, tmp_path):
    """A real filter, as a container's, against openat2."""
    if sys.platform != "linux" or platform.machine() not in (
        "x86_64", "aarch64",
    ):
        pytest.skip("the filter is written for Linux on two processors")
    if aiofiles_c._engine.core.PORTABLE:
        pytest.skip("the portable build does not use the call")
    if os.environ.get("AIOFILES_C_INLINE") == "0":
        pytest.skip("with AIOFILES_C_INLINE=0 the call makes no difference")
    done = python(FORBID, tmp_path, cwd=tmp_path, check=False)
    if "skip" in done.stderr:
        pytest.skip("no filter can be set here")
    if "not known to be a local disk" in done.stdout:
        pytest.skip("the file system is not local")
    assert "should allow openat2" in done.stdout, done.stderr


def test_selfcheck_ends_well_and_explains(tmp_path):
    """python -m aiofiles_c DIR: a table, the routes, and what they mean."""
    done = subprocess.run(
        [sys.executable, "-I", "-m", "aiofiles_c", tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=40,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 of 8 results" in done.stdout
    for findings in ("What that means:", "Operations by the route"):
        assert findings in done.stdout
