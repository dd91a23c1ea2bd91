"""What a result was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

__all__ = ("describe", "file_system")


def file_system(folder: str | os.PathLike[str]) -> str:
    """Type of the file system that folder lies on, "unknown" if not known."""
    device = os.stat(folder).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    found = "unknown"
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    except OSError:
        return found
    for mount in mounts.splitlines():
        fields = mount.split()
        if fields[2] == wanted:
            found = fields[fields.index("-") + 1]
    return found


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    for line in text.splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    here = os.path.dirname(os.path.abspath(__file__))
    try:
        done = subprocess.run(
            ["git", "-C", here, "describe", "--always", "--dirty"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def describe(folder: str | os.PathLike[str], loop: str) -> dict[str, Any]:
    """Kernel, file system, processors, Python, commit, switches, load."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": _commit(),
        "system": f"{platform.system()} {platform.release()}",
        "file_system": file_system(folder),
        "cpu": _cpu(),
        "cpus": len(os.sched_getaffinity(0)),
        "python": sys.version.replace("\n", " "),
        "loop": loop,
        "load": list(os.getloadavg()),
        "switches": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith("AIOFILES_C_")
        },
    }
