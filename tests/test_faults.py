"""System calls that fail: the right error, once, and nothing lost unsaid.

Injected into debug builds, in each use of each call in turn; real ones are in
test_full.py.
"""

import asyncio
import errno
import io
import itertools
import os

import aiofiles_c
import aiofiles_c.os as aos
import aiofiles_c.shutil as ashutil
import pytest

from .support.inject import fault, needs_injection
from .support.waiting import within

pytestmark = needs_injection

USES = 60  # more than any of the programs here has of a call


@pytest.fixture(autouse=True)
def engine(native):
    """Only its system calls can be made to fail."""


def each_use(call, error, *, count=1, limit=0):
    """Faults in the first use of a call, the second, ... to the last."""
    for n in range(USES):
        with fault(call, error, skip=n, count=count, limit=limit) as met:
            yield n
        if not met.happened:
            return
    raise AssertionError(f"{call} is used more often than {USES} times")


PARTS = [b"%07d\n" % n * size for n, size in enumerate((1, 9000, 30, 40_000))]
WHOLE = b"".join(PARTS)


async def written(path, mode, buffering, errors):
    """Write the parts; note the errors and go on; close until it works."""
    # Of a raw file, which may take a few bytes each time, the rest is no copy.
    text = "b" not in mode
    kind = bytes.decode if text else bytes if buffering else memoryview
    try:
        file = await aiofiles_c.open(path, mode, buffering)
    except OSError as error:
        errors.append(error)
        return
    try:
        for number, part in enumerate(PARTS):
            left = kind(part)
            while left:
                count = await file.write(left)
                left = left[count:] if buffering == 0 else b""
            if number == 2:
                await file.flush()
    except OSError as error:
        errors.append(error)
    for _ in range(3):
        try:
            await file.close()
            break
        except OSError as error:
            errors.append(error)
    assert file.closed


WRITERS = (("w", -1), ("wb", -1), ("wb", 0), ("ab", 16), ("rb+", -1))


@pytest.mark.parametrize("mode, buffering", WRITERS)
@pytest.mark.parametrize(
    "name", ("EIO", "ENOSPC", "EDQUOT", "EFBIG", "ESTALE")
)
@pytest.mark.parametrize("call", ("WRITEV", "CLOSE", "OPEN", "FSTAT"))
async def test_error_while_writing_is_raised_once(
    path, mode, buffering, name, call
):
    """It comes at the write, the flush or the close, and no second time; on
    disk is a prefix of what was written."""
    number = getattr(errno, name)
    if call in ("OPEN", "FSTAT") and name != "EIO":
        pytest.skip("one error is enough for a call that writes nothing")
    for n in each_use(call, number):
        path.write_bytes(b"")
        errors = []
        await within(written(path, mode, buffering, errors))
        data = path.read_bytes()
        if not errors:  # there was no such use, or it was done without
            assert data == WHOLE, n
            continue
        assert [error.errno for error in errors] == [number], n
        assert data == WHOLE[:len(data)], n


@pytest.mark.parametrize("mode, buffering", WRITERS)
async def test_error_that_stays_lets_the_file_be_closed(
    path, mode, buffering
):
    """No byte can be written any more: each close() says so, or it was said
    before; the descriptor is free after the first."""
    path.write_bytes(b"")
    with fault("WRITEV", errno.EIO, count=10_000):
        file = await aiofiles_c.open(path, mode, buffering)
        descriptor = os.dup(file.fileno())
        data = b"data" if "b" in mode else "data"
        raised = []
        for call in (
            lambda: file.write(data), file.flush, file.close, file.close
        ):
            try:
                await within(call())
            except OSError as error:
                raised.append(error.errno)
        assert raised and set(raised) == {errno.EIO}
        assert file.closed
        os.close(descriptor)
    assert path.read_bytes() == b""


@pytest.mark.parametrize("mode, buffering", WRITERS)
@pytest.mark.parametrize("limit", (1, 7, 4096))
async def test_short_writes_are_completed(path, mode, buffering, limit):
    """A system call that takes a part only is followed by another."""
    if buffering == 0 and limit == 1:
        pytest.skip("each takes a trip to a worker, and there are too many")
    path.write_bytes(b"")
    with fault("WRITEV", 0, count=1_000_000, limit=limit):
        errors = []
        await within(written(path, mode, buffering, errors), 40)
    assert not errors
    assert path.read_bytes() == WHOLE


READERS = (("r", -1), ("rb", -1), ("rb", 0), ("rb+", 16))


async def read_out(path, mode, buffering, errors, *, lines=False):
    """Read to the end; an error is noted and the reading goes on."""
    try:
        file = await aiofiles_c.open(path, mode, buffering)
    except OSError as error:
        errors.append(error)
        return None
    got = []
    while True:
        try:
            part = await (file.readline() if lines else file.read(5000))
        except OSError as error:
            errors.append(error)
            continue
        if not part:
            break
        got.append(part)
    try:
        await file.close()
    except OSError as error:
        errors.append(error)
    assert file.closed
    return b"".join(p if "b" in mode else p.encode() for p in got)


DATA = b"".join(b"%07d\n" % n for n in range(6000))


@pytest.mark.parametrize("lines", (False, True))
@pytest.mark.parametrize("mode, buffering", READERS)
@pytest.mark.parametrize(
    "call", ("READV", "READ_NOWAIT", "OPEN", "FSTAT", "LSEEK", "CLOSE")
)
@pytest.mark.parametrize("name", ("EIO", "ESTALE"))
async def test_error_while_reading_is_raised_once_and_loses_nothing(
    make, mode, buffering, call, name, lines
):
    """What is read after the error goes on where the last read ended."""
    number = getattr(errno, name)
    path = make(DATA)
    if lines and buffering != -1:
        pytest.skip("a line is a system call there")
    for n in each_use(call, number):
        errors = []
        got = await within(
            read_out(path, mode, buffering, errors, lines=lines)
        )
        if call == "LSEEK" and got is None:  # it counts as a pipe, as in io
            assert isinstance(errors.pop(), io.UnsupportedOperation)
        assert [e.errno for e in errors] in ([], [number]), n
        if got is not None:
            assert got == DATA, n


@pytest.mark.parametrize("mode, buffering", READERS)
@pytest.mark.parametrize("call", ("READV", "READ_NOWAIT"))
@pytest.mark.parametrize("limit", (1, 7, 3000))
async def test_short_reads_are_completed(make, mode, buffering, call, limit):
    """The end of the file is where a read gives nothing, not less."""
    data = DATA[:6000]
    with fault(call, 0, count=100_000, limit=limit):
        errors = []
        got = await within(read_out(make(data), mode, buffering, errors))
    assert not errors
    assert got == data


@pytest.mark.parametrize("mode, buffering", (("r", -1), ("wb", -1)))
@pytest.mark.parametrize(
    "call",
    (
        "OPEN", "CLOSE", "FSTAT", "LSEEK", "FTRUNCATE", "READV", "WRITEV",
        "READ_NOWAIT",
    ),
)
async def test_interrupted_calls_are_made_again(
    make, path, mode, buffering, call
):
    """EINTR is nobody's business; close() is not made again, and is done."""
    for count in (1, 5):
        for _ in each_use(call, errno.EINTR, count=count):
            errors = []
            if mode == "r":
                got = await within(
                    read_out(make(DATA), mode, buffering, errors)
                )
                assert got == DATA
            else:
                await within(written(path, mode, buffering, errors))
                assert path.read_bytes() == WHOLE
            assert not errors


@pytest.mark.parametrize("name", ("EIO", "EACCES", "ENFILE", "ESTALE"))
async def test_error_of_a_call_of_os_is_raised(tmp_path, name):
    """That of the system call, with the name; and the next call works."""
    number = getattr(errno, name)
    path = str(tmp_path / "file")
    open(path, "w").close()
    for call, function in (
        ("NAMES", lambda: aos.stat(path)),
        ("NAMES", lambda: aos.rename(path, path)),
        ("NAMES", lambda: aos.mkdir(path + "-dir")),
        ("NAMES", lambda: aos.listdir(tmp_path)),
        ("OPEN", lambda: aos.listdir(tmp_path)),
    ):
        raised = []
        for _ in each_use(call, number):
            try:
                await within(function())
            except OSError as error:
                raised.append(error.errno)
                assert error.filename is not None
            if os.path.isdir(path + "-dir"):
                os.rmdir(path + "-dir")
        assert set(raised) <= {number}
        assert raised or call == "NAMES"


@pytest.mark.parametrize("call", ("READV", "WRITEV", "OPEN", "CLOSE", "FSTAT"))
async def test_error_while_copying_is_raised(tmp_path, call):
    """copyfile() raises it; what is in the target is a prefix."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(DATA)
    for n in each_use(call, errno.ENOSPC):
        target.write_bytes(b"")
        try:
            with fault("COPY", errno.EOPNOTSUPP, count=1000):
                await within(ashutil.copyfile(source, target))
        except OSError as error:
            assert error.errno == errno.ENOSPC, n
        else:
            assert target.read_bytes() == DATA, n
        data = target.read_bytes()
        assert data == DATA[:len(data)], n


LARGE = bytes(range(256)) * 33_000 + b"the end"  # workers share its copy


@pytest.mark.parametrize("call", ("READV", "WRITEV", "FTRUNCATE", "LSEEK"))
@pytest.mark.parametrize("count", (1, 1000))
async def test_error_while_workers_copy_leaves_a_beginning(
    tmp_path, call, count
):
    """One that stays is raised; one that is gone may not be.  In the target
    is nothing that lies behind a part that is missing."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(LARGE)
    with fault("COPY", errno.EOPNOTSUPP, count=1000):
        for n in each_use(call, errno.ENOSPC, count=count):
            target.write_bytes(b"old")
            failed = False
            try:
                await within(ashutil.copyfile(source, target))
            except OSError as error:
                failed = error.errno == errno.ENOSPC
                assert failed, n
            data = target.read_bytes()
            if data != b"old":  # it was not even opened
                assert data == LARGE[:len(data)], n
                assert failed or data == LARGE, n


@pytest.mark.parametrize("call", ("READV", "WRITEV"))
async def test_short_calls_of_workers_that_copy_are_completed(tmp_path, call):
    """A part that comes to less than it was to be is gone on with."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(LARGE)
    for skip in range(9):
        with (
            fault("COPY", errno.EOPNOTSUPP, count=1000),
            fault(call, skip=skip, count=2, limit=100_003),
        ):
            await within(ashutil.copyfile(source, target))
        assert target.read_bytes() == LARGE, skip


async def test_no_thread_to_start_is_an_error_once_there_is_none(path):
    """Without a worker: RuntimeError; with one the work goes on."""
    aiofiles_c.set_threads(8)
    path.write_bytes(DATA)
    async with aiofiles_c.open(path, "rb") as file:
        await file.read(10)
        await asyncio.gather(*(aos.listdir(path.parent) for _ in range(3)))
        with fault("THREAD", errno.EAGAIN, count=100_000):
            async with aiofiles_c.open(path.with_name("new"), "wb") as new:
                for _ in range(30):
                    await new.write(b"x" * 70_000)
            names = await within(
                asyncio.gather(*(aos.listdir(path.parent) for _ in range(30)))
            )
            assert all(sorted(n) == ["file", "new"] for n in names)
    assert path.with_name("new").stat().st_size == 30 * 70_000


async def test_no_descriptor_for_the_loop_is_an_error(path):
    """EMFILE where a port, or a poller, is to be made."""
    for call in itertools.islice(each_use("NEW_FD", errno.EMFILE), 5):
        reading, writing = os.pipe()
        os.write(writing, b"data\n")
        os.close(writing)
        line, tries = None, 0
        while line is None:
            tries += 1
            try:
                async with aiofiles_c.open(
                    reading, "rb", closefd=False
                ) as file:
                    line = await within(file.readline())
            except OSError as error:
                assert error.errno == errno.EMFILE
        os.close(reading)
        assert line == b"data\n", call
        assert tries <= 2
