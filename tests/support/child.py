"""A fresh interpreter that runs a piece of code."""

import os
import subprocess
import sys
import textwrap

PATIENCE = 30  # seconds; reached only where something hangs


# For code that forks: `if not os.fork(): child(main)`, and wait(pid).  A fork
# of a process with threads is what is tested, so Python's warning is no news.
FORKING = """
import asyncio, os, sys, warnings
warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)

def wait(pid):
    _, status = os.waitpid(pid, 0)
    assert status == 0, status

def child(main):
    # Run main() and end, without what the parent has left to do.
    code = 1
    try:
        # The parent's loop may still be marked as running.
        asyncio._set_running_loop(None)
        asyncio.run(asyncio.wait_for(main(), 20))
        code = 0
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
"""


def python(code, *args, cwd, begin="", flags=(), check=True, **environment):
    """Run the code, behind another piece, in a new interpreter.

    The result has `returncode`, `stdout` and `stderr`.  A sanitizer's report
    makes the call fail, whatever the code expects of its exit.
    """
    done = subprocess.run(
        [
            sys.executable,
            *flags,
            "-c",
            begin + textwrap.dedent(code),
            *map(str, args),
        ],
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
