"""python -m aiofiles_c [DIR]: check and time this package where it is."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from site import getsitepackages

HERE = Path(__file__).resolve().parent


def is_bare_checkout() -> bool:
    """Whether this is the package's source, with no engine built in it."""
    return (HERE.parent / "csrc").is_dir() and not find_spec(
        "aiofiles_c._core"
    )


def run_installed() -> int:
    """Start the installed package, and return its exit status."""
    if not PathFinder.find_spec("aiofiles_c", getsitepackages()):
        print(
            "This is a source checkout, and aiofiles_c is not installed for "
            f"{sys.executable}: run `pip install .` first.",
            file=sys.stderr,
        )
        return 2
    # Isolated, so that the current directory is not searched for modules.
    return subprocess.call(
        [sys.executable, "-I", "-m", "aiofiles_c", *sys.argv[1:]]
    )


def main() -> int:
    """Parse the command line, check, print, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m aiofiles_c",
        description="Write and read real files, compare every result with "
        "that of the built-in open, tell which routes served them, and time "
        "them.",
    )
    parser.add_argument(
        "dir",
        nargs="?",
        default=".",
        metavar="DIR",
        help="where to do it, in a folder that is removed at the end "
        "(default: the current directory)",
    )
    folder = parser.parse_args().dir
    if is_bare_checkout():
        return run_installed()
    if not os.path.isdir(folder):
        parser.error(f"not a directory: {folder}")

    from ._selfcheck import check

    return check(folder)


if __name__ == "__main__":
    sys.exit(main())
