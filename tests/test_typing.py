"""Type checkers agree with what the package says of itself.

The checkers are the extra `typing`; where one is not installed its tests are
skipped.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

import aiofiles_c
import pytest

HERE = Path(__file__).resolve().parent
USAGE = HERE / "typing" / "usage.py"
CONFIGURATION = HERE.parent / "pyproject.toml"

# Seconds; the checkers read much of the standard library first.
PATIENCE = 300


def check(module, *args, cwd):
    """Run a checker on its own, away from the checkout."""
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        pytest.skip(f"{module} is not installed (extra `typing`)")
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, args)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
    )


@pytest.fixture
def wrong(tmp_path):
    """A file in which each function has an error that is to be found."""
    path = tmp_path / "wrong.py"
    path.write_text(
        "import aiofiles_c\n"
        "async def text() -> None:\n"
        "    async with aiofiles_c.open('name') as file:\n"
        "        await file.write(b'bytes')\n"
        "async def binary() -> None:\n"
        "    async with aiofiles_c.open('name', 'wb') as file:\n"
        "        await file.write('text')\n"
        "async def writer() -> None:\n"
        "    async with aiofiles_c.open('name', 'wb') as file:\n"
        "        await file.peek()\n"
    )
    return path


def lines_of_errors(output, name):
    """The numbers of the lines in which a checker has found errors."""
    return {
        int(line.split(f"{name}:")[1].split(":")[0])
        for line in output.splitlines()
        if f"{name}:" in line and "error" in line
    }


def test_package_is_marked_as_typed():
    """py.typed and the stub of the engine are installed."""
    package = Path(aiofiles_c.__file__).parent
    assert (package / "py.typed").exists()
    assert (package / "_core.pyi").exists()


def test_mypy_strict_finds_the_types_of_usage(tmp_path):
    """mypy --strict has nothing to say of the examples."""
    usage = tmp_path / "usage.py"  # beside no checkout
    usage.write_text(USAGE.read_text())
    done = check("mypy", "--strict", usage, cwd=tmp_path)
    assert done.returncode == 0, done.stdout


def test_mypy_finds_wrong_uses(tmp_path, wrong):
    """The types are not just Any: what is wrong is found."""
    done = check("mypy", "--strict", wrong, cwd=tmp_path)
    assert lines_of_errors(done.stdout, "wrong.py") == {4, 7, 10}, done.stdout


def test_pyright_finds_the_types_of_usage(tmp_path, wrong):
    """So does pyright, in its strict mode; and what is wrong."""
    (tmp_path / "usage.py").write_text(USAGE.read_text())
    (tmp_path / "pyrightconfig.json").write_text(
        '{"typeCheckingMode": "strict"}'
    )
    done = check(
        "basedpyright", "--pythonpath", sys.executable, cwd=tmp_path
    )
    assert not lines_of_errors(done.stdout, "usage.py"), done.stdout
    assert lines_of_errors(done.stdout, "wrong.py") == {4, 7, 10}, done.stdout


def test_mypy_strict_accepts_the_package(tmp_path):
    """The package itself is checked, too."""
    if not CONFIGURATION.exists():
        pytest.skip("not in a checkout")
    done = check(
        "mypy", "--config-file", CONFIGURATION, "--package", "aiofiles_c",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout


def test_stubtest_finds_no_difference(tmp_path):
    """Types and runtime agree everywhere; the allow list is empty."""
    if not CONFIGURATION.exists():
        pytest.skip("not in a checkout")
    done = check(
        "mypy.stubtest", "--mypy-config-file", CONFIGURATION, "aiofiles_c",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
