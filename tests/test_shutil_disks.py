"""aiofiles_c.shutil: other file systems, full ones, and other users."""

import os
import shutil
import subprocess
import sys

import pytest

from .support.child import python
from .support.outcome import difference, outcome_of, outcome_of_await
from .support.trees import contents, plant, seen

MIB = 1 << 20
COPIES = ("copyfile", "copy", "copy2")
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


async def test_copy_and_move_across_file_systems(tmp_path, ash, elsewhere):
    """Files, directories and links, with all that goes with them."""
    data = os.urandom(5 * MIB + 3)
    (tmp_path / "data").write_bytes(data)
    for name in COPIES:
        copy = await getattr(ash, name)(
            tmp_path / "data", os.path.join(elsewhere, name)
        )
        with open(copy, "rb") as file:
            assert file.read() == data
    told = []
    moved = await ash.move(
        tmp_path / "data",
        elsewhere,
        progress=lambda *sizes: told.append(sizes),
    )
    assert told[-1] == (len(data), len(data))
    assert moved == os.path.join(elsewhere, "data")
    assert not (tmp_path / "data").exists()
    folder = plant(tmp_path / "tree")
    before = seen(folder), contents(folder)
    for target in (elsewhere, tmp_path):
        folder = await ash.move(folder, target)
    assert folder == str(tmp_path / "tree")
    assert (seen(folder), contents(folder)) == before


@pytest.fixture
def small_disk(tmp_path):
    """A file system with room for a mebibyte."""
    if not ROOT or sys.platform != "linux":
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    if done.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, timeout=20)


@pytest.mark.parametrize("name", COPIES)
async def test_full_disk_is_told_as_in_shutil(tmp_path, ash, small_disk, name):
    """ENOSPC with both names, and what there was room for."""
    source, target = tmp_path / "source", small_disk / "target"
    source.write_bytes(os.urandom(2 * MIB))
    outcomes, sizes = [], []
    for awaits, module in ((False, shutil), (True, ash)):
        function = getattr(module, name)
        outcomes.append(
            await outcome_of_await(function, source, target)
            if awaits
            else outcome_of(function, source, target)
        )
        sizes.append(target.stat().st_size)
        target.unlink()
    assert outcomes[0].failed and not difference(*outcomes)
    assert sizes[0] == sizes[1] > 0


async def test_read_only_file_system_is_told_as_in_shutil(
    tmp_path, ash, small_disk
):
    """EROFS, by each function that changes something."""
    (small_disk / "tree").mkdir()
    (small_disk / "tree" / "file").write_bytes(b"x")
    source = tmp_path / "source"
    source.write_bytes(b"x")
    subprocess.run(
        ["mount", "-o", "remount,ro", str(small_disk)], check=True, timeout=20
    )
    for name, *args in (
        ("copyfile", source, small_disk / "new"),
        ("copyfile", source, small_disk / "tree" / "file"),
        ("copy2", source, small_disk),
        ("copytree", small_disk / "tree", small_disk / "new"),
        ("move", small_disk / "tree" / "file", small_disk / "new"),
        ("rmtree", small_disk / "tree"),
    ):
        expected = outcome_of(getattr(shutil, name), *args)
        got = await outcome_of_await(getattr(ash, name), *args)
        assert expected.failed, name
        assert not difference(expected, got), name


@pytest.mark.skipif(not ROOT, reason="only root can become another user")
def test_permission_denied_is_told_as_in_shutil(tmp_path):
    """By another user: unreadable, unwritable, not to be entered."""
    done = python(
        """
        import asyncio, os, shutil
        import aiofiles_c, aiofiles_c.shutil as ash
        for name, mode in (("secret", 0o600), ("fixed", 0o444), ("new", 0)):
            if mode:
                open(name, "w").write(name)
                os.chmod(name, mode)
        os.mkdir("shut")
        open("shut/file", "w").close()
        os.chmod("shut", 0o700)
        calls = [("copyfile", "secret", "new"), ("copyfile", "fixed", "new"),
                 ("copyfile", "fixed", "fixed2"), ("copy", "fixed", "shut"),
                 ("copyfile", "fixed", "secret"), ("copy2", "shut/file", "x"),
                 ("copyfile", "fixed", "shut/file"),
                 ("move", "fixed", "moved"), ("rmtree", "shut"),
                 ("copytree", "shut", "tree")]
        async def main():
            await ash.rmtree("none", ignore_errors=True)
            os.setuid(65534)
            for name, *args in calls:
                told = []
                for awaits, module in ((False, shutil), (True, ash)):
                    try:
                        got = getattr(module, name)(*args)
                        if awaits:
                            await got
                        told.append("no error")
                    except OSError as error:
                        told.append((type(error), error.errno, str(error),
                                     error.filename, error.filename2))
                assert told[0] == told[1], (name, args, told)
                assert told[0][0] is PermissionError, (name, args, told)
        asyncio.run(main())
        print("good")
        """,
        cwd=tmp_path,
    )
    assert done.stdout.split() == ["good"]
