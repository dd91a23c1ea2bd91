"""aiofiles_c.install(), and python -m aiofiles_c.run."""

import multiprocessing
import subprocess
import sys

import pytest

from .support.child import PATIENCE, python

PROGRAM = """
import asyncio
import sys

import aiofiles
import aiofiles.os
from aiofiles import tempfile
from aiofiles.threadpool.binary import AsyncBufferedIOBase


class Kept:
    pass


async def main():
    async with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/file"
        async with aiofiles.open(path, "w") as file:
            await file.write("one\\ntwo\\n")
        assert await aiofiles.os.path.exists(path)
        async with aiofiles.open(path, "rb") as file:
            assert isinstance(file, AsyncBufferedIOBase)
            print(await file.read())
        await aiofiles.os.remove(path)


if __name__ == "__main__":
    asyncio.run(main())
    print(aiofiles.__name__, sys.argv[1:])
    assert sys.modules["__main__"].Kept is Kept
"""


def run(*args, cwd, check=True):
    """python -m aiofiles_c.run with these arguments."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "aiofiles_c.run", *args],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if check:
        assert done.returncode == 0, done.stderr
    return done


def test_install_before_aiofiles_is_imported_gives_this_package(tmp_path):
    """Every module of aiofiles is one of ours, by any form of import."""
    python(
        """
        import importlib, pkgutil, sys
        import aiofiles_c

        aiofiles_c.install()
        import aiofiles
        import aiofiles.threadpool.utils as utils
        from aiofiles import os, tempfile
        from aiofiles.base import AiofilesContextManager

        assert aiofiles is aiofiles_c
        assert utils is aiofiles_c.threadpool.utils
        assert os is aiofiles_c.os and tempfile is aiofiles_c.tempfile
        assert AiofilesContextManager is aiofiles_c.base.AiofilesContextManager
        assert importlib.import_module("aiofiles.ospath") is aiofiles_c.ospath
        assert importlib.util.find_spec("aiofiles") is not None
        try:
            import aiofiles.absent
        except ModuleNotFoundError as error:
            assert error.name == "aiofiles.absent"
        else:
            raise AssertionError("there is no such module")
        """,
        cwd=tmp_path,
        flags=("-W", "error"),
    )


def test_install_after_aiofiles_was_imported_gives_this_package(tmp_path):
    """Who has the module, and looks its names up late, gets ours, too."""
    python(
        """
        import asyncio, sys
        import aiofiles, aiofiles.os, aiofiles.threadpool
        from aiofiles import open as taken
        import aiofiles_c

        theirs, their_os = aiofiles, aiofiles.os
        before = {n: dict(vars(m)) for n, m in sys.modules.items()
                  if n.startswith("aiofiles") and "_c" not in n}
        aiofiles_c.install()
        aiofiles_c.install()
        import aiofiles

        assert aiofiles is aiofiles_c and theirs is not aiofiles_c
        assert theirs.open is aiofiles_c.open
        assert theirs.threadpool.open is aiofiles_c.open
        assert their_os.stat is aiofiles_c.os.stat
        assert taken is not aiofiles_c.open

        async def main():
            for opening in (aiofiles.open, theirs.open, taken):
                async with opening("file", "w") as file:
                    await file.write("data")
                async with opening("file") as file:
                    assert await file.read() == "data"

        asyncio.run(main())
        aiofiles_c.uninstall()
        aiofiles_c.uninstall()
        import aiofiles

        assert aiofiles is theirs and theirs.open is taken
        after = {n: dict(vars(m)) for n, m in sys.modules.items()
                 if n.startswith("aiofiles") and "_c" not in n}
        assert before == after
        """,
        cwd=tmp_path,
        flags=("-W", "error"),
    )


def test_uninstall_lets_the_real_package_be_imported(tmp_path):
    """After uninstall() an import finds what is installed, or nothing."""
    python(
        """
        import sys
        import aiofiles_c

        aiofiles_c.uninstall()
        aiofiles_c.install()
        import aiofiles
        assert aiofiles is aiofiles_c
        aiofiles_c.uninstall()
        assert not [n for n in sys.modules if n.split(".")[0] == "aiofiles"]
        import aiofiles
        assert aiofiles is not aiofiles_c
        assert aiofiles.__name__ == "aiofiles"
        """,
        cwd=tmp_path,
    )


def test_install_serves_those_who_have_no_aiofiles(tmp_path):
    """The real package need not be there."""
    (tmp_path / "program.py").write_text(PROGRAM)
    python(
        """
        import sys

        class Hidden:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] == "aiofiles":
                    raise ModuleNotFoundError(name)

        sys.meta_path.insert(0, Hidden())
        import aiofiles_c
        aiofiles_c.install()
        sys.path.insert(0, ".")
        import asyncio, program
        asyncio.run(program.main())
        """,
        cwd=tmp_path,
    )


def test_run_starts_a_script_with_its_arguments(tmp_path):
    """Script, arguments, directory on the path: as python itself."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "neighbour.py").write_text("value = 5")
    (folder / "program.py").write_text(
        "import neighbour\nassert neighbour.value == 5\n" + PROGRAM
    )
    done = run("folder/program.py", "-m", "x", "--flag", cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "b'one\\ntwo\\n'",
        "aiofiles_c ['-m', 'x', '--flag']",
    ]
    assert done.stderr == ""


def test_run_starts_a_module_with_its_arguments(tmp_path):
    """-m finds a module, or the __main__ of a package."""
    (tmp_path / "program.py").write_text(PROGRAM)
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(PROGRAM)
    for name in ("program", "package"):
        done = run("-m", name, "one", "-v", cwd=tmp_path)
        assert done.stdout.splitlines()[1] == "aiofiles_c ['one', '-v']"
        assert done.stderr == ""


@pytest.mark.parametrize(
    "source, status, message",
    (
        ("raise SystemExit(7)", 7, ""),
        ("raise SystemExit('words')", 1, "words\n"),
        ("1 / 0", 1, "ZeroDivisionError"),
    ),
)
def test_run_ends_as_the_program_ends(tmp_path, source, status, message):
    """Exit status and traceback are the program's."""
    (tmp_path / "program.py").write_text(source)
    done = run("program.py", cwd=tmp_path, check=False)
    assert done.returncode == status
    assert message in done.stderr


CHILDREN = """
import multiprocessing
import os

import aiofiles
from aiofiles import open as taken


class Sent:
    pass


def work(method, sent, child):
    assert type(sent) is Sent
    with open("found", "a") as found:
        print(method, taken.__module__, aiofiles.__name__, file=found)
    if child:
        begin(method, child=False)


def begin(method, child):
    context = multiprocessing.get_context(method)
    process = context.Process(target=work, args=(method, Sent(), child))
    process.start()
    process.join(20)
    assert process.exitcode == 0


if __name__ == "__main__":
    assert os.path.isabs(__file__)
    for method in multiprocessing.get_all_start_methods():
        begin(method, child=True)
"""


@pytest.mark.parametrize("form", (("program.py",), ("-m", "program")))
def test_run_reaches_children_by_multiprocessing(tmp_path, form):
    """A spawned child is of the program, as a forked one; so is its own."""
    (tmp_path / "program.py").write_text(CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "aiofiles_c.run", *form],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    found = (tmp_path / "found").read_text().splitlines()
    expected = [
        f"{method} aiofiles_c.threadpool aiofiles_c"
        for method in multiprocessing.get_all_start_methods()
        for _ in range(2)
    ]
    if sys.version_info >= (3, 14):  # a fork server may import before
        found, expected = (
            [line for line in lines if not line.startswith("forkserver")]
            for lines in (found, expected)
        )
    assert found == expected


def test_run_without_a_program_tells_how_to_use_it(tmp_path):
    """No argument, or a wrong one, is status 2; help is 0."""
    for args in ((), ("-m",), ("--unknown", "x")):
        done = run(*args, cwd=tmp_path, check=False)
        assert done.returncode == 2
        assert "usage:" in done.stderr
    assert "python -m aiofiles_c.run" in run("--help", cwd=tmp_path).stdout
    assert run("absent.py", cwd=tmp_path, check=False).returncode == 1
