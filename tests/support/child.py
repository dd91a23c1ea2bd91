"""A fresh interpreter that runs a piece of code."""

import os
import subprocess
import sys
import textwrap

PATIENCE = 30  # seconds; reached only where something hangs


def python(code, *args, cwd, flags=(), check=True, **environment):
    """Run the code in a new interpreter, away from the checkout.

    The result has `returncode`, `stdout` and `stderr`.  A sanitizer's report
    makes the call fail, whatever the code expects of its exit.
    """
    done = subprocess.run(
        [sys.executable, *flags, "-c", textwrap.dedent(code), *map(str, args)],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    report = f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Sanitizer" not in done.stderr, report
    assert done.returncode >= 0, f"killed by a signal: {report}"
    if check:
        assert done.returncode == 0, report
    return done
