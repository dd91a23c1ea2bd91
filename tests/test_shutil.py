"""aiofiles_c.shutil: the functions of shutil, awaited.

Results, errors and what is left on the disk are those of shutil, over every
route; a copy that is no longer wanted ends soon, and leaves nothing open.
"""

import asyncio
import functools
import inspect
import os
import shutil
import stat
import subprocess
import sys
import threading
import warnings
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import aiofiles_c
import aiofiles_c.shutil
import pytest

from .conftest import open_descriptors, without_port
from .support.child import python
from .support.outcome import difference, outcome_of, outcome_of_await
from .support.trees import FORMS as PLAIN_FORMS, PathOnly, Two, plant, seen
from .support.waiting import cancelled, eventually, turns, within

MIB = 1 << 20
LARGE = 40 * MIB
LONG = "x" * 300
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
NAMES = ("copyfile", "copy", "copy2", "copytree", "move", "rmtree")
COPIES = ("copyfile", "copy", "copy2")


class Spelled(PathOnly):
    """A PathLike that shows in a message as its name does."""

    def __str__(self):
        return self.name

    def __repr__(self):
        return repr(self.name)


FORMS = {**PLAIN_FORMS, "PathLike": Spelled}


def named(value):
    """A path that can be compared."""
    return os.fspath(value) if isinstance(value, Spelled) else value


def fifo(path):
    os.mkfifo(path)
    return path


# What it is called with (p makes a path), keywords; for each that copies.
COPY_CALLS = [
    (lambda p: (p("file"), p("new")), {}),
    (lambda p: (p("file"), p("caf\u00e9")), {}),
    (lambda p: (p("caf\u00e9"), p("dir/inner")), {}),
    (lambda p: (p("dir/inner"), p("file")), {}),
    (lambda p: (p("missing"), p("new")), {}),
    (lambda p: (p("missing"), p("file")), {}),
    (lambda p: (p("file"), p("no/where")), {}),
    (lambda p: (p("file"), p("no/")), {}),
    (lambda p: (p("file"), p("file/below")), {}),
    (lambda p: (p("file"), p("dir")), {}),
    (lambda p: (p("file"), p("dirlink")), {}),
    (lambda p: (p("dir"), p("new")), {}),
    (lambda p: (p("dir"), p("file")), {}),
    (lambda p: (p("file"), p("file")), {}),
    (lambda p: (p("link"), p("file")), {}),
    (lambda p: (p("file"), p("link")), {}),
    (lambda p: (p("file"), p("dir/../file")), {}),
    (lambda p: (p("dir"), p("dir")), {}),
    (lambda p: (p("link"), p("new")), {}),
    (lambda p: (p("link"), p("new")), {"follow_symlinks": False}),
    (lambda p: (p("link"), p("caf\u00e9")), {"follow_symlinks": False}),
    (lambda p: (p("file"), p("new")), {"follow_symlinks": False}),
    (lambda p: (p("dangling"), p("new")), {}),
    (lambda p: (p("dangling"), p("new")), {"follow_symlinks": False}),
    (lambda p: (p("file"), p("dangling")), {}),
    (lambda p: (p("file"), p("loop")), {}),
    (lambda p: (p("loop"), p("new")), {}),
    (lambda p: (p(LONG), p("new")), {}),
    (lambda p: (p("file"), p(LONG)), {}),
    (lambda p: (p("nul\0"), p("new")), {}),
    (lambda p: (p("file"), p("nul\0")), {}),
    (lambda p: (fifo(p("pipe")), p("new")), {}),
    (lambda p: (fifo(p("pipe")), p("file")), {}),
    (lambda p: (p("file"), fifo(p("pipe"))), {}),
    (lambda p: (p("/dev/null"), p("new")), {}),
    (lambda p: (p("/proc/version"), p("new")), {}),
    (lambda p: (p("file"), p("new")), {"follow_symlinks": 0}),
    (lambda p: (p("file"), p("new")), {"nonsense": 1}),
    (lambda p: (p("file"), None), {}),
    (lambda p: (1.5, p("new")), {}),
]
OTHER_CALLS = [
    ("move", lambda p: (p("file"), p("new")), {}),
    ("move", lambda p: (p("file"), p("dir")), {}),
    ("move", lambda p: (p("dir"), p("empty")), {}),
    ("move", lambda p: (p("dir"), p("dir/sub")), {}),
    ("move", lambda p: (p("dir"), p("dir")), {}),
    ("move", lambda p: (p("link"), p("new")), {}),
    ("move", lambda p: (p("missing"), p("new")), {}),
    ("move", lambda p: (p("file"), p("no/where")), {}),
    ("rmtree", lambda p: (p("dir"),), {}),
    ("rmtree", lambda p: (p("empty"),), {}),
    ("rmtree", lambda p: (p("missing"),), {}),
    ("rmtree", lambda p: (p("missing"), True), {}),
    ("rmtree", lambda p: (p("file"),), {}),
    ("rmtree", lambda p: (p("file"),), {"ignore_errors": True}),
    ("rmtree", lambda p: (p("dirlink"),), {}),
    ("rmtree", lambda p: (p("dangling"),), {}),
    ("rmtree", lambda p: (p("nul\0"),), {}),
    ("rmtree", lambda p: (p("dir"),), {"dir_fd": 999_999}),
    ("rmtree", lambda p: (p("dir"),), {"nonsense": 1}),
    ("copytree", lambda p: (p("dir"), p("new")), {}),
    ("copytree", lambda p: (p("dir"), p("new/deep/er")), {}),
    ("copytree", lambda p: (p("dir"), p("empty")), {}),
    ("copytree", lambda p: (p("dir"), p("empty")), {"dirs_exist_ok": True}),
    ("copytree", lambda p: (p("missing"), p("new")), {}),
    ("copytree", lambda p: (p("file"), p("new")), {}),
    ("copytree", lambda p: (p("dir"), p("file")), {}),
]


class Functions:
    """The functions under test, with the executor that goes with them."""

    def __init__(self, lib):
        self.executor = lib.executor
        self.native = lib.native

    def __getattr__(self, name):
        function = getattr(aiofiles_c.shutil, name)
        if self.executor is None:
            return function
        return functools.partial(function, executor=self.executor)


@pytest.fixture
def ash(ours):
    return Functions(ours)


@pytest.fixture
def big(tmp_path):
    """A large file that takes no room, and what it is copied to."""
    source = tmp_path / "big"
    with open(source, "wb") as file:
        file.truncate(256 * MIB)
    return source, tmp_path / "copy"


@pytest.fixture
def large(big):
    """The same, not too large to be copied whole."""
    os.truncate(big[0], LARGE)
    return big


def left_open(before):
    """The descriptors that were not there before, but for a loop's port."""
    after = open_descriptors()
    return without_port({fd: after[fd] for fd in after.keys() - before.keys()})


def contents(folder):
    """The bytes of the files of a tree, by name."""
    found = {}
    for here, _, names in os.walk(folder):
        for name in names:
            whole = os.path.join(here, name)
            if os.path.isfile(whole):
                with open(whole, "rb") as file:
                    found[os.path.relpath(whole, folder)] = file.read()
    return found


async def agree(tmp_path, functions, table):
    """Each call of the table on a pair of trees of its own."""
    wrong = []
    for number, (name, arguments, kwargs) in enumerate(table):
        for form in FORMS:
            two = Two(tmp_path / f"{name}-{number}-{form}")

            def real(*args, name=name, **kwargs):
                return named(getattr(shutil, name)(*args, **kwargs))

            async def ours(*args, name=name, **kwargs):
                return named(await getattr(functions, name)(*args, **kwargs))

            expected, got = await two.both(
                real,
                ours,
                lambda path, arguments=arguments, form=form: arguments(
                    lambda name: path(name, FORMS[form])
                ),
                **kwargs,
            )
            told = difference(expected, got)
            if "nonsense" in kwargs:
                told = "" if expected.value.type is got.value.type else told
            if not told and not two.equal():
                told = "the trees differ"
            if not told and contents(two.sides[0]) != contents(two.sides[1]):
                told = "the contents differ"
            if told:
                wrong.append(f"{name}, row {number}, {form}: {told}")
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.parametrize("name", COPIES)
async def test_copy_does_what_that_of_shutil_does(tmp_path, ash, name):
    """The result or the error, and what is on the disk."""
    await agree(tmp_path, ash, [(name, *row) for row in COPY_CALLS])


async def test_function_does_what_that_of_shutil_does(tmp_path, ash):
    """The same for those that move, remove and copy trees."""
    await agree(tmp_path, ash, OTHER_CALLS)


async def test_descriptors_and_entries_are_taken_where_shutil_does(
    tmp_path, ash
):
    """An open descriptor as the source is closed by the copy, as there."""
    folder = plant(tmp_path)
    copy = os.path.join(folder, "new")
    fd = os.open(os.path.join(folder, "file"), os.O_RDONLY)
    await ash.copyfile(fd, copy)
    with pytest.raises(OSError):
        os.fstat(fd)
    with open(copy, "rb") as file:
        assert file.read() == b"12345"
    with os.scandir(folder) as entries:
        entry = next(e for e in entries if e.name == "caf\u00e9")
    await ash.copy2(entry, copy)
    assert os.stat(copy).st_mtime_ns == 10**18 + 13


@pytest.mark.parametrize("size", (0, 1, MIB - 1, 4 * MIB + 1, 20 * MIB + 7))
async def test_every_byte_is_copied(tmp_path, ash, size):
    """Of any size, over a longer file as well."""
    source, target = tmp_path / "source", tmp_path / "target"
    data = os.urandom(size)
    source.write_bytes(data)
    for _ in range(2):
        assert await ash.copyfile(source, target) is target
        assert target.read_bytes() == data
        with open(target, "ab") as file:
            file.write(b"more")


async def test_file_that_grows_is_copied_to_its_end(large, ash):
    """Bytes that come while it is copied are copied too."""
    source, target = large
    grown = []

    def progress(done, total):
        if not grown:
            with open(source, "ab") as file:
                file.write(b"the end")
            grown.append(done)
        assert done <= total

    await ash.copyfile(source, target, progress=progress)
    assert grown and target.stat().st_size == source.stat().st_size
    with open(target, "rb") as file:
        file.seek(-7, os.SEEK_END)
        assert file.read() == b"the end"


async def test_copy_takes_permissions_and_copy2_the_times(tmp_path, ash):
    """And extended attributes, where there are any."""
    source = tmp_path / "source"
    source.write_bytes(b"x")
    source.chmod(0o741)
    os.utime(source, ns=(10**18 + 7, 10**18 + 13))
    try:
        os.setxattr(source, "user.kind", b"tested")
        attributes = ["user.kind"]
    except (AttributeError, OSError):
        attributes = []
    for name in ("copy", "copy2"):
        copy = await getattr(ash, name)(source, tmp_path / name)
        assert stat.S_IMODE(copy.stat().st_mode) == 0o741
    assert (tmp_path / "copy").stat().st_mtime_ns > 10**18 + 13
    assert (tmp_path / "copy2").stat().st_mtime_ns == 10**18 + 13
    if attributes:
        assert os.listxattr(tmp_path / "copy2") == attributes


async def test_fifo_keeps_its_writer(tmp_path, ash):
    """Nothing opens a FIFO to learn that it is one."""
    path = fifo(tmp_path / "pipe")
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    os.close(reader)
    try:
        with pytest.raises(shutil.SpecialFileError):
            await ash.copyfile(path, tmp_path / "new")
        with pytest.raises(shutil.SpecialFileError):
            await ash.copyfile(__file__, path)
        with pytest.raises(BrokenPipeError):  # nobody has read since
            os.write(writer, b"x")
    finally:
        os.close(writer)


async def test_same_file_is_left_as_it_is(tmp_path, ash):
    """By whatever name: its bytes are still there after the error."""
    path = tmp_path / "file"
    path.write_bytes(b"precious")
    os.link(path, tmp_path / "hard")
    os.symlink("file", tmp_path / "soft")
    for other in ("file", "hard", "soft"):
        with pytest.raises(shutil.SameFileError):
            await ash.copyfile(path, tmp_path / other)
        with pytest.raises(shutil.SameFileError):
            await ash.copyfile(tmp_path / other, path)
    assert path.read_bytes() == b"precious"


# ---- other file systems, other users ----


@pytest.fixture
def elsewhere(tmp_path):
    """A folder on another file system."""
    if not os.path.isdir("/dev/shm") or (
        os.stat("/dev/shm").st_dev == os.stat(tmp_path).st_dev
    ):
        pytest.skip("there is no second file system")
    folder = f"/dev/shm/aiofiles_c-{os.getpid()}"
    os.mkdir(folder)
    yield folder
    shutil.rmtree(folder)


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


# ---- trees ----


def told_of(error, folder):
    """The reasons of a shutil.Error, in an order of their own."""
    return sorted(
        tuple(str(part).replace(folder, "<folder>") for part in reason)
        for reason in error.args[0]
    )


@pytest.mark.parametrize(
    "options",
    (
        {},
        {"symlinks": True},
        {"ignore_dangling_symlinks": True},
        {"ignore": shutil.ignore_patterns("loop", "dang*", "pipe")},
        {"copy_function": "copy"},
        {"copy_function": "copyfile", "symlinks": True},
    ),
)
async def test_copytree_copies_what_that_of_shutil_does(
    tmp_path, ash, options
):
    """Links, patterns, special files: the same tree, and the same errors."""
    results = []
    for n, module in enumerate((shutil, ash)):
        folder = plant(str(tmp_path / str(n)))
        fifo(os.path.join(folder, "pipe"))
        given = dict(options)
        if "copy_function" in given:
            given["copy_function"] = getattr(
                aiofiles_c.shutil if n else shutil, given["copy_function"]
            )
        try:
            copied = module.copytree(folder, folder + "-copy", **given)
            if n == 1:
                copied = await copied
            told = copied == folder + "-copy"
        except shutil.Error as error:
            told = told_of(error, folder)
        copy = folder + "-copy"
        stamps = {
            name: os.stat(os.path.join(copy, name)).st_mtime_ns
            for name in ("file", "caf\u00e9")
        }
        if "copy_function" in given:
            stamps = {}
        results.append((told, seen(copy), contents(copy), stamps))
    assert results[0] == results[1]


async def test_copytree_calls_functions_of_the_user_in_a_thread(
    tmp_path, ash
):
    """They may block there; the coroutine functions of others may not come."""
    folder = plant(tmp_path / "tree")
    os.unlink(os.path.join(folder, "loop"))
    threads = set()

    def ignore(path, names):
        threads.add(threading.get_ident())
        return ["dangling"]

    def copy(source, target):
        threads.add(threading.get_ident())
        return shutil.copy2(source, target)

    async def other(source, target):
        raise AssertionError

    target = tmp_path / "copy"
    assert target == await ash.copytree(
        folder, target, ignore=ignore, copy_function=copy
    )
    assert threading.get_ident() not in threads and threads
    with pytest.raises(TypeError):
        await ash.copytree(folder, tmp_path / "no", copy_function=other)
    assert not (tmp_path / "no").exists()


async def test_rmtree_calls_what_it_is_given(tmp_path, ash):
    """onerror, and onexc where this Python has it, with what failed."""
    has_onexc = "onexc" in inspect.signature(shutil.rmtree).parameters
    missing = str(tmp_path / "missing")
    for keyword in ("onerror", "onexc")[: 1 + has_onexc]:
        told = []
        for module in (shutil, ash):
            heard = []
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                result = module.rmtree(
                    missing,
                    **{keyword: lambda *args, to=heard: to.append(args)},
                )
                if module is ash:
                    await result
            told.append(
                [(f, path, type(error).__name__) for f, path, error in heard]
            )
        assert told[0] == told[1] and told[0]
    if not has_onexc:
        with pytest.raises(TypeError):
            await ash.rmtree(missing, onexc=print)
    assert (
        aiofiles_c.shutil.rmtree.avoids_symlink_attacks
        == shutil.rmtree.avoids_symlink_attacks
    )


@pytest.mark.skipif(
    "dir_fd" not in inspect.signature(shutil.rmtree).parameters,
    reason="this Python's rmtree has no dir_fd",
)
async def test_rmtree_starts_at_a_directory(tmp_path, ash):
    """A relative path is taken from dir_fd."""
    plant(tmp_path / "in")
    fd = os.open(tmp_path / "in", os.O_RDONLY)
    try:
        await ash.rmtree("dir", dir_fd=fd)
    finally:
        os.close(fd)
    assert not (tmp_path / "in" / "dir").exists()


# ---- progress ----


async def test_progress_is_told_on_the_thread_of_the_loop(large, ash):
    """Ever more bytes, at last all of them, while the loop runs."""
    source, target = large
    told, threads = [], set()

    def progress(done, total):
        asyncio.get_running_loop()
        threads.add(threading.get_ident())
        told.append((done, total))

    for name in COPIES:
        told.clear()
        await getattr(ash, name)(source, target, progress=progress)
        assert told[-1] == (LARGE, LARGE) and len(told) > 1
        assert told == sorted(set(told))
        assert {total for _, total in told} == {LARGE}
    assert threads == {threading.get_ident()}


async def test_progress_is_told_of_small_files(tmp_path, ash):
    """Once, of an empty file too; not of a link."""
    for data in (b"", b"12345"):
        told = []
        (tmp_path / "source").write_bytes(data)
        await ash.copyfile(
            tmp_path / "source",
            tmp_path / "target",
            progress=lambda *sizes, to=told: to.append(sizes),
        )
        assert told == [(len(data), len(data))]
    os.symlink("source", tmp_path / "soft")
    await ash.copyfile(
        tmp_path / "soft",
        tmp_path / "soft2",
        follow_symlinks=False,
        progress=pytest.fail,
    )


class Immediate(Executor):
    """Has done what is submitted when submit() returns."""

    def submit(self, function, /, *args, **kwargs):
        future = Future()
        future.set_result(function(*args, **kwargs))
        return future


@pytest.mark.parametrize("executor", (None, Immediate()))
async def test_progress_of_a_tree_ends_with_all_its_bytes(
    tmp_path, ash, executor
):
    """Of all its files together, also when they are copied at once."""
    folder = plant(tmp_path / "tree")
    told = []
    await ash.copytree(
        folder,
        tmp_path / "copy",
        symlinks=True,
        progress=lambda *sizes: told.append(sizes),
        executor=executor,
    )
    assert told[-1] == (6, 6)


async def test_progress_that_raises_ends_the_copy(big, ash):
    """Its exception is the one that the copy raises."""
    source, target = big

    def progress(done, total):
        raise KeyError(done)

    for name in COPIES:
        before = open_descriptors()
        with pytest.raises(KeyError):
            await getattr(ash, name)(source, target, progress=progress)
        await eventually(
            lambda seen=before: not left_open(seen),
            "both files are closed",
        )
        assert target.stat().st_size < source.stat().st_size


# ---- cancelling ----


@pytest.mark.parametrize("name", (*COPIES, "copytree"))
async def test_cancelled_copy_ends_soon_and_leaves_nothing_open(
    tmp_path, big, name, ash
):
    """It is gone at once for its task, and soon for its thread."""
    source, target = big
    if name == "copytree":
        (tmp_path / "tree").mkdir()
        source = source.rename(tmp_path / "tree" / "big").parent
        target = tmp_path / "copy" / "big"
    before = open_descriptors()
    task = asyncio.ensure_future(
        getattr(ash, name)(
            source,
            tmp_path / "copy",
            progress=lambda done, total: task.cancel(),
        )
    )
    await within(asyncio.wait([task]))
    assert task.cancelled()
    await eventually(
        lambda: not left_open(before),
        "both files are closed",
    )
    await eventually(
        lambda: aiofiles_c.stats()["running"] == 0, "no worker has the copy"
    )
    assert 0 < target.stat().st_size < 256 * MIB
    if name != "copytree" and ash.executor is not None:
        # Its threads are free again.
        await within(asyncio.gather(*[
            asyncio.get_running_loop().run_in_executor(ash.executor, int)
            for _ in range(4)
        ]))


async def test_cancelled_move_removes_nothing(tmp_path, ash, elsewhere):
    """What was to be moved is still whole."""
    source = os.path.join(elsewhere, "tree")
    os.mkdir(source)
    with open(os.path.join(source, "big"), "wb") as file:
        file.truncate(256 * MIB)
    task = asyncio.ensure_future(
        ash.move(
            source,
            tmp_path / "moved",
            progress=lambda done, total: task.cancel(),
        )
    )
    before = open_descriptors()
    await within(asyncio.wait([task]))
    assert task.cancelled()
    await eventually(
        lambda: not left_open(before),
        "both files are closed",
    )
    assert os.path.getsize(os.path.join(source, "big")) == 256 * MIB


async def test_copy_cancelled_in_the_queue_is_not_begun(
    tmp_path, gate, native
):
    """No file is made."""
    (tmp_path / "source").write_bytes(b"x")
    async with gate.shut():
        task = asyncio.ensure_future(
            aiofiles_c.shutil.copyfile(
                tmp_path / "source", tmp_path / "target"
            )
        )
        await gate.queued(1)
        await cancelled(task)
        assert native()["queued"] == 0
    assert not (tmp_path / "target").exists()


async def test_copy_cancelled_between_two_runs_is_closed(big, gate, native):
    """The next run waits in the queue when its task goes: it only closes."""
    source, target = big
    before = open_descriptors()
    reached = asyncio.Event()
    holding = []

    def progress(done, total):
        if not holding:
            # The one worker there is has the next run; then another job.
            holding.append(gate.fifo())
            reached.set()

    most = native()["max_threads"]
    aiofiles_c.set_threads(1)
    try:
        task = asyncio.ensure_future(
            aiofiles_c.shutil.copyfile(source, target, progress=progress)
        )
        await within(reached.wait())
        opening = asyncio.ensure_future(
            aiofiles_c.open(holding[0], "rb", buffering=0).__aenter__()
        )
        await eventually(
            lambda: native()["running"] == 1 and native()["queued"] == 1
            and os.path.exists(holding[0]),
            "the copy waits behind another job, or the other way about",
        )
        await cancelled(task)
        other = os.open(holding[0], os.O_RDWR | os.O_NONBLOCK)
        try:
            file = await within(opening)
        finally:
            os.close(other)
        await file.close()
        await eventually(
            lambda: not left_open(before),
            "both files are closed",
        )
    finally:
        aiofiles_c.set_threads(most)
    assert target.stat().st_size < source.stat().st_size


def test_loop_that_goes_leaves_no_copy_open(tmp_path):
    """The run under way finds nobody at its end, and the next loop works."""
    done = python(
        """
        import asyncio, gc, os, time
        import aiofiles_c, aiofiles_c.shutil as ash
        def opened():
            found = []
            for fd in os.listdir("/proc/self/fd"):
                try:
                    found.append(os.readlink("/proc/self/fd/" + fd))
                except OSError:
                    pass
            return [name for name in found if "/big" in name or
                    "/copy" in name]
        async def leave():
            began = asyncio.Event()
            task = asyncio.ensure_future(ash.copyfile(
                "big", "copy", progress=lambda *sizes: began.set()))
            await began.wait()
            return task
        async def use():
            deadline = time.monotonic() + 20
            while opened():
                assert time.monotonic() < deadline, opened()
                await aiofiles_c.os.listdir(".")
        with open("big", "wb") as file:
            file.truncate(256 << 20)
        for _ in range(3):
            loop = asyncio.new_event_loop()
            task = loop.run_until_complete(leave())
            task.cancel()
            loop.run_until_complete(asyncio.wait([task]))
            loop.close()
            del task, loop
            gc.collect()
            asyncio.run(use())
        print("good")
        """,
        cwd=tmp_path,
    )
    assert done.stdout.split()[-1:] == ["good"], done.stderr


def test_fork_while_copying_leaves_the_copy_to_the_parent(tmp_path):
    """The child copies with a pool of its own; the parent's copy is whole."""
    done = python(
        """
        import asyncio, os, warnings
        import aiofiles_c, aiofiles_c.shutil as ash
        warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
        async def use(name):
            await ash.copyfile("small", name)
            assert open(name, "rb").read() == b"12345"
        async def main():
            began = asyncio.Event()
            copying = asyncio.ensure_future(ash.copyfile(
                "big", "copy", progress=lambda *sizes: began.set()))
            await began.wait()
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
            await copying
            assert os.path.getsize("copy") == 64 << 20
            await use("parent")
        open("small", "wb").write(b"12345")
        with open("big", "wb") as file:
            file.truncate(64 << 20)
        asyncio.run(main())
        print("good")
        """,
        cwd=tmp_path,
        flags=("-W", "ignore::ResourceWarning"),
    )
    assert done.stdout.split()[-1:] == ["good"], done.stderr


# ---- routes ----


async def test_copyfile_is_one_trip_to_a_native_thread(tmp_path, native):
    """And what goes with it one to the delegate."""
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    before = native()
    await aiofiles_c.shutil.copyfile(source, tmp_path / "target")
    after = native()
    assert after["jobs"] == before["jobs"] + 1
    assert after["pool"] == before["pool"] + 1
    assert after["delegate"] == before["delegate"]
    for name in ("copy", "copy2"):
        before = native()
        await getattr(aiofiles_c.shutil, name)(source, tmp_path / "target")
        after = native()
        assert after["pool"] >= before["pool"] + 1
        assert after["delegate"] == before["delegate"] + 1


async def test_trees_are_one_trip_to_the_delegate(tmp_path):
    """Whatever is in them."""
    folder = plant(tmp_path / "tree")
    for name, *args in (
        ("copytree", folder, tmp_path / "copy", True),
        ("move", tmp_path / "copy", tmp_path / "moved"),
        ("rmtree", tmp_path / "moved"),
    ):
        before = aiofiles_c.stats()
        await getattr(aiofiles_c.shutil, name)(*args)
        after = aiofiles_c.stats()
        assert after["delegate"] == before["delegate"] + 1, name
        assert after["pool"] == before["pool"], name


async def test_executor_that_is_given_does_everything(tmp_path):
    """No native thread copies, and the executor has one call."""
    (tmp_path / "source").write_bytes(b"x")
    (tmp_path / "tree").mkdir()
    asked = []

    class Counting(ThreadPoolExecutor):
        def submit(self, function, /, *args, **kwargs):
            asked.append(function)
            return super().submit(function, *args, **kwargs)

    loop = asyncio.get_running_loop()
    with Counting(1) as executor:
        for name, *args in (
            ("copyfile", tmp_path / "source", tmp_path / "a"),
            ("copy", tmp_path / "source", tmp_path / "b"),
            ("copy2", tmp_path / "source", tmp_path / "c"),
            ("copytree", tmp_path / "tree", tmp_path / "d"),
            ("move", tmp_path / "d", tmp_path / "e"),
            ("rmtree", tmp_path / "e"),
        ):
            asked.clear()
            before = aiofiles_c.stats()
            await getattr(aiofiles_c.shutil, name)(
                *args, loop=loop, executor=executor
            )
            assert len(asked) == 1, name
            assert aiofiles_c.stats()["jobs"] == before["jobs"], name


async def test_loop_runs_while_a_large_file_is_copied(large, ash):
    """Other tasks have their turns."""
    source, target = large
    count = 0

    async def others():
        nonlocal count
        while True:
            await asyncio.sleep(0)
            count += 1

    task = asyncio.ensure_future(others())
    await turns()
    before = count
    await ash.copyfile(source, target)
    assert count - before >= 5
    await cancelled(task)


# ---- what is there ----


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_those_of_shutil(name):
    """By name, kind and default; with what is added behind them."""
    function = getattr(aiofiles_c.shutil, name)
    assert inspect.iscoroutinefunction(function)
    ours = dict(inspect.signature(function).parameters)
    for parameter in inspect.signature(
        getattr(shutil, name)
    ).parameters.values():
        if parameter.name.startswith("_"):
            continue  # for shutil's own use
        got = ours.pop(parameter.name).replace(annotation=inspect._empty)
        assert got == parameter
    added = {"loop", "executor", "progress"} - (
        {"progress"} if name == "rmtree" else set()
    )
    assert ours.keys() - {"onexc", "dir_fd"} == added
    assert all(p.kind is p.KEYWORD_ONLY for p in ours.values())


def test_module_is_imported_when_it_is_asked_for():
    assert aiofiles_c.__getattr__("shutil") is aiofiles_c.shutil
    assert set(aiofiles_c.shutil.__all__) == set(NAMES)


def test_auditing_events_of_a_copy_are_those_of_shutil(tmp_path):
    """A hook hears of the same, and can forbid it before it begins."""
    done = python(
        """
        import asyncio, os, shutil, sys
        import aiofiles_c, aiofiles_c.shutil as ash
        from pathlib import Path
        heard, forbidden = None, ""
        def hook(event, args):
            if heard is not None and event in ("open", "shutil.copyfile"):
                heard.append((event, args))
                if event == forbidden:
                    raise KeyError("forbidden")
        async def main():
            global heard, forbidden
            open("a", "w").close()
            args = Path("a"), Path("b")
            await ash.copyfile(*args)
            sys.addaudithook(hook)
            told = []
            for awaits, function in ((0, shutil.copyfile), (1, ash.copyfile)):
                heard = []
                result = function(*args)
                if awaits:
                    await result
                told.append(heard)
                heard = None
            if aiofiles_c.stats()["native"]:
                assert told[0] == told[1], told
            else:
                assert told[0][0] == told[1][0], told
            os.unlink("b")
            for event in ("shutil.copyfile", "open"):
                heard, forbidden = [], event
                try:
                    await ash.copyfile(*args)
                except KeyError:
                    pass
                else:
                    raise AssertionError(event)
                heard = None
                assert not os.path.exists("b")
        asyncio.run(main())
        print("good")
        """,
        cwd=tmp_path,
    )
    assert done.stdout.split() == ["good"], done.stderr
