"""Files for asyncio: the API of aiofiles, run by an engine in C."""

from __future__ import annotations

from ._engine import set_threads, set_trace, stats
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
    from typing import Any

    from . import (
        os as os,
        ospath as ospath,
        shutil as shutil,
        tempfile as tempfile,
    )
    from ._explain import explain
    from ._install import install, uninstall

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

# What is imported when it is first asked for, and the module that has it.  The
# standard tempfile alone would double the time of the import.
_LAZY = {
    "explain": "._explain",
    "install": "._install",
    "os": ".os",
    "ospath": ".ospath",
    "shutil": ".shutil",
    "tempfile": ".tempfile",
    "uninstall": "._install",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found: Any = import_module(_LAZY[name], __name__)
    if not _LAZY[name].endswith("." + name):
        found = globals()[name] = getattr(found, name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
