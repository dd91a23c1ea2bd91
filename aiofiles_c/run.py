"""python -m aiofiles_c.run: start a program with this package as aiofiles.

    python -m aiofiles_c.run script.py [argument ...]
    python -m aiofiles_c.run -m module [argument ...]

The program runs as `python script.py` or `python -m module` would run it, and
whatever it imports gets this package under the name of aiofiles: see
aiofiles_c.install().  So do its children by multiprocessing, however they are
started; other processes that it starts are not concerned.
"""

from __future__ import annotations

import os
import runpy
import sys

from ._install import install_program

__all__ = ("main",)

USAGE = "usage: python -m aiofiles_c.run (script | -m module) [argument ...]"


def main(arguments: list[str]) -> int:
    """Run the program that the arguments name; return an exit status.

    A program that ends by an exception, SystemExit among them, ends this
    function by it.
    """
    as_module = arguments[:1] == ["-m"]
    command = arguments[as_module:]
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    if not command or command[0].startswith("-"):
        print(USAGE, file=sys.stderr)
        return 2
    install_program()
    sys.argv[:] = command
    if as_module:
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
        return 0
    # As `python script.py` has it; a directory or archive puts itself there.
    if os.path.isfile(command[0]) and not getattr(
        sys.flags, "safe_path", False
    ):
        sys.path[0] = os.path.dirname(os.path.realpath(command[0]))
    runpy.run_path(os.path.abspath(command[0]), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
