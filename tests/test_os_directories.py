"""aiofiles_c.os: directories, listed, scanned and walked."""

import asyncio
import gc
import os

import aiofiles_c
import aiofiles_c.os
import pytest

from .support.trees import FORMS, Two
from .support.waiting import cancelled, turns, within


@pytest.mark.parametrize("form", FORMS)
async def test_scandir_entries_are_those_of_os(tmp_path, aos, form):
    """Names, paths, kinds and numbers, and what stat() says."""
    folder = Two(tmp_path).sides[0]
    given = FORMS[form](folder)
    with os.scandir(given) as entries:
        expected = {entry.name: entry for entry in entries}
    with await aos.scandir(given) as entries:
        got = {entry.name: entry for entry in entries}
    assert got.keys() == expected.keys()
    for name, want in expected.items():
        have = got[name]
        assert (have.name, have.path) == (want.name, want.path)
        assert os.fspath(have) == want.path
        assert repr(have) == repr(want)
        assert have.inode() == want.inode()
        assert have.is_symlink() == want.is_symlink()
        assert have.stat(follow_symlinks=False) == os.lstat(want.path)
        for kind in ("is_dir", "is_file"):
            assert getattr(have, kind)(follow_symlinks=False) == getattr(
                want, kind
            )(follow_symlinks=False)
        if name in ("loop", b"loop"):
            with pytest.raises(OSError) as told:
                have.is_dir()
            assert told.value.filename == want.path
            continue
        assert (have.is_dir(), have.is_file()) == (
            want.is_dir(), want.is_file()
        )
        if name in ("dangling", b"dangling"):
            with pytest.raises(FileNotFoundError):
                have.stat()
        else:
            assert have.stat() == os.stat(want.path)
            assert have.stat() is have.stat()


async def test_scandir_without_a_path_is_of_the_current_one(
    tmp_path, aos, monkeypatch
):
    """Paths begin with the dot, as those of os do."""
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    with await aos.scandir() as entries:
        assert [e.path for e in entries] == [os.path.join(".", "file")]
    with await aos.scandir("./") as entries:
        assert [e.path for e in entries] == ["./file"]
    assert await aos.listdir() == ["file"]
    assert await aos.getcwd() == os.getcwd()


async def test_scandir_is_for_async_for_and_async_with(tmp_path, ours_os):
    """Both kinds of loop and of context go, and end."""
    for n in range(300):
        (tmp_path / str(n)).mkdir()
    async with await ours_os.scandir(tmp_path) as entries:
        names = {entry.name async for entry in entries}
    assert names == {str(n) for n in range(300)}
    entries = await ours_os.scandir(tmp_path)
    assert len([next(entries), next(entries), *entries]) == 300
    assert list(entries) == []
    entries = await ours_os.scandir(tmp_path)
    next(entries)
    entries.close()
    entries.close()
    assert [e async for e in entries] == []


async def test_listdir_of_odd_names(tmp_path, aos):
    """Names that are not ASCII, not UTF-8, of one letter, or long."""
    folder = os.fsencode(tmp_path)
    names = [b"a", b"\xff\xfe", "\u00e9\u4e2d\U0001f600".encode(), b"n" * 255,
             b" ", b"new\nline", b"..."]
    for name in names:
        open(os.path.join(folder, name), "wb").close()
    assert sorted(await aos.listdir(folder)) == sorted(names)
    got = await aos.listdir(tmp_path)
    assert sorted(got) == sorted(os.listdir(tmp_path))
    assert {"a": 1}[min(got, key=lambda n: n != "a")] == 1


async def test_listdir_of_many_names_lets_the_loop_run(tmp_path, native):
    """The list is made in pieces, between which others have their turn."""
    for n in range(12_000):
        os.symlink("nowhere", tmp_path / (f"{n}" + "\u00e9" * 100))
    jobs = native()["jobs"]
    turns_taken = 0

    async def others():
        nonlocal turns_taken
        while True:
            await asyncio.sleep(0)
            now = native()
            if now["jobs"] > jobs and not now["running"] + now["queued"]:
                turns_taken += 1  # the worker is done, the list is not

    def shown():
        """Whatever of the list a debugger would find must bear a look."""
        for holder in gc.get_objects():
            if type(holder).__name__ == "Operation":
                for thing in gc.get_referents(holder):
                    if type(thing) is list:
                        assert None not in thing

    async def debugger():
        for _ in range(20):
            shown()
            await asyncio.sleep(0)

    task = asyncio.ensure_future(others())
    look = asyncio.ensure_future(debugger())
    got = await aiofiles_c.os.listdir(tmp_path)
    await within(look)
    between = turns_taken
    await cancelled(task)
    assert between >= 3, between
    assert sorted(got) == sorted(os.listdir(tmp_path))


@pytest.mark.parametrize("topdown", (True, False))
@pytest.mark.parametrize("followlinks", (True, False))
async def test_walk_goes_where_os_walk_goes(
    tmp_path, ours_os, topdown, followlinks
):
    """The same directories in the same order, with the same names."""
    folder = Two(tmp_path).sides[0]
    for n in range(20):
        os.makedirs(os.path.join(folder, "dir", f"{n}", "below"))
    for form in (str, os.fsencode):
        given = form(folder)
        expected = list(os.walk(given, topdown, None, followlinks))
        got = [
            step
            async for step in ours_os.walk(given, topdown, None, followlinks)
        ]
        assert got == expected


async def test_walk_does_not_go_to_what_was_taken_out(tmp_path, ours_os):
    """Top down, the list of directories is the caller's to change."""
    folder = Two(tmp_path).sides[0]
    visited = []
    async for here, folders, _ in ours_os.walk(folder):
        visited.append(os.path.basename(here))
        if "dir" in folders:
            folders[:] = ["empty"]
    assert visited == ["left", "empty"]


async def test_walk_tells_what_cannot_be_read(tmp_path, ours_os):
    """onerror gets the OSError; without it the directory is left out."""
    told = []
    steps = [s async for s in ours_os.walk(tmp_path / "no", True, told.append)]
    assert steps == []
    assert [type(error) for error in told] == [FileNotFoundError]
    assert told[0].filename == str(tmp_path / "no")
    assert [s async for s in ours_os.walk(tmp_path / "no")] == []


@pytest.mark.parametrize("topdown", (True, False))
async def test_walk_does_not_follow_what_has_become_a_link(
    tmp_path, ours_os, topdown
):
    """What the body of the loop puts in the place of a directory, or adds."""
    for name in ("inside/a", "inside/b", "outside/secret"):
        os.makedirs(tmp_path / name)
    os.symlink(tmp_path / "outside", tmp_path / "inside" / "link")
    seen = []
    async for here, folders, _ in ours_os.walk(tmp_path / "inside", topdown):
        seen.append(os.path.relpath(here, tmp_path))
        if here.endswith("inside") and topdown:
            os.rmdir(tmp_path / "inside" / "b")
            os.symlink(tmp_path / "outside", tmp_path / "inside" / "b")
            folders[:] = ["link", "b", "a"]
    assert sorted(seen) == sorted(
        ["inside", "inside/a"] if topdown
        else ["inside", "inside/a", "inside/b"]
    )


async def test_walk_of_many_directories_lets_the_loop_run(tmp_path, ours_os):
    """No step takes a time that grows with the square of their number."""
    for n in range(3000):
        os.mkdir(tmp_path / f"{n:04}")
        os.symlink("nowhere", tmp_path / f"dangling{n}")
        os.symlink(f"{n:04}", tmp_path / f"link{n}")
    count = 0
    async for _ in ours_os.walk(tmp_path):
        count += 1
        if count == 20:
            break
    assert count == 20


async def test_walk_can_be_left(tmp_path, ours_os):
    """What was read ahead is dropped without a word."""
    for n in range(20):
        os.makedirs(tmp_path / f"{n}" / "below")
    walk = ours_os.walk(tmp_path)
    async for _ in walk:
        break
    await walk.aclose()
    await turns(10)
