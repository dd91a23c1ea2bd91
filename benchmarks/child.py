"""Running a measurement of a script in a process of its own.

A script that measures whole processes (memory, lag, programs) starts itself
again with ``--child`` and the measurement's arguments as JSON, and prints its
answer as one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

__all__ = ("ask", "is_child", "serve")

FLAG = "--child"


def is_child() -> bool:
    return len(sys.argv) == 3 and sys.argv[1] == FLAG


def ask(script: str, **arguments: Any) -> dict[str, Any]:
    """Run one measurement; "left_out" in it says why there is none."""
    done = subprocess.run(
        [sys.executable, script, FLAG, json.dumps(arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode != 0:
        why = f"failed with exit code {done.returncode}, see above"
        return {"left_out": why, "failed": True}
    return json.loads(done.stdout)


def serve(measure: Callable[..., dict[str, Any]]) -> int:
    """The child's main()."""
    try:
        answer = measure(**json.loads(sys.argv[2]))
    except ImportError as e:
        answer = {"left_out": f"cannot be imported: {e}"}
    print(json.dumps(answer))
    return 0
