"""aiofiles_c.tempfile against the standard tempfile: parameters, results,
errors, warnings, and what is left when nobody closes.
"""

import gc
import itertools
import os
import re
import stat
import sys
import tempfile
import warnings
from pathlib import Path

import aiofiles_c.tempfile
import pytest

from .support.child import python
from .support.outcome import difference, outcome_of, outcome_of_await
from .support.waiting import eventually

NEW = sys.version_info >= (3, 12)
FILES = ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile")
ALL = (*FILES, "TemporaryDirectory")


@pytest.fixture
def place(place, tmp_path, monkeypatch):
    """That of both sides; the current directory is another."""
    monkeypatch.chdir(tmp_path)
    return place


def our_function(ours, name):
    function = getattr(aiofiles_c.tempfile, name)

    def call(**options):
        if ours.executor is not None:
            options["executor"] = ours.executor
        return function(**options)

    return call


class Names:
    """A sequence of names that is known in advance."""

    def __init__(self, *names):
        self.names = iter(names)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.names)


@pytest.fixture(autouse=True)
def names(monkeypatch):
    """Both sides try the same names; the real ones are test_tempfile.py's."""
    monkeypatch.setattr(
        tempfile, "_get_candidate_names", lambda: Names("one", "two", "three")
    )


def named(name):
    """The name; a descriptor for one is as good as any other."""
    return "<number>" if type(name) is int else name


def about(path):
    """What the system tells of a path."""
    found = os.stat(path)
    return stat.filemode(found.st_mode), found.st_uid, found.st_nlink


ATTRIBUTES = ("mode", "closed", "encoding", "errors", "newlines")


def describe(file):
    """What is known of a file that was made."""
    result = {"name": named(file.name)}
    for attribute in ATTRIBUTES:
        result[attribute] = outcome_of(getattr, file, attribute)
    if isinstance(file.name, (str, bytes)):
        result["stat"] = about(file.name)
    elif file.name is not None:
        found = os.fstat(file.name)
        result["stat"] = stat.filemode(found.st_mode), found.st_nlink
    return result


def standard(name, place, options):
    """Use the standard function; say all that can be compared."""
    made = getattr(tempfile, name)(**options)
    if name == "TemporaryDirectory":
        result = named(made.name), about(made.name)
        made.cleanup()
        return result, os.listdir(place)
    with made as file:
        result = describe(file)
        text = "b" not in options.get("mode", "w+b")
        wrote = outcome_of(file.write, "a\n" if text else b"a\n")
        file.flush()
        told = outcome_of(file.tell)
        name = file.name
    left = isinstance(name, (str, bytes)) and os.path.exists(name)
    if left:
        with open(name, "rb") as again:
            left = again.read()
        os.unlink(name)
    return result, wrote, told, file.closed, left, os.listdir(place)


async def asynchronous(call, name, place, options):
    """The same calls."""
    made = call(**options)
    if name == "TemporaryDirectory":
        directory = await made
        result = named(directory.name), about(directory.name)
        await directory.cleanup()
        return result, os.listdir(place)
    async with made as file:
        result = describe(file)
        text = "b" not in options.get("mode", "w+b")
        wrote = await outcome_of_await(file.write, "a\n" if text else b"a\n")
        await file.flush()
        told = await outcome_of_await(file.tell)
        name = file.name
    left = isinstance(name, (str, bytes)) and os.path.exists(name)
    if left:
        with open(name, "rb") as again:
            left = again.read()
        os.unlink(name)
    return result, wrote, told, file.closed, left, os.listdir(place)


async def compare(ours, name, place, options):
    expected = outcome_of(standard, name, place, options, folder=str(place))
    actual = await outcome_of_await(
        asynchronous, our_function(ours, name), name, place, options,
        folder=str(place),
    )
    found = difference(expected, actual)
    assert not found, f"{name}({options}): {found}"
    return expected


PLACES = (
    {},
    {"prefix": "before-"},
    {"suffix": ".after"},
    {"prefix": "", "suffix": ""},
    {"prefix": "before-", "suffix": ".after", "dir": "{place}"},
    {"dir": "place"},
    {"dir": "."},
    {"dir": ""},
    {"dir": Path("place")},
    {"dir": b"place"},
    {"prefix": b"before-"},
    {"suffix": b".after", "dir": b"place"},
    # Refused.
    {"prefix": b"before-", "suffix": ".after"},
    {"prefix": "before-", "dir": b"place"},
    {"suffix": b".after", "dir": Path("place")},
    {"prefix": 3},
    {"suffix": 3.5},
    {"dir": ["place"]},
    {"dir": "missing"},
    {"dir": "{place}/missing/deeper"},
    {"dir": b"missing"},
    {"dir": "file"},
    {"dir": "place\0"},
    {"prefix": "with\0null"},
    {"prefix": "missing/before-"},
    {"suffix": ".after" + "x" * 300},
)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("options", PLACES, ids=repr)
async def test_place_and_name_are_those_of_the_standard(
    ours, place, name, options
):
    """Where the file is, what it is called, and what is refused how."""
    (place.parent / "file").touch()
    options = {
        key: value.replace("{place}", str(place))
        if isinstance(value, str)
        else value
        for key, value in options.items()
    }
    await compare(ours, name, place, options)


# A standard spooled file that refused to be made complains when it goes.
half_made = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


@half_made
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "mode",
    ("w+b", "w+", "w", "wb", "r", "rb", "r+", "rb+", "a", "ab", "a+b", "x",
     "x+b", "wt", "b", "", "q", "rw", "wbt", "U", None, 3),
)
async def test_every_mode_is_as_in_the_standard(ours, place, name, mode):
    """Types, attributes and errors; aiofiles has no check of its own."""
    options = {"mode": mode}
    if isinstance(mode, str) and "b" not in mode:
        options["encoding"] = "utf-8"
    await compare(ours, name, place, options)


OPENING = (
    {"buffering": 0},
    {"buffering": 0, "mode": "w+"},
    {"buffering": 1, "mode": "w+", "encoding": "utf-8"},
    {"buffering": 2},
    {"buffering": 100_000},
    {"buffering": -2},
    {"buffering": "1"},
    {"mode": "w+"},
    {"mode": "w+", "encoding": "locale"},
    {"mode": "w+", "encoding": "utf-8"},
    {"mode": "w+", "encoding": "latin-1", "errors": "replace"},
    {"mode": "w+", "encoding": "utf-16"},
    {"mode": "w+", "encoding": "no-such-codec"},
    {"mode": "w+", "encoding": 3},
    {"mode": "w+", "encoding": "utf-8", "errors": "no-such-handler"},
    {"mode": "w+", "encoding": "utf-8", "newline": ""},
    {"mode": "w+", "encoding": "utf-8", "newline": "\r\n"},
    {"mode": "w+", "encoding": "utf-8", "newline": "x"},
    {"encoding": "utf-8"},
    {"errors": "strict"},
    {"newline": "\n"},
)


@half_made
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("options", OPENING, ids=repr)
async def test_every_way_to_open_is_as_in_the_standard(
    ours, place, name, options
):
    """buffering, encoding, errors, newline."""
    await compare(ours, name, place, options)


async def test_line_buffering_of_bytes_warns_as_the_standard(ours, place):
    """buffering=1 in binary mode is a RuntimeWarning, and no more."""
    with pytest.warns(RuntimeWarning) as expected:
        with tempfile.NamedTemporaryFile(buffering=1):
            pass
    with pytest.warns(RuntimeWarning) as caught:
        async with our_function(ours, "NamedTemporaryFile")(buffering=1):
            pass
    assert [str(w.message) for w in caught] == [
        str(w.message) for w in expected
    ]


@pytest.mark.parametrize("delete", (True, False, 1, 0, None))
async def test_delete_is_as_in_the_standard(ours, place, delete):
    """Whatever is true removes the file."""
    await compare(ours, "NamedTemporaryFile", place, {"delete": delete})


@pytest.mark.skipif(not NEW, reason="came with Python 3.12")
@pytest.mark.parametrize(
    "delete, on_close", [*itertools.product((True, False), repeat=2)]
)
async def test_delete_on_close_is_as_in_the_standard(
    ours, place, delete, on_close
):
    """All four; with the name asked for after each step."""
    options = {"delete": delete, "delete_on_close": on_close}
    steps = []
    with tempfile.NamedTemporaryFile(**options) as file:
        file.close()
        steps.append(os.path.exists(file.name))
    steps.append(os.path.exists(file.name))
    call = our_function(ours, "NamedTemporaryFile")
    async with call(**options) as file:
        await file.close()
        found = [os.path.exists(file.name)]
    found.append(os.path.exists(file.name))
    assert found == steps


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("name", ALL)
async def test_directory_that_may_not_be_written_is_refused(
    ours, place, name
):
    """PermissionError, with the path that was tried."""
    locked = place / "locked"
    locked.mkdir(0o500)
    found = await compare(ours, name, place, {"dir": str(locked)})
    assert found.failed or name == "SpooledTemporaryFile"


async def test_directory_that_may_not_be_written_by_another_user(tmp_path):
    """The same as nobody, where the tests run as root."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be somebody else")
    python(
        """
        import asyncio, os, sys, tempfile
        import aiofiles_c.tempfile

        locked = sys.argv[1]
        async def everything():  # imports all there is to be imported
            async with aiofiles_c.tempfile.NamedTemporaryFile():
                pass
            async with aiofiles_c.tempfile.TemporaryDirectory():
                pass
        asyncio.run(everything())
        os.setuid(65534)

        async def refused(name):
            try:
                await getattr(aiofiles_c.tempfile, name)(dir=locked)
            except PermissionError as error:
                return error.args, os.path.dirname(error.filename or "")
            raise AssertionError(name)

        for name in ("NamedTemporaryFile", "TemporaryFile",
                     "TemporaryDirectory"):
            try:
                getattr(tempfile, name)(dir=locked)
            except PermissionError as error:
                want = error.args, os.path.dirname(error.filename or "")
            have = asyncio.run(refused(name))
            assert have == want, (name, have, want)
        """,
        _locked(tmp_path),
        cwd="/",
    )


def _locked(tmp_path):
    folder = tmp_path
    while folder != folder.parent:  # to be reached by anybody
        if folder.stat().st_uid == os.geteuid() and folder.parent != folder:
            folder.chmod(folder.stat().st_mode | 0o055)
        folder = folder.parent
    locked = tmp_path / "locked"
    locked.mkdir(0o555)
    return locked


# ---- names ----


@pytest.mark.parametrize("name", ("NamedTemporaryFile", "TemporaryDirectory"))
async def test_name_that_is_taken_is_passed_over(
    ours, place, name, monkeypatch
):
    """The names are the standard sequence's, tried one after the other."""
    (place / "tmpfirst").touch()
    (place / "tmpsecond").mkdir()
    (place / "tmpthird").symlink_to("nowhere")
    monkeypatch.setattr(
        tempfile,
        "_get_candidate_names",
        lambda: Names("first", "second", "third", "fourth"),
    )
    made = await our_function(ours, name)()
    assert os.path.basename(made.name) == "tmpfourth"
    await made.close()
    assert sorted(os.listdir(place)) == ["tmpfirst", "tmpsecond", "tmpthird"]


async def test_names_that_are_all_taken_end_as_in_the_standard(
    ours, place, monkeypatch
):
    """FileExistsError, after as many tries."""
    (place / "tmptaken").touch()
    monkeypatch.setattr(tempfile, "TMP_MAX", 20)
    monkeypatch.setattr(
        tempfile, "_get_candidate_names", lambda: itertools.repeat("taken")
    )
    found = await compare(ours, "NamedTemporaryFile", place, {})
    assert found.failed


async def test_directory_for_temporary_files_is_found_in_a_thread(
    native, tmp_path
):
    """The first time, files are written in it: not on the loop's thread."""
    done = python(
        """
        import asyncio, os, sys, tempfile, threading
        import aiofiles_c.tempfile

        where = []
        find = tempfile._get_default_tempdir
        def noted(*args):
            where.append(threading.current_thread())
            return find(*args)
        tempfile._get_default_tempdir = noted

        async def main():
            async with aiofiles_c.tempfile.NamedTemporaryFile() as file:
                assert os.path.dirname(file.name) == tempfile.gettempdir()
        asyncio.run(main())
        assert len(where) == 1
        assert where[0] is not threading.main_thread()
        print("done")
        """,
        cwd=tmp_path,
    )
    assert done.stdout == "done\n"


async def test_audit_hooks_see_the_events_of_the_standard(tmp_path):
    """`tempfile.mkstemp` with the path, and an opening of it."""
    python(
        """
        import asyncio, sys, tempfile
        import aiofiles_c.tempfile

        events = []
        sys.addaudithook(lambda event, args: events.append((event, args)))

        async def main():
            async with aiofiles_c.tempfile.NamedTemporaryFile() as file:
                return file.name
        name = asyncio.run(main())
        assert ("tempfile.mkstemp", (name,)) in events
        assert any(event == "open" and args[0] == name
                   for event, args in events)
        """,
        cwd=tmp_path,
    )


# ---- nobody closes ----


async def gone(ours, kept, place):
    """The ResourceWarnings of letting go of it; then it is gone."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        kept.clear()
        gc.collect()
        await eventually(
            lambda: gc.collect() is not None and os.listdir(place) == [],
            "it is removed",
        )
    return [
        re.sub(r"name=\d+", "name=N", str(w.message))
        for w in caught
        if w.category is ResourceWarning
    ]


def standard_gone(name, options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        getattr(tempfile, name)(**options)
        gc.collect()
    return [
        re.sub(r"name=\d+", "name=N", str(w.message))
        for w in caught
        if w.category is ResourceWarning
    ]


@pytest.mark.parametrize(
    "name, options",
    (
        ("NamedTemporaryFile", {}),
        ("NamedTemporaryFile", {"mode": "w", "encoding": "utf-8"}),
        ("TemporaryFile", {}),
        ("TemporaryDirectory", {}),
    ),
)
async def test_collected_it_is_removed_and_warns_as_the_standard(
    ours, place, name, options
):
    """The last reference goes, and with it what is on the disk."""
    if name != "TemporaryDirectory" and not ours.native:
        pytest.skip("a synchronous file warns by itself")
    expected = standard_gone(name, options)
    assert os.listdir(place) == []
    kept = [await our_function(ours, name)(**options)]
    if name == "TemporaryFile":
        assert kept[0].name == kept[0].fileno()
    assert await gone(ours, kept, place) == expected


@pytest.mark.skipif(not NEW, reason="came with Python 3.12")
async def test_collected_after_close_the_name_that_stayed_is_removed(
    ours, place
):
    """delete_on_close=False: the name goes with the object at the latest."""
    call = our_function(ours, "NamedTemporaryFile")
    kept = [await call(delete_on_close=False)]
    await kept[0].write(b"data")
    await kept[0].close()
    assert len(os.listdir(place)) == 1
    assert await gone(ours, kept, place) == []


async def test_collected_without_delete_the_file_is_whole(ours, place):
    """delete=False: what was written is there."""
    kept = [await our_function(ours, "NamedTemporaryFile")(delete=False)]
    await kept[0].write(b"data")
    path = Path(kept[0].name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept.clear()
        await eventually(
            lambda: gc.collect() is not None and path.read_bytes() == b"data",
            "it is written",
        )


@pytest.mark.parametrize("how", ("global", "pending", "exit", "closing"))
async def test_exit_of_the_interpreter_removes_all(tmp_path, how):
    """Whatever was not closed by then is gone, whoever still held it."""
    python(
        """
        import asyncio, os, sys, tempfile
        import aiofiles_c.tempfile as temp

        tempfile.tempdir, how = sys.argv[1:]
        kept = []

        async def main():
            file = await temp.NamedTemporaryFile()
            await file.write(b"data")
            kept.append(file)
            if sys.version_info >= (3, 12):
                other = await temp.NamedTemporaryFile(delete_on_close=False)
                await other.close()
                kept.append(other)
            kept.append(await temp.TemporaryDirectory())
            if how == "pending":
                asyncio.ensure_future(
                    temp.NamedTemporaryFile().__aenter__())
                await asyncio.sleep(0)
            if how == "closing":
                asyncio.ensure_future(file.close())
                await asyncio.sleep(0)
            if how == "exit":
                sys.exit(0)

        asyncio.run(main())
        """,
        tmp_path,
        how,
        cwd="/",
        flags=("-W", "ignore"),
    )
    assert os.listdir(tmp_path) == []


async def test_child_of_a_fork_leaves_the_parents_file(native, place):
    """A child that ends without its destructors removes nothing."""
    async with aiofiles_c.tempfile.NamedTemporaryFile() as file:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of threads, from Python 3.12
            child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        assert os.path.exists(file.name)
