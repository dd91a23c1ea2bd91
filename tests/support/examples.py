"""How many examples a property is tested with, and which.

They are the same in every run.  AIOFILES_C_TEST_EXAMPLES asks for another
number of them, AIOFILES_C_TEST_SEED (a number) for others;
`python -m tests.fuzz` goes on for as long as it is told to.
"""

import os

from hypothesis import HealthCheck, given, seed, settings

EXAMPLES = int(os.environ.get("AIOFILES_C_TEST_EXAMPLES") or 300)
SEED = os.environ.get("AIOFILES_C_TEST_SEED")


def examples_of(cases):
    """Call the decorated test with `case=` for examples of the strategy."""

    def decorate(test):
        test = settings(
            max_examples=EXAMPLES,
            derandomize=not SEED,
            deadline=None,
            database=None,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        )(given(case=cases)(test))
        return seed(int(SEED))(test) if SEED else test

    return decorate
