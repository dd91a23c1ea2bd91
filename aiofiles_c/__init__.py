"""Files for asyncio: the API of aiofiles, run by an engine in C."""

from __future__ import annotations

from ._engine import set_threads, set_trace, stats
from ._explain import explain
from ._install import install, uninstall
from .threadpool import (
    open,
    stderr,
    stderr_bytes,
    stdin,
    stdin_bytes,
    stdout,
    stdout_bytes,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from . import (
        os as os,
        ospath as ospath,
        shutil as shutil,
        tempfile as tempfile,
    )

__version__ = "0.1.0"

__all__ = (
    "__version__",
    "explain",
    "install",
    "open",
    "set_threads",
    "set_trace",
    "stats",
    "stderr",
    "stderr_bytes",
    "stdin",
    "stdin_bytes",
    "stdout",
    "stdout_bytes",
    "tempfile",
    "uninstall",
)

_LAZY = ("os", "ospath", "shutil", "tempfile")


def __getattr__(name: str) -> ModuleType:
    """Import a submodule when it is first asked for.

    The standard tempfile alone would double the time of the import.
    """
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module("." + name, __name__)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
