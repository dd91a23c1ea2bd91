"""aiofiles_c.os.path: the functions of os.path, awaited."""

import asyncio
import inspect
import os
import sys

import aiofiles.ospath
import aiofiles_c
import aiofiles_c.os
import aiofiles_c.ospath
import pytest

from .support import kernel
from .support.child import python
from .support.functions import Functions
from .support.outcome import difference
from .support.trees import FORMS, PathOnly, Two

NAMES = (
    "abspath", "exists", "getatime", "getctime", "getmtime", "getsize",
    "isdir", "isfile", "islink", "ismount", "samefile", "sameopenfile",
)
OF_ONE = [name for name in NAMES if not name.startswith("same")]
PLACES = (
    "file", "dir", "empty", "link", "dirlink", "dangling", "loop", "missing",
    "file/below", "file/", "dir/", "dirlink/", "dir/.", "dir/..", "dirlink/..",
    "dir/sub/..", "caf\u00e9", "", "nul\0", "x" * 300, "d/" * 3000, ".", "..",
    "/", "//", "/proc", "/dev/shm", "/dev/null", "/dev/shm/..", "/proc/self",
)


@pytest.fixture
def apath(lib):
    return Functions(lib, lib.module.os.path)


@pytest.mark.parametrize("name", OF_ONE)
async def test_function_does_what_that_of_os_path_does(tmp_path, apath, name):
    """Of files, links, mounts, and of what is not there, in every form."""
    wrong = []
    two = Two(tmp_path)
    for place in PLACES:
        for form in FORMS:
            expected, got = await two.both(
                getattr(os.path, name),
                getattr(apath, name),
                lambda path, place=place, form=form: (
                    path(place, FORMS[form]),
                ),
            )
            if name in ("getatime", "getctime", "getmtime"):
                if not expected.failed and not got.failed:
                    assert type(got.value) is float
                    continue
            told = difference(expected, got)
            if told:
                wrong.append(f"{name}, {place[:20]!r}, {form}: {told}")
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.parametrize("name", ("abspath", "ismount", "exists", "isdir"))
async def test_relative_paths_start_at_the_current_directory(
    tmp_path, apath, monkeypatch, name
):
    """With dots, slashes, and nothing at all."""
    two = Two(tmp_path)
    monkeypatch.chdir(two.sides[0])
    for place in ("", ".", "..", "dir", "dir//sub/../.", "./dirlink/..", "//x",
                  "///x", "file", "dirlink", "../left/dir"):
        for form in FORMS.values():
            expected = getattr(os.path, name)(form(place))
            assert await getattr(apath, name)(form(place)) == expected, place


async def test_times_and_sizes_are_exact(make, apath):
    """The floats are those of os.path, to the last bit."""
    path = make(b"x" * 12_345)
    for n in range(50):
        os.utime(path, ns=(n * 7_919_000_000_003, n * 15_485_863_000_000_019))
        for name in ("getatime", "getmtime", "getctime", "getsize"):
            expected = getattr(os.path, name)(path)
            assert await getattr(apath, name)(path) == expected
            assert await getattr(apath, name)(os.fsencode(path)) == expected


async def test_same_file_is_told_from_another(tmp_path, apath):
    """By names, links and descriptors; a missing one is an error."""
    folder = Two(tmp_path).sides[0]
    one, link = os.path.join(folder, "file"), os.path.join(folder, "link")
    other = os.path.join(folder, "caf\u00e9")
    missing = os.path.join(folder, "missing")
    assert await apath.samefile(one, link)
    assert not await apath.samefile(one, PathOnly(other))
    with open(one) as a, open(link) as b, open(other) as c:
        assert await apath.samefile(a.fileno(), os.fsencode(link))
        assert await apath.sameopenfile(a.fileno(), b.fileno())
        assert not await apath.sameopenfile(a.fileno(), c.fileno())
    for pair in ((one, missing), (missing, one)):
        with pytest.raises(FileNotFoundError) as caught:
            await apath.samefile(*pair)
        assert caught.value.filename == missing
    with pytest.raises(OSError) as caught:
        await apath.sameopenfile(999_999, 0)
    assert caught.value.filename is None


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", OF_ONE)
async def test_bad_arguments_do_what_they_do_in_os_path(apath, name):
    """TypeError in the same words, or False."""
    for bad in (None, 1.5, [], -1, 999_999, 10**30, "\ud800", PathOnly(5)):
        try:
            expected = getattr(os.path, name)(bad)
        except Exception as error:
            with pytest.raises(type(error)) as caught:
                await getattr(apath, name)(bad)
            assert str(caught.value) == str(error), (name, bad)
        else:
            assert await getattr(apath, name)(bad) == expected, (name, bad)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_coroutine_function_with_the_signature_of_os_path(name):
    """Frameworks ask for the one, and tools for the other."""
    function = getattr(aiofiles_c.ospath, name)
    assert inspect.iscoroutinefunction(function)
    if sys.version_info < (3, 14):
        assert asyncio.iscoroutinefunction(function)
    assert function.__name__ == name and function.__doc__
    ours = list(inspect.signature(function).parameters.values())
    assert [p.name for p in ours[-2:]] == ["loop", "executor"]
    real = inspect.signature(getattr(os.path, name)).parameters
    assert [p.name for p in ours[:-2]] == list(real)


def test_all_of_aiofiles_is_there():
    """Under both of its names."""
    assert set(aiofiles.ospath.__all__) <= set(aiofiles_c.ospath.__all__)
    assert aiofiles_c.os.path is aiofiles_c.ospath


async def test_what_is_cached_is_answered_at_once(make, at_once):
    """What is there; and what is not, where the kernel remembers that."""
    path = str(make(b"12345"))
    kernel.skip_unless(kernel.opens_at_once, path)
    functions = [
        getattr(aiofiles_c.os.path, name)
        for name in ("exists", "isfile", "isdir", "islink", "getsize",
                     "getmtime", "getatime", "getctime")
    ]
    for _ in range(2):  # a mount that was not met may take two
        await functions[0](path)
    before = at_once()
    for function in functions:
        await function(path)
    after = at_once()
    assert after["kernel"] - before["kernel"] == len(functions)
    await functions[0](path + "x")
    before = at_once()
    assert await functions[0](path + "x") is False
    after = at_once()
    routes = [after[name] - before[name] for name in ("kernel", "pool")]
    assert routes in ([1, 0], [0, 1])  # tmpfs, for one, does not


def test_inline_off_sends_all_to_the_pool(tmp_path):
    """AIOFILES_C_INLINE=0: every call that asks the system is one job."""
    done = python(
        """
        import asyncio, os, aiofiles_c, aiofiles_c.os as aos
        async def main():
            for name, args in (("exists", ("/",)), ("isfile", ("/",)),
                               ("ismount", ("/",)), ("samefile", ("/", "/")),
                               ("abspath", ("x",)), ("islink", ("/no",))):
                before = aiofiles_c.stats()
                got = await getattr(aos.path, name)(*args)
                assert got == getattr(os.path, name)(*args)
                after = aiofiles_c.stats()
                if after["native"]:
                    assert after["pool"] == before["pool"] + 1, name
                    assert after["kernel"] == before["kernel"], name
        asyncio.run(main())
        print("good")
        """,
        cwd=tmp_path,
        AIOFILES_C_INLINE="0",
    )
    assert done.stdout.split() == ["good"]


def test_exists_sees_what_happens_outside(tmp_path):
    """An answer from the kernel's cache is not an old one."""
    done = python(
        """
        import asyncio, os, aiofiles_c.os as aos
        async def main():
            for _ in range(200):
                assert await aos.path.exists("f") is False
                open("f", "w").close()
                assert await aos.path.exists("f") is True
                assert await aos.path.isfile("f") is True
                os.remove("f")
                assert await aos.path.exists("f") is False
                os.mkdir("f")
                assert await aos.path.isdir("f") is True
                os.rename("f", "g")
                assert await aos.path.isdir("f") is False
                os.rmdir("g")
        asyncio.run(main())
        print("good")
        """,
        cwd=tmp_path,
    )
    assert done.stdout.split() == ["good"]
