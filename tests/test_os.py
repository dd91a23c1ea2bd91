"""aiofiles_c.os: the functions of os, awaited.

Results, errors, events and what is left on the disk are those of os, over
every route.
"""

import asyncio
import inspect
import os
import sys

import aiofiles.os
import aiofiles_c
import aiofiles_c.os
import pytest

from .support.child import python
from .support.functions import Counting
from .support.outcome import difference
from .support.trees import FORMS, PathOnly, Two

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


async def test_stat_of_times_beyond_64_bits_of_nanoseconds_is_exact(make, aos):
    """From the year 2262 on, where a file system keeps such times."""
    path = make(b"")
    os.utime(path, (10**10, 10**10 + 1))
    got, expected = await aos.stat(path), os.stat(path)
    assert got.st_atime_ns == expected.st_atime_ns
    assert got.st_mtime_ns == expected.st_mtime_ns
    assert got.st_mtime == expected.st_mtime


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


async def test_rename_across_devices_fails_as_in_os(make, aos, elsewhere):
    """EXDEV, with both names."""
    path, other = make(b"x"), os.path.join(elsewhere, "file")
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
    loop = asyncio.get_running_loop()
    with Counting() as executor:
        names = await lib.module.os.listdir(
            tmp_path, loop=loop, executor=executor
        )
        assert names == [] and len(executor.asked) == 1
        assert await lib.module.os.path.exists(tmp_path, executor=executor)
        assert len(executor.asked) == 2
    assert await lib.module.os.listdir(tmp_path, loop=loop) == []
