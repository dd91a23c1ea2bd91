"""The code in the documents runs, and prints what they say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .support import documents

TOP = Path(__file__).resolve().parent.parent
PAGES = [TOP / "README.rst", *sorted((TOP / "docs").glob("*.rst"))]
WITH_CODE = [page for page in PAGES if documents.blocks(page)]
LIMIT = 50  # seconds for a page

as_users_have_it = pytest.mark.skipif(
    os.environ.get("AIOFILES_C_TEST_ENGINE", "") not in ("", "0"),
    reason="documents are for the engine as it is installed, not for variants",
)


@as_users_have_it
@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_code_of_a_page_runs(page, tmp_path):
    """Block by block, as a reader would type it into one session."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", documents.__file__, page],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr
    assert "Sanitizer" not in done.stderr, done.stderr
    if done.stdout:
        pytest.skip(f"blocks were left out for want of {done.stdout.split()}")


def test_pages_that_teach_have_code():
    """A page whose code is not found would count as one that runs."""
    assert {page.name for page in WITH_CODE} >= {
        "README.rst", "faq.rst", "performance.rst", "switching.rst",
        "tutorial.rst",
    }


def test_output_that_differs_is_an_error(tmp_path):
    """What a page says is printed has been printed."""
    page = tmp_path / "page.rst"
    page.write_text(
        ".. code-block:: python\n\n   print('one')\n   print('two')\n\n"
        ".. output:\n\n.. code-block:: text\n\n   one\n   three\n"
    )
    with pytest.raises(AssertionError, match="page.rst:8: printed was"):
        documents.run(page)
    page.write_text(page.read_text().replace("three", "two"))
    assert documents.run(page) == set()


def test_output_may_differ_only_where_the_page_says_so():
    """In numbers and routes, or as an example."""
    said, printed = "read 7 by memory", "read 12.5 by pool"
    assert documents.matches(said, printed, "similar")
    assert not documents.matches(said, printed, "")
    assert not documents.matches(said, "read by pool", "similar")
    assert documents.matches(said, "another", "example")
    assert not documents.matches(said, "", "example")
