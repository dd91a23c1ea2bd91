"""pread(), pwrite() and sync(): what files have beyond those of io.

Results are compared with os.pread() and os.pwrite() on the same file; those
that overlap in time are in test_beside.py.
"""

import builtins
import errno
import io
import os
import random

import pytest
from aiofiles_c import tempfile

from .support.waiting import within

KIB, MIB = 1 << 10, 1 << 20
DATA = random.Random(5).randbytes(300 * KIB)
LARGE = 2 * MIB  # more than is read on the loop thread

READERS = [("rb", -1), ("rb", 0), ("rb+", -1), ("rb+", 0), ("ab+", -1)]
WRITERS = [("rb+", -1), ("rb+", 0), ("wb", -1), ("wb", 0), ("wb+", 16)]
readers = pytest.mark.parametrize("mode, buffering", READERS)
writers = pytest.mark.parametrize("mode, buffering", WRITERS)


# ---- results ----


@readers
async def test_pread_gives_what_os_pread_gives(ours, make, mode, buffering):
    """Any offset and length: inside, over the end, behind it."""
    numbers = random.Random(1)
    places = [(10, 0), (0, 5), (10, len(DATA) - 3), (5, len(DATA)), (5, 2**40)]
    places += [
        (numbers.randrange(9000), numbers.randrange(len(DATA)))
        for _ in range(30)
    ]
    async with ours.open(make(DATA), mode, buffering) as file:
        for n, offset in places:
            found = await file.pread(n, offset)
            assert type(found) is bytes
            assert found == DATA[offset:offset + n], (n, offset)


@pytest.mark.parametrize("size", (LARGE, 9 * MIB + 5))
async def test_pread_of_much_is_whole(ours, make, size):
    """More than one call of the system, or one worker, may give."""
    data = random.Random(2).randbytes(size)
    async with ours.open(make(data), "rb") as file:
        assert await file.pread(size, 0) == data
        assert await file.pread(size, 12_345) == data[12_345:]
        assert await file.pread(2 * size, 1) == data[1:]


@writers
async def test_pwrite_writes_all_and_gives_the_number(
    ours, make, mode, buffering
):
    """The bytes are in the file when it returns, wherever they go."""
    path = make(DATA[:1000])
    async with ours.open(path, mode, buffering) as file:
        expected = bytearray(path.read_bytes())
        for data, offset in (
            (b"inside", 10), (b"", 3), (b"over the end", 995), (b"far", 5000),
            (DATA, 100),
        ):
            assert await file.pwrite(data, offset) == len(data)
            if data:
                expected.extend(bytes(max(0, offset - len(expected))))
                expected[offset:offset + len(data)] = data
            assert path.read_bytes() == expected


@pytest.mark.parametrize(
    "data",
    (
        b"bytes",
        bytearray(b"array"),
        memoryview(b"ints" * 4).cast("i"),
        memoryview(b"xxinsidexx")[2:-2],
    ),
    ids=("bytes", "bytearray", "ints", "slice"),
)
async def test_pwrite_takes_any_run_of_bytes(ours, path, data):
    """As os.pwrite() does; the number is that of bytes."""
    async with ours.open(path, "wb") as file:
        assert await file.pwrite(data, 2) == len(bytes(data))
    assert path.read_bytes() == b"\0\0" + bytes(data)


@pytest.mark.parametrize("buffering", (-1, 0))
async def test_position_is_not_used_and_does_not_move(ours, make, buffering):
    """Reads and writes in between go on where they were."""
    async with ours.open(make(DATA), "rb+", buffering) as file:
        assert await file.read(10) == DATA[:10]
        assert await file.pread(5, 1000) == DATA[1000:1005]
        assert await file.tell() == 10
        assert await file.pwrite(b"there", 2000) == 5
        assert await file.tell() == 10
        assert await file.read(5) == DATA[10:15]
        await file.write(b"here")
        assert await file.pread(6, 14) == DATA[14:15] + b"here" + DATA[19:20]
        assert await file.tell() == 19
        assert await file.read(5) == DATA[19:24]


@pytest.mark.parametrize("buffering", (-1, 0, 16))
@pytest.mark.parametrize("asked", (False, True), ids=("private", "fileno"))
async def test_read_sees_what_pwrite_has_written(
    ours, make, buffering, asked
):
    """Bytes read ahead are not kept where they are out of date."""
    async with ours.open(make(DATA), "rb+", buffering) as file:
        if asked:
            file.fileno()
        await file.read(100)
        await file.pwrite(b"NEW", 150)
        assert await file.read(60) == (
            DATA[100:150] + b"NEW" + DATA[153:160]
        )
        await file.pwrite(b"BACK", 110)
        await file.seek(-50, os.SEEK_CUR)
        assert await file.read(4) == b"BACK"


@pytest.mark.parametrize("asked", (False, True), ids=("private", "fileno"))
@pytest.mark.parametrize("mode", ("wb+", "ab+"))
async def test_pread_sees_what_was_written_before(ours, path, mode, asked):
    """What lies in the buffer is in the file by then."""
    async with ours.open(path, mode) as file:
        if asked:
            file.fileno()
        await file.write(b"small")
        assert await file.pread(10, 0) == b"small"
        await file.write(DATA)
        assert await file.pread(len(DATA), 5) == DATA
        await file.write(b"end")
        assert await file.pread(9, 5 + len(DATA)) == b"end"


async def test_pwrite_comes_after_what_was_written_before(ours, path):
    """It is not undone by what was still in the buffer."""
    async with ours.open(path, "wb") as file:
        await file.write(b"old old old")
        assert await file.pwrite(b"NEW", 4) == 3
        assert path.read_bytes() == b"old NEW old"
        await file.write(b"!")
    assert path.read_bytes() == b"old NEW old!"


async def test_pwrite_appends_in_a_file_opened_for_appending(ours, make):
    """So Linux has it, whatever the offset; the position stays."""
    path = make(b"start")
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    try:
        os.pwrite(descriptor, b"1", 0)
    finally:
        os.close(descriptor)
    if path.read_bytes() != b"start1":
        pytest.skip("this system writes where it is told")
    async with ours.open(path, "ab+") as file:
        assert await file.pwrite(b"2", 0) == 1
        assert await file.pread(9, 0) == b"start12"
        await file.write(b"3")
        assert await file.pwrite(b"4", 3) == 1
    assert path.read_bytes() == b"start1234"


@pytest.mark.parametrize("size", (100, 8193, 70_000))
async def test_tell_after_a_pwrite_that_appended_is_that_of_io(
    ours, make, size
):
    """The end, where the next write goes, has moved."""
    path = make(b"")
    with builtins.open(path, "ab+") as same:
        os.pwrite(same.fileno(), b"x" * 30, 0)
        same.write(b"y" * size)
        wanted = same.tell(), same.flush(), same.tell()
    path.write_bytes(b"")
    async with ours.open(path, "ab+") as file:
        await file.pwrite(b"x" * 30, 0)
        await file.write(b"y" * size)
        found = await file.tell(), await file.flush(), await file.tell()
    assert found == wanted


async def test_sync_of_text_enables_tell_as_flush_does(ours, make):
    """Also where there is nothing to write."""
    async with ours.open(make(b"\xff"), encoding="utf-8") as file:
        with pytest.raises(UnicodeDecodeError):
            await file.readlines()
        await file.sync()
        assert await file.tell() == 1


@pytest.mark.parametrize("mode", ("wb", "ab", "rb+", "w", "r+", "a"))
async def test_sync_leaves_all_in_the_file(ours, make, mode):
    """What was accepted before is with the system, and then on the device."""
    path = make(b"")
    async with ours.open(path, mode) as file:
        for _ in range(3):
            await file.write("data" if "b" not in mode else b"data")
            assert await file.sync() is None
            with builtins.open(path, "rb") as other:
                assert other.read().endswith(b"data")
    assert path.read_bytes() == b"data" * 3


async def test_sync_of_a_file_that_is_only_read(ours, make):
    """There is nothing to flush; it is no error, as for os.fsync()."""
    for mode in ("rb", "r"):
        async with ours.open(make(b"data"), mode) as file:
            await file.read(1)
            await file.sync()
            assert len(await file.read()) == 3


async def test_temporary_files_have_them():
    """They are files like others."""
    async with tempfile.NamedTemporaryFile() as named:
        assert await named.pwrite(b"data", 1) == 4
        assert await named.pread(9, 0) == b"\0data"
        await named.sync()
    async with tempfile.TemporaryFile(buffering=0) as unnamed:
        assert await unnamed.pwrite(b"data", 1) == 4
        assert await unnamed.pread(9, 0) == b"\0data"
        await unnamed.sync()


async def test_text_files_have_sync_alone(ours, path):
    """Characters have no offsets."""
    async with ours.open(path, "w+") as file:
        assert not hasattr(file, "pread")
        assert not hasattr(file, "pwrite")
        await file.sync()


# ---- errors ----


@pytest.mark.parametrize(
    "arguments",
    (
        (-1, 0), (0, -1), (5, -1), (-5, -5), (2**70, 0), (1, 2**70),
        ("1", 0), (1, None), (1.5, 0), (1, 2.0), (2, 2**63 - 1),
    ),
)
@pytest.mark.parametrize("buffering", (-1, 0))
async def test_pread_of_nonsense_raises_as_os_pread(
    ours, make, buffering, arguments
):
    """Type and errno are those of the function."""
    path = make(b"data")
    with builtins.open(path, "rb") as plain:
        with pytest.raises(Exception) as expected:
            os.pread(plain.fileno(), *arguments)
            raise EOFError
    async with ours.open(path, "rb", buffering) as file:
        try:
            assert await file.pread(*arguments) == b""
        except Exception as error:
            assert type(error) is expected.type
            assert getattr(error, "errno", 0) == (
                getattr(expected.value, "errno", 0)
            )
        else:
            assert expected.type is EOFError
        assert await file.pread(2, 1) == b"at"  # and does no harm
        assert await file.read() == b"data"


@pytest.mark.parametrize(
    "arguments",
    (
        (b"x", -1), ("x", 0), (None, 0), (5, 0), (b"x", "0"), (b"x", 2**70),
        (memoryview(b"abcd")[::2], 0), (b"x", 2**63 - 1),
    ),
)
async def test_pwrite_of_nonsense_raises_as_os_pwrite(ours, make, arguments):
    """Type and errno are those of the function, and nothing is written."""
    path = make(b"data")
    with builtins.open(path, "rb+") as plain:
        with pytest.raises(Exception) as expected:
            os.pwrite(plain.fileno(), *arguments)
    async with ours.open(path, "rb+") as file:
        with pytest.raises(expected.type) as raised:
            await file.pwrite(*arguments)
        assert getattr(raised.value, "errno", 0) == (
            getattr(expected.value, "errno", 0)
        )
        assert await file.pwrite(b"D", 0) == 1
    assert path.read_bytes() == b"Data"


async def test_wrong_number_of_arguments_is_a_type_error(ours, path):
    """Where it is awaited, if not before."""
    async with ours.open(path, "wb+") as file:
        for call in (
            lambda: file.pread(),
            lambda: file.pread(1),
            lambda: file.pread(1, 2, 3),
            lambda: file.pread(1, 2, 3, 4),
            lambda: file.pread(n=1, offset=2),
            lambda: file.pwrite(b"data"),
            lambda: file.sync(1),
        ):
            with pytest.raises(TypeError):
                await call()


@pytest.mark.parametrize("buffering", (-1, 0))
async def test_mode_that_does_not_allow_it_is_an_unsupported_operation(
    ours, make, buffering
):
    """What read() and write() of such a file raise."""
    path = make(b"data")
    async with ours.open(path, "rb", buffering) as file:
        with pytest.raises(io.UnsupportedOperation):
            await file.pwrite(b"x", 0)
    async with ours.open(path, "rb+", buffering) as file:
        await file.pwrite(b"x", 0)
    async with ours.open(path, "ab", buffering) as file:
        with pytest.raises(io.UnsupportedOperation):
            await file.pread(1, 0)
    assert path.read_bytes() == b"xata"


@pytest.mark.parametrize("buffering", (-1, 0))
async def test_closed_file_is_a_value_error(ours, make, buffering):
    """As for all that is done to a closed file."""
    async with ours.open(make(b"data"), "rb+", buffering) as file:
        pass
    for call in (
        lambda: file.pread(1, 0),
        lambda: file.pwrite(b"x", 0),
        lambda: file.sync(),
    ):
        with pytest.raises(ValueError, match="closed file"):
            await call()


async def test_pipe_has_no_offsets(ours):
    """ESPIPE, as os.pread() says; nor has it a device to sync to."""
    reading, writing = os.pipe()
    async with ours.open(reading, "rb") as reader:
        async with ours.open(writing, "wb") as writer:
            with pytest.raises(OSError) as raised:
                await reader.pread(1, 0)
            assert raised.value.errno == errno.ESPIPE
            with pytest.raises(OSError) as raised:
                await writer.pwrite(b"x", 0)
            assert raised.value.errno == errno.ESPIPE
            await writer.write(b"data")
            with pytest.raises(OSError) as raised:
                await writer.sync()
            assert raised.value.errno == errno.EINVAL
            assert await within(reader.read(4)) == b"data"


@pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="this system has no /dev/full"
)
async def test_device_that_is_full_is_an_os_error(ours):
    """pwrite() raises its own error, sync() that of what was accepted."""
    async with ours.open("/dev/full", "rb+", 0) as file:
        with pytest.raises(OSError) as raised:
            await file.pwrite(b"x", 0)
        assert raised.value.errno == errno.ENOSPC
        assert await file.pread(3, 7) == b"\0\0\0"
    file = await ours.open("/dev/full", "wb")
    await file.write(b"x")
    with pytest.raises(OSError) as raised:
        await file.sync()
    assert raised.value.errno == errno.ENOSPC
    with pytest.raises(OSError):
        await file.close()
