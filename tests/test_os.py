"""aiofiles_c.os: the functions of os, awaited.

Results, errors, events and what is left on the disk are those of os, over
every route.
"""

import asyncio
import errno
import functools
import gc
import inspect
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import aiofiles.os
import aiofiles_c
import aiofiles_c.os
import pytest

from .support.child import python
from .support.outcome import difference
from .support.trees import FORMS, PathOnly, Two
from .support.waiting import cancelled, eventually, turns, within

LONG = "x" * 300
DEEP = "/".join(["d"] * 3000)

# Name, what it is called with (p makes a path), keywords.
CALLS = [
    ("stat", lambda p: (p("file"),), {}),
    ("stat", lambda p: (p("link"),), {}),
    ("stat", lambda p: (p("link"),), {"follow_symlinks": False}),
    ("stat", lambda p: (p("missing"),), {}),
    ("stat", lambda p: (p("file/below"),), {}),
    ("stat", lambda p: (p("dangling"),), {}),
    ("stat", lambda p: (p("loop"),), {}),
    ("stat", lambda p: (p(LONG),), {}),
    ("stat", lambda p: (p(DEEP),), {}),
    ("stat", lambda p: (p("caf\u00e9"),), {}),
    ("stat", lambda p: (p("nul\0"),), {}),
    ("stat", lambda p: (p("dir"),), {"dir_fd": 999_999}),
    ("statvfs", lambda p: (p("dir"),), {}),
    ("statvfs", lambda p: (p("missing"),), {}),
    ("access", lambda p: (p("file"), os.R_OK), {}),
    ("access", lambda p: (p("file"), os.F_OK), {}),
    ("access", lambda p: (p("file"), os.X_OK), {}),
    ("access", lambda p: (p("missing"), os.F_OK), {}),
    ("access", lambda p: (p("dangling"), os.F_OK), {}),
    ("access", lambda p: (p("dangling"), 0), {"follow_symlinks": False}),
    ("access", lambda p: (p("file"), os.W_OK), {"effective_ids": True}),
    ("access", lambda p: (p("nul\0"), 0), {}),
    ("rename", lambda p: (p("file"), p("moved")), {}),
    ("rename", lambda p: (p("missing"), p("moved")), {}),
    ("rename", lambda p: (p("dir"), p("file")), {}),
    ("rename", lambda p: (p("file"), p("no/where")), {}),
    ("replace", lambda p: (p("file"), p("dir/inner")), {}),
    ("replace", lambda p: (p("empty"), p("dir")), {}),
    ("remove", lambda p: (p("file"),), {}),
    ("remove", lambda p: (p("missing"),), {}),
    ("remove", lambda p: (p("dir"),), {}),
    ("unlink", lambda p: (p("link"),), {}),
    ("unlink", lambda p: (p("nul\0"),), {}),
    ("rmdir", lambda p: (p("empty"),), {}),
    ("rmdir", lambda p: (p("dir"),), {}),
    ("rmdir", lambda p: (p("file"),), {}),
    ("mkdir", lambda p: (p("new"),), {}),
    ("mkdir", lambda p: (p("new"), 0o750), {}),
    ("mkdir", lambda p: (p("dir"),), {}),
    ("mkdir", lambda p: (p("no/where"),), {}),
    ("makedirs", lambda p: (p("a/b/c"),), {}),
    ("makedirs", lambda p: (p("a/b/c/"), 0o700), {}),
    ("makedirs", lambda p: (p("a//b/./c/."),), {}),
    ("makedirs", lambda p: (p("dir"),), {}),
    ("makedirs", lambda p: (p("dir"),), {"exist_ok": True}),
    ("makedirs", lambda p: (p("file"),), {"exist_ok": True}),
    ("makedirs", lambda p: (p("file/a/b"),), {}),
    ("makedirs", lambda p: (p("dangling/a"),), {}),
    ("makedirs", lambda p: (p("loop/a"),), {}),
    ("makedirs", lambda p: (p("a/" + LONG),), {}),
    ("makedirs", lambda p: (p("a"), -1), {}),
    ("removedirs", lambda p: (p("empty"),), {}),
    ("removedirs", lambda p: (p("dir/sub/"),), {}),
    ("removedirs", lambda p: (p("dir"),), {}),
    ("removedirs", lambda p: (p("missing"),), {}),
    ("renames", lambda p: (p("dir/inner"), p("x/y/z")), {}),
    ("renames", lambda p: (p("missing"), p("x/y/z")), {}),
    ("renames", lambda p: (p("file"), p("link/y/z")), {}),
    ("renames", lambda p: (p("missing"), p("n/../q/r")), {}),
    ("link", lambda p: (p("file"), p("hard")), {}),
    ("link", lambda p: (p("file"), p("dir")), {}),
    ("link", lambda p: (p("link"), p("hard")), {}),
    ("link", lambda p: (p("link"), p("hard")), {"follow_symlinks": False}),
    ("link", lambda p: (p("missing"), p("hard")), {}),
    ("symlink", lambda p: ("anything", p("new")), {}),
    ("symlink", lambda p: ("anything", p("file"), False), {}),
    ("readlink", lambda p: (p("link"),), {}),
    ("readlink", lambda p: (p("file"),), {}),
    ("readlink", lambda p: (p("missing"),), {}),
    ("listdir", lambda p: (p(""),), {}),
    ("listdir", lambda p: (p("file"),), {}),
    ("listdir", lambda p: (p("missing"),), {}),
    ("listdir", lambda p: (p("nul\0"),), {}),
    ("scandir", lambda p: (p(""),), {}),
    ("scandir", lambda p: (p("file"),), {}),
    ("sendfile", lambda p: (999_999, 999_998, 0, 1), {}),
]
OURS_ONLY = [
    ("lstat", lambda p: (p("link"),), {}),
    ("lstat", lambda p: (p("missing"),), {}),
    ("fstat", lambda p: (999_999,), {}),
    ("chmod", lambda p: (p("file"), 0o640), {}),
    ("chmod", lambda p: (p("missing"), 0o640), {}),
    ("chmod", lambda p: (p("link"), 0o640), {"follow_symlinks": False}),
    ("chown", lambda p: (p("file"), -1, -1), {}),
    ("chown", lambda p: (p("missing"), -1, -1), {}),
    ("utime", lambda p: (p("file"),), {}),
    ("utime", lambda p: (p("file"), (1.5, 2.5)), {}),
    ("utime", lambda p: (p("file"),), {"ns": (-1, 5)}),
    ("utime", lambda p: (p("missing"),), {"ns": (1, 2)}),
    ("utime", lambda p: (p("file"), (1, 2)), {"ns": (1, 2)}),
    ("truncate", lambda p: (p("file"), 3), {}),
    ("truncate", lambda p: (p("dir"), 3), {}),
    ("truncate", lambda p: (p("file"), -3), {}),
    ("truncate", lambda p: (999_999, 3), {}),
    ("fsync", lambda p: (999_999,), {}),
    ("fdatasync", lambda p: (-1,), {}),
]
BAD = [
    ("stat", (), {}),
    ("stat", (None,), {}),
    ("stat", (1.5,), {}),
    ("stat", ([],), {}),
    ("stat", (10**30,), {}),
    ("stat", (-1,), {}),
    ("stat", (999_999,), {}),
    ("stat", (1,), {"dir_fd": 3}),
    ("stat", (1,), {"follow_symlinks": False}),
    ("stat", ("x",), {"dir_fd": "y"}),
    ("stat", ("\ud800",), {}),
    ("stat", (PathOnly(5),), {}),
    ("access", ("x", "y"), {}),
    ("rename", (1, 2), {}),
    ("rename", ("x", None), {}),
    ("remove", (None,), {}),
    ("mkdir", ("x", "y"), {}),
    ("mkdir", ("x\0",), {}),
    ("makedirs", (None,), {}),
    ("makedirs", ("x\0/y",), {}),
    ("removedirs", (7,), {}),
    ("renames", ("x\0", "y"), {}),
    ("readlink", (3,), {}),
    ("listdir", (1.5,), {}),
    ("listdir", (999_999,), {}),
    ("scandir", (999_999,), {}),
    ("statvfs", (999_999,), {}),
    ("sendfile", ("x", 1, 2, 3), {}),
    ("sendfile", (0, 1, "x", 3), {}),
]


class Functions:
    """The functions of a library, with the executor that it is tested with."""

    def __init__(self, lib):
        self.module = lib.module.os
        self.executor = lib.executor

    def __getattr__(self, name):
        function = getattr(self.module, name)
        if self.executor is None:
            return function
        return functools.partial(function, executor=self.executor)


@pytest.fixture
def aos(lib):
    return Functions(lib)


@pytest.fixture
def ours_os(ours):
    return Functions(ours)


async def agree(tmp_path, functions, table):
    """Each call of the table on a pair of trees of its own."""
    wrong = []
    for number, (name, arguments, kwargs) in enumerate(table):
        for form in FORMS:
            two = Two(tmp_path / f"{number}-{form}")
            expected, got = await two.both(
                getattr(os, name),
                getattr(functions, name),
                lambda path, arguments=arguments, form=form: arguments(
                    lambda name: path(name, FORMS[form])
                ),
                **kwargs,
            )
            told = difference(expected, got)
            if not told and not two.equal():
                told = "the trees differ"
            if told:
                wrong.append(f"{name}, row {number}, {form}: {told}")
    assert not wrong, "\n".join(["", *wrong])


async def test_function_does_what_that_of_os_does(tmp_path, aos):
    """The result or the error, and what is on the disk, for each call."""
    await agree(tmp_path, aos, CALLS)


async def test_addition_does_what_the_function_of_os_does(tmp_path, ours_os):
    """The same for the functions that aiofiles has not."""
    await agree(tmp_path, ours_os, OURS_ONLY)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
async def test_bad_arguments_raise_what_os_raises(tmp_path, aos, monkeypatch):
    """In the words of the running Python, and without a trace on the disk."""
    monkeypatch.chdir(tmp_path)
    wrong = []
    for name, args, kwargs in BAD:
        with pytest.raises(Exception) as caught:
            getattr(os, name)(*args, **kwargs)
        expected = caught.value
        with pytest.raises(type(expected)) as caught:
            await getattr(aos, name)(*args, **kwargs)
        ours = caught.value
        if args and (str(ours), getattr(ours, "filename", None)) != (
            str(expected), getattr(expected, "filename", None)
        ):
            wrong.append((name, args, kwargs, expected, ours))
    assert not wrong
    assert os.listdir(tmp_path) == []


async def test_stat_has_every_field_of_os_stat(make, aos):
    """All fields, those of the tuple and those behind it, of any file."""
    path = make(b"x" * 5000)
    os.utime(path, ns=(1_700_000_000_123_456_789, -5_123_456_789))
    for name in (path, path.parent, "/dev/null", "/proc/self/status", "/"):
        expected, got = os.stat(name), await aos.stat(name)
        assert type(got) is os.stat_result
        fields = [f for f in dir(expected) if f.startswith("st_")]
        if name == "/proc/self/status":
            fields = ["st_mode", "st_dev", "st_size"]
        for field in fields:
            if field.startswith("st_atime"):
                continue
            want, have = getattr(expected, field), getattr(got, field)
            assert (type(want), want) == (type(have), have), (name, field)
    assert tuple(await aos.stat(path)) == tuple(os.stat(path))
    assert repr(await aos.stat(path)) == repr(os.stat(path))


async def test_stat_of_many_times_is_exact(make, aos):
    """Seconds as a float are computed as os computes them."""
    path = make(b"")
    for n in range(200):
        os.utime(path, ns=(n * 7_919_000_000_003, n * 15_485_863_000_000_019))
        got, expected = await aos.stat(path), os.stat(path)
        assert got.st_mtime == expected.st_mtime
        assert got.st_mtime_ns == expected.st_mtime_ns
        assert got.st_atime == expected.st_atime


async def test_statvfs_has_every_field(tmp_path, aos):
    """The numbers of blocks may change meanwhile; the others may not."""
    expected, got = os.statvfs(tmp_path), await aos.statvfs(tmp_path)
    assert type(got) is os.statvfs_result
    for field in ("f_bsize", "f_frsize", "f_blocks", "f_files", "f_flag",
                  "f_namemax", "f_fsid"):
        assert getattr(got, field) == getattr(expected, field), field


async def test_descriptor_is_taken_where_os_takes_one(make, aos):
    """stat, statvfs, listdir and scandir know descriptors."""
    path = make(b"12345")
    with open(path, "rb") as file:
        assert (await aos.stat(file.fileno())).st_size == 5
        assert (await aos.statvfs(file.fileno())).f_namemax > 0
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        for _ in range(2):  # the offset of the descriptor is put back
            assert await aos.listdir(folder) == ["file"]
        with await aos.scandir(folder) as entries:
            (entry,) = entries
        assert (entry.name, entry.path) == ("file", "file")
        assert entry.stat().st_size == 5
        assert entry.is_file() and not entry.is_dir()
    finally:
        os.close(folder)


async def test_dir_fd_is_where_a_path_starts(tmp_path, aos):
    """Each function that has dir_fd uses it, and only for relative paths."""
    (tmp_path / "in").mkdir()
    folder = os.open(tmp_path / "in", os.O_RDONLY)
    try:
        await aos.mkdir("a", dir_fd=folder)
        await aos.symlink("a", "b", dir_fd=folder)
        assert await aos.readlink("b", dir_fd=folder) == "a"
        await aos.rename("b", "c", src_dir_fd=folder, dst_dir_fd=folder)
        (tmp_path / "in" / "f").write_bytes(b"123")
        await aos.link("f", "g", src_dir_fd=folder, dst_dir_fd=folder)
        assert (await aos.stat("g", dir_fd=folder)).st_nlink == 2
        assert await aos.access("g", os.F_OK, dir_fd=folder)
        assert not await aos.access("z", os.F_OK, dir_fd=folder)
        await aos.replace(
            tmp_path / "in" / "g", "h", dst_dir_fd=folder
        )
        await aos.remove("h", dir_fd=folder)
        await aos.unlink("f", dir_fd=folder)
        await aos.rmdir("a", dir_fd=folder)
    finally:
        os.close(folder)
    assert os.listdir(tmp_path / "in") == ["c"]


async def test_descriptor_of_a_file_is_named_where_os_names_it(path, aos):
    """listdir() and scandir() of what is no directory."""
    path.touch()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        for number in (descriptor, 999_999):
            for name in ("listdir", "scandir"):
                with pytest.raises(OSError) as expected:
                    getattr(os, name)(number)
                with pytest.raises(OSError) as caught:
                    await getattr(aos, name)(number)
                assert caught.value.errno == expected.value.errno
                assert caught.value.filename == expected.value.filename
    finally:
        os.close(descriptor)


def test_access_asks_for_the_real_user(tmp_path):
    """As access(2) does, whatever the effective one may do."""
    if os.geteuid() != 0:
        pytest.skip("to change the user takes root")
    done = python(
        """
        import asyncio, os
        import aiofiles_c.os as aos
        os.mkdir("closed", 0o700)
        open("closed/file", "w").close()
        async def main():
            await aos.stat("closed/file")
            os.setresuid(65534, 0, 0)
            return os.access("closed/file", 0), await aos.access(
                "closed/file", 0), await aos.access(
                "closed/file", 0, effective_ids=True)
        print(asyncio.run(main()))
        """,
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "(False, False, True)"


async def test_rename_across_devices_fails_as_in_os(make, aos):
    """EXDEV, with both names."""
    path, other = make(b"x"), f"/dev/shm/aiofiles_c-{os.getpid()}"
    if not os.path.isdir("/dev/shm") or (
        os.stat("/dev/shm").st_dev == os.stat(path).st_dev
    ):
        pytest.skip("there is no second file system")
    with pytest.raises(OSError) as expected:
        os.rename(path, other)
    with pytest.raises(OSError) as got:
        await aos.rename(path, other)
    assert str(got.value) == str(expected.value)
    assert got.value.filename2 == other


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0,
    reason="only root can become somebody who may not",
)
def test_permission_denied_is_told_as_in_os(tmp_path):
    """By another user, for each function that needs a permission."""
    done = python(
        """
        import asyncio, os, sys
        import aiofiles_c, aiofiles_c.os as aos
        shut, inner = "shut", "shut/file"  # where we are needs no permission
        os.mkdir(shut)
        open(inner, "w").close()
        os.chmod(shut, 0o700)
        calls = [("stat", inner), ("remove", inner), ("listdir", shut),
                 ("scandir", shut), ("rename", inner, inner + "2"),
                 ("mkdir", inner + "d"), ("makedirs", inner + "d/e"),
                 ("rmdir", inner), ("statvfs", inner), ("readlink", inner),
                 ("symlink", "x", inner + "s"), ("link", inner, inner + "l"),
                 ("removedirs", inner), ("renames", inner, inner + "2/3")]
        async def main():
            await aos.stat("/")
            await aos.listdir("/")
            await aos.scandir("/")
            os.setuid(65534)
            for name, *args in calls:
                told = []
                for awaits, module in ((False, os), (True, aos)):
                    try:
                        got = getattr(module, name)(*args)
                        if awaits:
                            await got
                        told.append("no error")
                    except OSError as error:
                        told.append((type(error), str(error)))
                assert told[0] == told[1], (name, told)
                assert told[0][0] is PermissionError, (name, told)
            assert await aos.access(inner, os.F_OK) is False
            assert await aos.path.exists(inner) is False
            assert await aos.path.ismount(inner) is False
        asyncio.run(main())
        print("good")
        """,
        cwd=tmp_path,
    )
    assert done.stdout.split() == ["good"]


# ---- directories ----


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


# ---- what kind of functions they are ----

NAMES = sorted(
    {name for name, *_ in CALLS + OURS_ONLY} | {"getcwd"}
)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_coroutine_function_with_the_signature_of_os(name):
    """Frameworks ask for the one, and tools for the other."""
    function = getattr(aiofiles_c.os, name)
    assert inspect.iscoroutinefunction(function)
    if sys.version_info < (3, 14):
        assert asyncio.iscoroutinefunction(function)
    assert function.__name__ == name and function.__doc__
    assert name in aiofiles_c.os.__all__
    ours = [
        (p.name, p.kind, p.default)
        for p in inspect.signature(function).parameters.values()
    ]
    assert [row[0] for row in ours[-2:]] == ["loop", "executor"]
    try:
        real = inspect.signature(getattr(os, name))
    except ValueError:
        return  # that of utime cannot be told
    expected = [(p.name, p.kind, p.default) for p in real.parameters.values()]
    assert ours[:-2] == expected


def test_all_of_aiofiles_is_there():
    """Whoever changes the import finds every name."""
    assert set(aiofiles.os.__all__) <= set(aiofiles_c.os.__all__)
    for name in aiofiles_c.os.__all__:
        assert hasattr(aiofiles_c.os, name)


async def test_wrap_makes_a_coroutine_function(lib):
    """The helper stays, for functions of one's own."""

    def add(a, b=1):
        """Add."""
        return a + b

    wrapped = lib.module.os.wrap(add)
    assert wrapped.__doc__ == "Add."
    assert await wrapped(1, b=5) == 6


async def test_executor_and_loop_are_used(tmp_path, lib):
    """The call goes to the executor that is given."""
    asked = []

    class Counting(ThreadPoolExecutor):
        def submit(self, function, /, *args, **kwargs):
            asked.append(function)
            return super().submit(function, *args, **kwargs)

    loop = asyncio.get_running_loop()
    with Counting(1) as executor:
        names = await lib.module.os.listdir(
            tmp_path, loop=loop, executor=executor
        )
        assert names == [] and len(asked) == 1
        assert await lib.module.os.path.exists(tmp_path, executor=executor)
        assert len(asked) == 2
    assert await lib.module.os.listdir(tmp_path, loop=loop) == []


# ---- events ----

EVENTS = [
    ("remove", ("missing",), {}),
    ("unlink", (PathOnly("missing"),), {}),
    ("rmdir", (b"missing",), {}),
    ("mkdir", ("new", 0o700), {}),
    ("rename", ("missing", "b"), {}),
    ("replace", ("missing", PathOnly("b")), {}),
    ("link", ("missing", "b"), {}),
    ("symlink", ("a", "b"), {}),
    ("listdir", (), {}),
    ("listdir", (".",), {}),
    ("scandir", (), {}),
    ("scandir", (b".",), {}),
    ("stat", (".",), {}),
    ("makedirs", ("p/q/r",), {}),
    ("removedirs", ("p/q/r",), {}),
    ("renames", ("f", "x/y"), {}),
    ("chown", ("f", -1, -1), {}),
    ("truncate", ("missing", 3), {}),
    ("chmod", ("missing", 0o600), {}),
    ("chown", ("missing", 1, 2), {}),
    ("utime", ("missing",), {}),
    ("utime", ("missing",), {"ns": (1, 2)}),
]


def _spelled(rows):
    """The rows as source text."""

    def one(value):
        if isinstance(value, PathOnly):
            return f"PathOnly({value.name!r})"
        if isinstance(value, tuple):
            return "(" + "".join(one(item) + "," for item in value) + ")"
        return repr(value)

    return "[" + ", ".join(one(row) for row in rows) + "]"


def test_auditing_events_are_those_of_os(tmp_path):
    """A hook hears of the same, and can forbid it, whatever the route."""
    done = python(
        """
        import asyncio, os, sys
        import aiofiles_c.os as aos
        class PathOnly:
            def __init__(self, name):
                self.name = name
            def __fspath__(self):
                return self.name
        heard, forbidden = [], False
        def hook(event, args):
            if heard is not None and event.startswith("os."):
                heard.append((event, args))
                if forbidden:
                    raise KeyError("forbidden")
        sys.addaudithook(hook)
        async def main():
            global heard, forbidden
            await aos.stat(".")  # what is imported for it is, now
            for row in eval(sys.argv[1]):
                name, args, kwargs = row
                told = []
                for n, module in enumerate((os, aos)):
                    os.makedirs(f"{name}-{n}", exist_ok=True)
                    os.chdir(f"{name}-{n}")
                    open("f", "w").close()
                    if name == "removedirs":
                        os.makedirs("p/q/r")
                    heard = []
                    try:
                        got = getattr(module, name)(*args, **kwargs)
                        if n == 1:
                            await got
                    except OSError:
                        pass
                    told.append(sorted(heard, key=repr))
                    os.chdir("..")
                assert told[0] == told[1], (row, told)
                if told[0]:
                    forbidden = True
                    try:
                        await getattr(aos, name)(*args, **kwargs)
                    except KeyError:
                        pass
                    else:
                        raise AssertionError(row)
                    forbidden = False
        asyncio.run(main())
        print("good")
        """,
        _spelled(EVENTS),
        cwd=tmp_path,
    )
    assert done.stdout.split() == ["good"], done.stderr


# ---- routes, fairness, cancelling ----


async def test_what_is_cached_is_answered_at_once(make, at_once):
    """After the first touch of a device no thread is asked about names."""
    path = str(make(b"12345"))
    await aiofiles_c.os.stat(path)
    if not aiofiles_c.stats()["kernel"]:
        await aiofiles_c.os.stat(path)
    before = at_once()
    for _ in range(5):
        await aiofiles_c.os.stat(path)
        await aiofiles_c.os.lstat(path)
        await aiofiles_c.os.getcwd()
        await aiofiles_c.os.access(path, os.F_OK)
    after = at_once()
    if after["kernel"] == before["kernel"]:
        pytest.skip("this kernel or file system does not answer at once")
    assert after["kernel"] - before["kernel"] == 20
    assert after["jobs"] == before["jobs"]


def test_inline_off_sends_all_to_the_pool(tmp_path):
    """AIOFILES_C_INLINE=0: every call is one job."""
    done = python(
        """
        import asyncio, aiofiles_c, aiofiles_c.os as aos
        async def main():
            await aos.stat("/")  # a mount that was not met may take two
            for name, args in (("stat", ("/",)), ("getcwd", ()),
                               ("listdir", ("/",)), ("access", ("/", 0))):
                before = aiofiles_c.stats()
                await getattr(aos, name)(*args)
                after = aiofiles_c.stats()
                if after["native"]:
                    assert after["pool"] == before["pool"] + 1, name
                    assert after["jobs"] == before["jobs"] + 1, name
                    assert after["kernel"] == before["kernel"], name
        asyncio.run(main())
        print("good")
        """,
        cwd=tmp_path,
        AIOFILES_C_INLINE="0",
    )
    assert done.stdout.split() == ["good"]


@pytest.mark.parametrize(
    "name, args",
    (
        ("makedirs", ("a/b/c/d",)),
        ("removedirs", ("a/b/c/d",)),
        ("renames", ("f", "x/y/z")),
        ("listdir", (".",)),
        ("scandir", (".",)),
    ),
)
async def test_each_call_is_one_trip(
    tmp_path, native, monkeypatch, name, args
):
    """However many system calls it takes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").write_bytes(b"")
    if name == "removedirs":
        os.makedirs("a/b/c/d")
    before = native()
    await getattr(aiofiles_c.os, name)(*args)
    after = native()
    assert after["jobs"] == before["jobs"] + 1
    assert after["pool"] == before["pool"] + 1
    assert after["delegate"] == before["delegate"]


async def test_many_calls_at_once_let_the_loop_run(make, at_once):
    """A loop of calls that never wait gives way to others now and then."""
    path = make(b"")
    turns_taken = 0

    async def others():
        nonlocal turns_taken
        while True:
            await asyncio.sleep(0)
            turns_taken += 1

    task = asyncio.ensure_future(others())
    await turns()
    before = turns_taken
    for _ in range(5_000):
        await aiofiles_c.os.path.exists(path)
    assert turns_taken - before >= 5
    await cancelled(task)


async def test_cancelled_in_the_queue_is_taken_back(tmp_path, gate, native):
    """A call that no worker has yet is not made."""
    async with gate.shut():
        task = asyncio.ensure_future(aiofiles_c.os.mkdir(tmp_path / "new"))
        await gate.queued(1)
        await cancelled(task)
        assert native()["queued"] == 0
    await aiofiles_c.os.listdir(tmp_path)
    assert not (tmp_path / "new").exists()


def test_fork_child_has_working_functions(tmp_path, native):
    """With a trip under way in the parent as well."""
    done = python(
        """
        import asyncio, os, sys, warnings
        import aiofiles_c, aiofiles_c.os as aos
        warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
        async def use(folder):
            await aos.makedirs(folder + "/b/c")
            assert await aos.listdir(folder) == ["b"]
            await aos.removedirs(folder + "/b/c")
        async def main():
            os.mkfifo("fifo")
            aiofiles_c.set_threads(1)
            held = asyncio.ensure_future(aiofiles_c.open("fifo", "rb").
                                         __aenter__())
            while aiofiles_c.stats()["running"] < 1:
                await asyncio.sleep(0.001)
            late = asyncio.ensure_future(aos.mkdir("late"))
            await asyncio.sleep(0)
            pid = os.fork()
            if pid == 0:
                asyncio.events._set_running_loop(None)
                try:
                    asyncio.run(asyncio.wait_for(use("child"), 20))
                    os._exit(0)
                except BaseException:
                    import traceback
                    traceback.print_exc()
                    os._exit(1)
            assert os.waitpid(pid, 0)[1] == 0
            fd = os.open("fifo", os.O_RDWR | os.O_NONBLOCK)
            file = await held
            os.close(fd)
            await file.close()
            await late
            assert os.path.isdir("late")
            await use("parent")
        asyncio.run(main())
        print("good")
        """,
        cwd=tmp_path,
    )
    assert done.stdout.split() == ["good"], done.stderr


def test_loop_closed_with_a_call_under_way(tmp_path):
    """The job's end finds nobody, and the next loop works."""
    done = python(
        """
        import asyncio, gc, os, socket
        import aiofiles_c, aiofiles_c.os as aos
        async def leave(out, source):
            asyncio.ensure_future(
                aos.sendfile(out.fileno(), source.fileno(), 0, 1 << 24))
            await asyncio.sleep(0.05)
        async def use():
            assert await aos.listdir(".") == ["data"]
        with open("data", "wb") as file:
            file.truncate(1 << 24)
        for _ in range(3):
            ours, other = socket.socketpair()
            loop = asyncio.new_event_loop()
            with open("data", "rb") as source:
                loop.run_until_complete(leave(ours, source))
                tasks = asyncio.all_tasks(loop)
                for task in tasks:
                    task.cancel()
                loop.run_until_complete(asyncio.wait(tasks))
                loop.close()
                asyncio.run(use())
                other.close()
                ours.close()
            gc.collect()
            asyncio.run(use())
        print("good")
        """,
        cwd=tmp_path,
    )
    assert done.stdout.split()[-1:] == ["good"], done.stderr


# ---- sendfile ----


@pytest.mark.skipif(
    sys.platform != "linux", reason="it has other parameters elsewhere"
)
async def test_sendfile_copies_from_an_offset(make, path, aos):
    """Between files, with an offset and with that of the descriptor."""
    source = make(b"0123456789")
    target = path.with_name("target")
    with open(source, "rb") as a, open(target, "wb") as b:
        assert await aos.sendfile(b.fileno(), a.fileno(), 4, 3) == 3
        assert a.tell() == 0
        assert await aos.sendfile(b.fileno(), a.fileno(), None, 2) == 2
        assert await aos.sendfile(b.fileno(), a.fileno(), None, 99) == 8
        assert await aos.sendfile(b.fileno(), a.fileno(), None, 99) == 0
    assert target.read_bytes() == b"456" + b"01" + b"23456789"


@pytest.mark.skipif(
    sys.platform != "linux", reason="it has other parameters elsewhere"
)
async def test_sendfile_waits_for_a_socket_that_is_full(make, ours_os):
    """By the loop, without a thread, until there is room again."""
    size = 4 << 20
    source = make(os.urandom(size))
    ours, other = socket.socketpair()
    ours.setblocking(False)
    other.setblocking(False)
    loop = asyncio.get_running_loop()
    received = bytearray()

    async def drain():
        await asyncio.sleep(0.05)
        while data := await loop.sock_recv(other, 1 << 16):
            received.extend(data)

    try:
        task = asyncio.ensure_future(drain())
        with open(source, "rb") as file:
            done = 0
            while done < size:
                done += await within(
                    ours_os.sendfile(
                        ours.fileno(), file.fileno(), done, size - done
                    )
                )
        ours.shutdown(socket.SHUT_WR)
        await within(task)
    finally:
        ours.close()
        other.close()
    assert bytes(received) == source.read_bytes()


@pytest.mark.skipif(
    sys.platform != "linux", reason="it has other parameters elsewhere"
)
async def test_sendfile_to_a_socket_closed_meanwhile_hits_no_other_file(
    make, ours_os
):
    """The number may stand for another file by the time there is room."""
    source = make(b"x" * (1 << 20))
    victim = source.with_name("victim")
    ours, other = socket.socketpair()
    ours.setblocking(False)
    other.setblocking(False)
    number = ours.fileno()

    def held(number):
        """How many descriptors there are of the same."""
        what = os.readlink(f"/proc/self/fd/{number}")
        links = (f"/proc/self/fd/{n}" for n in os.listdir("/proc/self/fd"))
        return sum(os.path.islink(n) and os.readlink(n) == what for n in links)

    try:
        with open(source, "rb") as file:
            with pytest.raises(BlockingIOError):
                while True:
                    os.sendfile(number, file.fileno(), 0, 1 << 20)
            task = asyncio.ensure_future(
                ours_os.sendfile(number, file.fileno(), 0, 1 << 20)
            )
            await eventually(lambda: held(number) == 2, "it waits")
            ours.close()
            reused = os.open(victim, os.O_WRONLY | os.O_CREAT)
            assert reused == number
            try:
                with pytest.raises(BlockingIOError):
                    while True:
                        other.recv(1 << 20)
                with pytest.raises(OSError) as caught:
                    await within(task)
            finally:
                os.close(reused)
            assert caught.value.errno == errno.EBADF
    finally:
        ours.close()
        other.close()
    assert victim.read_bytes() == b""


@pytest.mark.skipif(
    sys.platform != "linux", reason="it has other parameters elsewhere"
)
async def test_sendfile_cancelled_while_it_waits_lets_go(make, ours_os):
    """The socket is not watched any more, and no descriptor is left."""
    source = make(b"x" * (1 << 20))
    ours, other = socket.socketpair()
    ours.setblocking(False)
    try:
        with open(source, "rb") as file:
            done = 0
            while True:
                task = asyncio.ensure_future(
                    ours_os.sendfile(ours.fileno(), file.fileno(), 0, 1 << 20)
                )
                try:
                    done += await asyncio.wait_for(asyncio.shield(task), 0.2)
                except asyncio.TimeoutError:
                    break
            await cancelled(task)
            assert done > 0
    finally:
        ours.close()
        other.close()
    await eventually(lambda: True, "the loop turns")
