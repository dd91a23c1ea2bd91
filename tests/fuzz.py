"""The differential tests for as long as one likes: python -m tests.fuzz

Cases of tests/support are run on built-in `open` and on the installed
aiofiles_c, batch after batch, each with its own seed, until the time is up or
a case fails; that one is shrunk and printed, with the seed of its batch.

    python -m tests.fuzz --minutes 30
    python -m tests.fuzz --seed 1234 --kind text --examples 5000
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

# Operations at once, and cancelled ones: of the engine alone.
CONCURRENT = ("burst", "interrupted")
CHECKOUT = Path(__file__).resolve().parent.parent


def library():
    """Import the installed aiofiles_c, not the folder of the checkout."""
    kept = sys.path[:]
    sys.path[:] = [p for p in kept if Path(p or ".").resolve() != CHECKOUT]
    try:
        import aiofiles_c
    finally:
        sys.path[:] = kept
    return aiofiles_c


def options():
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=__doc__.partition("\n")[0],
    )
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, help="one batch, of this seed")
    parser.add_argument("--examples", type=int, default=500, help="of a batch")
    parser.add_argument(
        "--kind", choices=("text", "buffered", "raw", *CONCURRENT),
        action="append",
    )
    return parser.parse_args()


def batch(kind, number, examples, opener, loop, folder):
    """Run the examples of one seed; an AssertionError is the finding."""
    from hypothesis import HealthCheck, given, seed, settings

    from .support import model, strategies

    model.LIMIT = 900  # the machine may have other things to do for a while
    run = {
        "burst": model.run_at_once, "interrupted": model.run_interrupted
    }.get(kind, model.run)
    cases = getattr(strategies, f"{kind}_cases")

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases())
    def check(case):
        loop.run_until_complete(run(case, opener, folder))

    check()


def main():
    arguments = options()
    module = library()
    print(f"aiofiles_c of {Path(module.__file__).parent}: {module.stats()}")
    kinds = arguments.kind or ["text", "buffered", "raw"]
    if not arguments.kind and module.stats()["native"]:
        kinds += CONCURRENT
    ends = time.monotonic() + 60 * arguments.minutes
    batches = 0
    loop = asyncio.new_event_loop()
    with tempfile.TemporaryDirectory() as folder:
        while batches == 0 or time.monotonic() < ends:
            number = arguments.seed
            if number is None:
                number = random.SystemRandom().randrange(1 << 32)
            for kind in kinds:
                try:
                    batch(
                        kind, number, arguments.examples, module.open, loop,
                        folder,
                    )
                except BaseException:
                    print(f"\nfailed: --kind {kind} --seed {number} "
                          f"--examples {arguments.examples}", flush=True)
                    raise
            batches += 1
            if arguments.seed is not None:
                break
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    print(f"{batches * len(kinds) * arguments.examples} cases, no finding")
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
