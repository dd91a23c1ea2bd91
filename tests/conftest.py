"""Fixtures, and the rules that hold for every test.

A test has a deadline, and leaves no descriptor behind.  Most run over three
ways to open a file: `aiofiles`, which is the reference; `aiofiles_c`; and
`aiofiles_c` with an executor, which sends the same calls to the delegate.
With AIOFILES_C_TEST_INSTALL=1 they run over what `import aiofiles` gives after
aiofiles_c.install(), which has to do as well as the package by its own name.
"""

import asyncio
import functools
import gc
import inspect
import os
import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis.strategies import just

CHECKOUT = Path(__file__).resolve().parent.parent

# The checkout has a folder aiofiles_c without the compiled module, and
# `python -m pytest` puts it first.
sys.path[:] = [
    entry for entry in sys.path if Path(entry or ".").resolve() != CHECKOUT
]

import aiofiles_c  # noqa: E402

INSTALLED = os.environ.get("AIOFILES_C_TEST_INSTALL", "") not in ("", "0")
if INSTALLED:
    aiofiles_c.install()

import aiofiles  # noqa: E402
import aiofiles.os  # noqa: E402
import aiofiles.tempfile  # noqa: E402

from .support.functions import Functions  # noqa: E402
from .support.gate import Gate  # noqa: E402
from .support.mount import Unavailable, mounted_at  # noqa: E402
from .support.waiting import workers_rest  # noqa: E402

# Seconds for a test.  One that blocks the loop for good, so that this cannot
# end it, ends the run by faulthandler_timeout of pyproject.toml.
LIMIT = 45 if "AIOFILES_C_TEST_LEAKS" not in os.environ else 3600


def pytest_configure(config):
    # Of a shell's background commands it is ignored, and of what these start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    installed = Path(aiofiles_c.__file__).resolve()
    if installed.parent == CHECKOUT / "aiofiles_c":
        raise pytest.UsageError(
            f"aiofiles_c comes from {installed.parent}, not from where it "
            "was installed; run `pip install .` and then `pytest`"
        )


def pytest_report_header(config):
    stats = aiofiles_c.stats()
    switches = [
        f"{name}={value}"
        for name, value in sorted(os.environ.items())
        if name.startswith("AIOFILES_C_")
    ]
    return (
        f"aiofiles_c: {Path(aiofiles_c.__file__).parent}, "
        f"{'native' if stats['native'] else 'delegate only'}, "
        f"{stats['max_threads']} threads, {' '.join(switches) or 'no switch'}"
    )


def _bounded(test):
    @functools.wraps(test)
    async def run(*args, **kwargs):
        await asyncio.wait_for(test(*args, **kwargs), LIMIT)

    return run


def pytest_collection_modifyitems(config, items):
    if INSTALLED:  # what else there is does not go by the name
        others = [i for i in items if "libraries" not in i.fixturenames]
        config.hook.pytest_deselected(items=others)
        items[:] = [i for i in items if "libraries" in i.fixturenames]
    for item in items:
        if inspect.iscoroutinefunction(getattr(item, "obj", None)):
            item.obj = _bounded(item.obj)


@settings(max_examples=1, database=None)
@given(just(None))
def _first_example(_):
    """Have hypothesis make what it asks the collector about."""


def pytest_collection_finish():
    # Many tests run the collector.  It need not look at pytest each time.
    _first_example()
    gc.collect()
    gc.freeze()


def open_descriptors():
    """The open descriptors and what they are; none where that is unknown.

    What event loops use for themselves is left out.
    """
    found = {}
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return found
    for name in names:
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:  # the listing's own
            continue
        if not target.startswith(("anon_inode:", "socket:")):
            found[int(name)] = target
    return found


def without_port(left):
    """Leave out the two ends of one pipe: a loop's port, where it is one.

    It is an eventfd but in the portable build, and stays as long as the loop,
    which ends after the test.
    """
    for target in set(left.values()):
        ends = [fd for fd in left if left[fd] == target]
        if target.startswith("pipe:") and len(ends) == 2:
            return {fd: left[fd] for fd in left if fd not in ends}
    return left


@pytest.fixture(autouse=True)
def descriptors():
    """Fail a test that leaves a descriptor behind."""
    workers_rest(5)  # the test before may have left work under way
    before = open_descriptors()
    yield
    after = open_descriptors()
    if after.keys() - before.keys():
        gc.collect()
        workers_rest(5)  # what was cancelled may be on its way to close one
        after = open_descriptors()
    left = {fd: after[fd] for fd in after.keys() - before.keys()}
    left = without_port(left)
    assert not left, f"descriptors left open: {left}"


class Library:
    """A library under test: the module, and a name to tell it by."""

    def __init__(self, name, module, executor=None):
        self.name = name
        self.module = module
        self.executor = executor
        self.reference = module is aiofiles and not INSTALLED
        # Whether files are expected to be the engine's own.
        self.native = (
            not self.reference
            and executor is None
            and module.stats()["native"]
        )

    def __getattr__(self, name):
        return getattr(self.module, name)

    def __repr__(self):
        return f"<{self.name}>"

    def open(self, *args, **kwargs):
        if self.executor is not None:
            kwargs.setdefault("executor", self.executor)
        return self.module.open(*args, **kwargs)


@pytest.fixture(scope="module")
def libraries():
    """The ways to open a file, by name."""
    with ThreadPoolExecutor(2) as executor:
        yield {
            "aiofiles": Library("aiofiles", aiofiles),
            "aiofiles_c": Library("aiofiles_c", aiofiles_c),
            "delegate": Library("delegate", aiofiles_c, executor),
        }


# With the engine off every file is the delegate's.
OURS = ("aiofiles_c", "delegate")[: 1 + aiofiles_c.stats()["native"]]
ALL = ("aiofiles", *OURS)
if INSTALLED:
    OURS = ALL = ("aiofiles",)
if os.environ.get("AIOFILES_C_TEST_ENGINE", "") not in ("", "0"):
    OURS = ALL = OURS[:1]  # for a variant of it; the others have no variants


@pytest.fixture(params=ALL, scope="module")
def lib(request, libraries):
    """Each of the ways to open a file."""
    return libraries[request.param]


@pytest.fixture(params=OURS, scope="module")
def ours(request, libraries):
    """As `lib`, for what is compared with aiofiles, or goes beyond it."""
    return libraries[request.param]


@pytest.fixture
def engine(native, libraries):
    """aiofiles_c, where its engine is on."""
    return libraries["aiofiles_c"]


@pytest.fixture
def aos(lib):
    """The functions of os, over each of the ways."""
    return Functions(lib, lib.module.os)


@pytest.fixture
def ours_os(ours):
    """The same, where aiofiles has not the function."""
    return Functions(ours, ours.module.os)


@pytest.fixture
def ash(ours):
    """The functions of shutil."""
    return Functions(ours, aiofiles_c.shutil)


@pytest.fixture
def temp(lib):
    """Temporary files and directories, over each of the ways."""
    return Functions(lib, lib.module.tempfile)


@pytest.fixture
def our_temp(ours):
    """The same, beyond what aiofiles does."""
    return Functions(ours, ours.module.tempfile)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The directory for temporary files: what is in it was left behind."""
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def path(tmp_path):
    """Where a file may be made; there is none yet."""
    return tmp_path / "file"


@pytest.fixture
def pipe():
    """The two ends of a pipe; what a test leaves open is closed."""
    ends = list(os.pipe())
    yield ends
    for end in ends:
        if end is not None:
            os.close(end)


@pytest.fixture
def make(path):
    """Write the bytes to `path` and return it."""

    def write(data):
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def native():
    """The counts of the engine; a test that needs one is skipped without."""
    if not aiofiles_c.stats()["native"]:
        pytest.skip("the engine is off (AIOFILES_C_PURE) or not built")
    return aiofiles_c.stats


@pytest.fixture
def local(lib):
    """For what native files do on devices that are known as local."""
    if lib.native and aiofiles_c._engine.core.PORTABLE:
        pytest.skip("to the portable build any device may hang")


@pytest.fixture
def at_once(native):
    """As `native`, for tests of what is served without a thread."""
    if os.environ.get("AIOFILES_C_INLINE") == "0":
        pytest.skip("everything goes to the pool (AIOFILES_C_INLINE=0)")
    return native


@pytest.fixture
def elsewhere(tmp_path):
    """A folder on another file system."""
    if not os.path.isdir("/dev/shm") or (
        os.stat("/dev/shm").st_dev == os.stat(tmp_path).st_dev
    ):
        pytest.skip("there is no second file system")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield folder


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    """A folder on an overlayfs of its own, which takes root to mount."""
    base = tmp_path_factory.mktemp("overlay")
    parts = {name: base / name for name in ("lower", "upper", "work", "top")}
    for part in parts.values():
        part.mkdir()
    options = "lowerdir={lower},upperdir={upper},workdir={work}"
    options = options.format(**parts)
    try:
        with mounted_at(parts["top"], "overlay", "overlay", options):
            yield parts["top"]
    except Unavailable as error:
        pytest.skip(f"no overlayfs can be mounted here: {error}")


@pytest.fixture
def threads():
    """Enough threads for all that a test starts at once."""
    before = aiofiles_c.stats()["max_threads"]
    aiofiles_c.set_threads(16)
    yield 16
    aiofiles_c.set_threads(before)


@pytest.fixture
def gate(tmp_path):
    """Holds the workers of aiofiles_c: `async with gate.shut(): ...`."""
    return Gate(aiofiles_c, tmp_path)
