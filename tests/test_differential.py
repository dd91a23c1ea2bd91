"""Any sequence of calls does what it does to a file of built-in `open`."""

import asyncio

import pytest

from .support import strategies
from .support.examples import examples_of
from .support.model import run


@pytest.fixture(scope="module")
def loop():
    """One event loop for all the examples."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the two files of an example lie."""
    return tmp_path_factory.mktemp("differential")


@examples_of(strategies.text_cases())
def test_text_any_sequence_behaves_as_open(lib, loop, folder, case):
    """Text: results, errors, `newlines`, cookies, bytes are those of open."""
    loop.run_until_complete(run(case, lib.open, folder))


@examples_of(strategies.buffered_cases())
def test_buffered_any_sequence_behaves_as_open(lib, loop, folder, case):
    """Buffered: results, errors, offsets and bytes are those of open."""
    loop.run_until_complete(run(case, lib.open, folder))


@examples_of(strategies.raw_cases())
def test_raw_any_sequence_behaves_as_open(lib, loop, folder, case):
    """Raw: results, errors, offsets and bytes are those of open."""
    loop.run_until_complete(run(case, lib.open, folder))
