"""This package under the name of aiofiles, for a whole process."""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

__all__ = ("install", "install_program", "uninstall")

# The modules of aiofiles, which are those of this package.
MODULES = (
    "",
    ".base",
    ".os",
    ".ospath",
    ".tempfile",
    ".tempfile.temptypes",
    ".threadpool",
    ".threadpool.binary",
    ".threadpool.text",
    ".threadpool.utils",
)
OURS = __name__.rpartition(".")[0]
THEIRS = "aiofiles"

# What was there before: modules by name, and what they had in them.
_displaced: dict[str, tuple[ModuleType, dict[str, Any]]] = {}
_installed = False


def _is_theirs(name: str) -> bool:
    return name == THEIRS or name.startswith(THEIRS + ".")


def _fill(theirs: ModuleType, mine: ModuleType) -> dict[str, Any]:
    """Put our public names into a module of theirs; return what it had.

    Whoever has the module already, and looks its names up when it uses them,
    then finds ours.
    """
    kept = {}
    for name, value in list(vars(theirs).items()):
        if not name.startswith("_") and hasattr(mine, name):
            kept[name] = value
            setattr(theirs, name, getattr(mine, name))
    return kept


def install() -> None:
    """Have the whole process use this package under the name aiofiles.

    Every `import aiofiles` from now on gives this package, whether aiofiles is
    installed or not.  Where it was imported before, those who call
    `aiofiles.open` call this package's; only a function or class that a module
    has taken out of it (`from aiofiles import open`) stays what it is, and so
    does a file that is open.  To install twice is to install once.

    A process forked off this one has it; one that is started anew has not,
    unless it calls install() itself, as children by multiprocessing do if the
    main module calls it outside of `if __name__ == "__main__"`.
    """
    global _installed
    if _installed:
        return
    ours = {name: import_module(OURS + name) for name in MODULES}
    theirs = {n: m for n, m in sys.modules.items() if _is_theirs(n)}
    for name, module in theirs.items():
        mine = ours.get(name.removeprefix(THEIRS))
        _displaced[name] = module, _fill(module, mine) if mine else {}
        del sys.modules[name]
    for name, mine in ours.items():
        sys.modules[THEIRS + name] = mine
    _installed = True


def uninstall() -> None:
    """Take install() back: aiofiles is what it was before.

    Modules that have imported it in the meantime keep what they have.  Nothing
    happens if it is not installed.
    """
    global _installed
    if not _installed:
        return
    for name in [n for n in sys.modules if _is_theirs(n)]:
        del sys.modules[name]
    for name, (module, kept) in _displaced.items():
        sys.modules[name] = module
        vars(module).update(kept)
    _displaced.clear()
    _installed = False


class _Installed:
    """What is install_program() where it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return install_program, ()


def install_program() -> None:
    """Install, in this process and in its children by multiprocessing.

    One that is forked has it already.  Another is sent what tells it which
    program it is part of, before it imports a thing of that program.
    """
    from multiprocessing import spawn

    install()
    prepare = spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        return {"aiofiles_c": _Installed(), **prepare(name)}

    spawn.get_preparation_data = get_preparation_data
