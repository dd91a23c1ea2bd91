"""Every name of aiofiles is here, with its signature: see docs/names.rst."""

import importlib
import inspect

import pytest

from .support import names

if names.is_installed():
    pytest.skip("aiofiles is this package", allow_module_level=True)

ROWS = list(names.compare())


def test_every_name_of_aiofiles_is_there_with_its_signature():
    """Nothing is missing, of another kind, or called in another way."""
    wrong = [
        f"{where}.{name}: {problem}"
        for where, name, _, problem, _ in ROWS
        if problem
    ]
    assert not wrong, "\n".join(wrong)


def test_comparison_finds_what_users_touch():
    """The comparison is not empty: undocumented names are in it, too."""
    found = {f"{where}.{name}" for where, name, *_ in ROWS}
    assert found >= {
        "aiofiles.open",
        "aiofiles.base.AiofilesContextManager._coro",
        "aiofiles.base.AsyncBase._loop",
        "aiofiles.os.stat",
        "aiofiles.tempfile.temptypes.AsyncTemporaryDirectory.cleanup",
        "aiofiles.threadpool.sync_open",
        "aiofiles.threadpool.text.AsyncTextIOWrapper.readline",
        "aiofiles.threadpool.utils.cond_delegate_to_executor",
        "aiofiles.threadpool.wrap",
    }


@pytest.mark.parametrize(
    "theirs, mine",
    (
        (lambda a, b=1: 0, lambda a: 0),
        (lambda a, b=1: 0, lambda a, b: 0),
        (lambda a, b=1: 0, lambda a, b=2: 0),
        (lambda a, b=1: 0, lambda a, *, b=1: 0),
        (lambda a, b=1: 0, lambda b, a=1: 0),
        (lambda a: 0, lambda a, b=1: 0),
        (lambda a: 0, lambda a, *, b: 0),
        (lambda a: 0, lambda a, /: 0),
    ),
)
def test_comparison_tells_a_differing_signature(theirs, mine):
    """Each of these would be seen."""
    assert names.difference("", "f", theirs, mine)[0]


def test_comparison_allows_keywords_of_our_own():
    """What theirs has not, and need not be given, is told and no error."""
    found = names.difference("", "f", lambda a: 0, lambda a, *, b=1: 0)
    assert found == ("", ["b"])


def test_page_of_names_is_up_to_date():
    """docs/names.rst is what the script would write."""
    if not names.PAGE.exists():
        pytest.skip("not in a checkout")
    assert not names.is_stale(), "run python tests/support/names.py"
    assert len(names.without_tests(names.page())) < len(names.page())


@pytest.mark.parametrize("module", names.modules())
def test_public_callables_have_signature_and_docstring(module):
    """help() tells what each one does and takes."""
    mine = importlib.import_module("aiofiles_c" + module)
    for name in mine.__all__ if hasattr(mine, "__all__") else ():
        value = getattr(mine, name)
        if inspect.ismodule(value) or not callable(value):
            continue
        assert inspect.signature(value) is not None, name
        assert inspect.getdoc(value), name
        if not inspect.isclass(value):
            continue
        for member, method in inspect.getmembers(value, callable):
            if not member.startswith("_"):
                assert inspect.getdoc(method), f"{name}.{member}"
                assert inspect.signature(method) is not None
