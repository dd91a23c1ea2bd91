"""Compare the installed aiofiles with this package, name by name.

    python tests/support/names.py          write docs/names.rst
    python tests/support/names.py --check  fail where it is out of date, a
                                           name is missing or a signature
                                           differs

The names are those that aiofiles defines itself: what its modules import from
the standard library under its own name is no part of it.
"""

import importlib
import inspect
import io
import pkgutil
import re
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
PAGE = TOP / "docs" / "names.rst"

# Whose methods the classes of aiofiles pass calls on to, as (*args, **kwargs):
# the parameters of these are what can be given.
PASSED_ON = {
    "AsyncBufferedIOBase": io.BufferedWriter,
    "AsyncBufferedReader": io.BufferedRandom,
    "AsyncFileIO": io.FileIO,
    "AsyncIndirectBufferedIOBase": io.BufferedWriter,
    "AsyncIndirectBufferedReader": io.BufferedRandom,
    "AsyncIndirectFileIO": io.FileIO,
    "AsyncSpooledTemporaryFile": io.BufferedRandom,
    "AsyncTemporaryDirectory": tempfile.TemporaryDirectory,
    "AsyncTextIOWrapper": io.TextIOWrapper,
    "AsyncTextIndirectIOWrapper": io.TextIOWrapper,
}

# What a class has of its metaclass or machinery, and nobody's to call.
MACHINERY = {
    "__abstractmethods__", "__annotations__", "__annotations_cache__",
    "__dict__", "__doc__", "__firstlineno__", "__module__",
    "__orig_bases__", "__parameters__", "__slotnames__", "__slots__",
    "__static_attributes__", "__weakref__", "_abc_impl",
}


def is_installed():
    """Whether there is nothing to compare, after aiofiles_c.install()."""
    import aiofiles

    return aiofiles.__name__ != "aiofiles"


def modules():
    """The names of the modules of aiofiles, "" for the package itself."""
    import aiofiles

    return [""] + sorted(
        name.removeprefix("aiofiles")
        for _, name, _ in pkgutil.walk_packages(
            aiofiles.__path__, "aiofiles."
        )
    )


def is_own(name, value):
    """Whether a module of aiofiles has this of itself, not of the library."""
    if name.startswith("_"):
        return name == "__all__"
    if inspect.ismodule(value):
        return value.__name__.startswith("aiofiles")
    home = getattr(value, "__module__", None) or type(value).__module__
    return (
        home.split(".")[0] == "aiofiles"
        or getattr(value, "__name__", name) != name
        or hasattr(value, "__wrapped__")
    )


def names(module):
    """The names that a module of aiofiles has, and their values."""
    theirs = importlib.import_module("aiofiles" + module)
    listed = getattr(theirs, "__all__", ())
    return {
        name: value
        for name, value in sorted(vars(theirs).items())
        if name in listed or is_own(name, value)
    }


def members(cls):
    """What a class of aiofiles defines, and those before it."""
    found = {}
    for base in reversed(cls.__mro__):
        if base.__module__.split(".")[0] == "aiofiles":
            found.update(vars(base))
    return {
        name: value
        for name, value in sorted(found.items())
        if name not in MACHINERY
    }


def kind(value):
    """What sort of thing it is, in a word or two."""
    if inspect.ismodule(value):
        return "module"
    if inspect.isclass(value):
        return "class"
    if inspect.iscoroutinefunction(value) or hasattr(value, "_is_coroutine"):
        return "coroutine function"
    if callable(value):
        return "function"
    if isinstance(value, property) or inspect.isdatadescriptor(value):
        return "attribute"
    return "object"


def parameters(value):
    """The parameters of a callable, or None where nobody knows them."""
    try:
        return list(inspect.signature(value).parameters.values())
    except ValueError:
        return None


def passes_on(params):
    """Whether the parameters, after self, are (*args, **kwargs)."""
    kinds = [p.kind for p in params[-2:]]
    return kinds == [
        inspect.Parameter.VAR_POSITIONAL,
        inspect.Parameter.VAR_KEYWORD,
    ]


def shape(params, named=True):
    """What a caller can tell of parameters: names, kinds and defaults."""
    return [
        (
            p.name
            if named and p.kind is not inspect.Parameter.POSITIONAL_ONLY
            else None,
            p.kind,
            p.default,
        )
        for p in params
    ]


def is_extra(param):
    """Whether a parameter that theirs has not is no matter to a caller."""
    return (
        param.kind is inspect.Parameter.KEYWORD_ONLY
        and param.default is not inspect.Parameter.empty
    )


def difference(owner, name, theirs, mine):
    """What differs in the signatures, or ""; and the parameters added."""
    their = parameters(theirs)
    my = parameters(mine)
    if their is None:
        return "", []
    if my is None:
        return "has no signature", []
    if owner in PASSED_ON and passes_on(their):
        real = getattr(PASSED_ON[owner], name, None)
        their = parameters(real) if real is not None else None
        if their is None:  # the library does not tell either
            return "", []
        # By their places: io takes no keywords, but for names of one letter.
        my_shape, their_shape = ([p for p in ps][1:] for ps in (my, their))
        if len(my_shape) != len(their_shape) or any(
            (a.default is a.empty) != (b.default is b.empty)
            for a, b in zip(my_shape, their_shape)
        ):
            of_io = f"of io {inspect.signature(real)}"
            return f"{inspect.signature(mine)}, {of_io}", []
        return "", []
    known = {p.name for p in their}
    added = [p for p in my if p.name not in known and is_extra(p)]
    rest = [p for p in my if p not in added]
    if shape(rest) != shape(their):
        return f"{inspect.signature(mine)} for {inspect.signature(theirs)}", []
    return "", [p.name for p in added]


def compare():
    """Yield a row for each name: where, name, kind, what is wrong, added."""
    for module in modules():
        where = "aiofiles" + module
        try:
            mine = importlib.import_module("aiofiles_c" + module)
        except ModuleNotFoundError:
            yield where, "", "module", "missing", []
            continue
        for name, theirs in names(module).items():
            if name == "__all__":
                lost = sorted(set(theirs) - set(mine.__all__))
                wrong = f"lacks {', '.join(lost)}" if lost else ""
                yield where, name, "object", wrong, []
                continue
            if not hasattr(mine, name):
                yield where, name, kind(theirs), "missing", []
                continue
            ours = getattr(mine, name)
            yield (where, name, *compared("", name, theirs, ours))
            if inspect.isclass(theirs) and theirs.__module__ == where:
                for member, value in members(theirs).items():
                    if not hasattr(ours, member):
                        found = kind(value), "missing", []
                    else:
                        found = compared(
                            name,
                            member,
                            getattr(theirs, member),
                            getattr(ours, member),
                        )
                    yield (where, f"{name}.{member}", *found)


def compared(owner, name, theirs, mine):
    """The kind of a name, what is wrong with ours, and what it has more."""
    if kind(theirs) != kind(mine):
        return kind(theirs), f"is a {kind(mine)}", []
    if not callable(theirs) or inspect.ismodule(theirs):
        return kind(theirs), "", []
    wrong, added = difference(owner, name, theirs, mine)
    return kind(theirs), wrong, added


def tested_in(where, name):
    """The files of tests in which the name is used, three at most."""
    parent, _, last = name.rpartition(".")
    if not parent and where in ("aiofiles.os", "aiofiles.ospath"):
        owner = "test_" + where.rpartition(".")[2]
        stems = [s for s in TESTS if s == owner or s.startswith(owner + "_")]
        return [stem for stem in stems if last in TESTS[stem]][:3]
    return [stem for stem, words in TESTS.items() if last in words][:3]


# The words that each file of tests uses.
TESTS = {
    path.stem: set(re.findall(r"\w+", path.read_text()))
    for path in sorted((TOP / "tests").glob("test_*.py"))
    if path.stem != "test_names"
}

HEADER = """\
Names
=====

Every name of ``aiofiles`` 25.1 and what this package has under it.  Written by
``python tests/support/names.py``, which compares the two where both are
installed; ``tests/test_names.py`` fails on a name that is missing or a
signature that differs.

*Same* is a signature with the same parameters, in the same order, with the
same defaults; *more* are parameters, for keywords only, that can be given
besides.  Where ``aiofiles`` passes ``*args, **kwargs`` on to the synchronous
file, the signature is that of the method of ``io`` that gets them.  What is
tested is found by name; the tests of all names run over both packages.

"""


def signature_cell(what, wrong, added):
    """What the table says of a signature."""
    if wrong:
        return f"**{wrong}**"
    if what not in ("class", "function", "coroutine function"):
        return ""
    return "same, and more" if added else "same"


def page():
    """The text of docs/names.rst."""
    lines = [HEADER]
    section = None
    for where, name, what, wrong, added in compare():
        if where != section:
            section = where
            lines.append(f"\n{where}\n{'-' * len(where)}\n\n{TABLE_HEAD}")
        tests = ", ".join(f"``{stem}``" for stem in tested_in(where, name))
        signature = signature_cell(what, wrong, added)
        cells = (f"``{name}``", what, signature, tests)
        row = "   * - " + "\n     - ".join(cells) + "\n"
        lines.append("".join(re.sub(" +$", "", row, flags=re.MULTILINE)))
    return "".join(lines)


TABLE_HEAD = """\
.. list-table::
   :header-rows: 1

   * - name
     - what
     - signature
     - tested in
"""


def without_tests(text):
    """The page but for the last cell of each row, which follows the tests."""
    return re.sub(
        r"((?:^   \* - .*\n)(?:^     -.*\n){2})^     -.*\n",
        r"\1",
        text,
        flags=re.MULTILINE,
    )


def is_stale():
    """Whether the page is not what would be written, but for the tests.

    What is more depends on the Python, too: not each tells all its signatures.
    """

    def known(text):
        return without_tests(text).replace("same, and more", "same")

    return not PAGE.exists() or known(PAGE.read_text()) != known(page())


def main():
    wrong = [
        f"{where}.{name}: {problem}"
        for where, name, _, problem, _ in compare()
        if problem
    ]
    for line in wrong:
        print(line, file=sys.stderr)
    if "--check" in sys.argv[1:]:
        stale = is_stale()
        if stale:
            print(f"{PAGE} is out of date", file=sys.stderr)
        return 1 if wrong or stale else 0
    PAGE.write_text(page())
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
