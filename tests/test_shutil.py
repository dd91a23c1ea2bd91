"""aiofiles_c.shutil: the functions of shutil, awaited.

Results, errors and what is left on the disk are those of shutil, over every
route; a copy that is no longer wanted ends soon, and leaves nothing open.
"""

import inspect
import os
import shutil
import stat
import threading
import warnings

import aiofiles_c
import aiofiles_c.shutil
import pytest

from .support.child import python
from .support.outcome import difference
from .support.trees import (
    FORMS as PLAIN_FORMS,
    PathOnly,
    Two,
    contents,
    plant,
    seen,
)

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
