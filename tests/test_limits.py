"""Great numbers and sizes, strange names, files that others change."""

import asyncio
import errno
import os
import resource

import aiofiles_c
import aiofiles_c.os as aos
import pytest

from .support.waiting import within

GIB = 1 << 30


@pytest.fixture
def many_descriptors():
    """Leave to be opened more than a process usually may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 6000:
        pytest.skip("not so many descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 6000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_thousands_of_files_are_open_at_once(
    native, many_descriptors, tmp_path
):
    """5,000 of them, each with its own data."""
    files = []
    try:
        for number in range(5000):
            file = await aiofiles_c.open(tmp_path / str(number % 500), "wb+")
            files.append(file)
        await within(
            asyncio.gather(*(f.write(b"%d" % n) for n, f in enumerate(files)))
        )
        for number in (0, 2500, 4999):
            await files[number].seek(0)
            assert await files[number].read() == b"%d" % number
    finally:
        await within(asyncio.gather(*(file.close() for file in files)))


async def test_ten_thousand_operations_are_in_flight(native, gate, make):
    """All queued while no worker is free; all answered in the end."""
    path = make(b"0123456789" * 1000)
    async with aiofiles_c.open(path, "rb") as file:
        async with gate.shut():
            tasks = [
                asyncio.ensure_future(aos.listdir(path.parent))
                for _ in range(5000)
            ]
            tasks += [asyncio.ensure_future(file.read(2)) for _ in range(5000)]
            await gate.queued(5000)
        done = await within(asyncio.gather(*tasks))
    assert all("file" in names for names in done[:5000])
    assert b"".join(done[5000:]) == b"0123456789" * 1000


@pytest.mark.parametrize("mode", ("rb+", "r+"))
async def test_offsets_beyond_4_gib(lib, path, mode):
    """A sparse file of 5 GiB: seek, write, read, tell, truncate."""
    kind = bytes if "b" in mode else bytes.decode
    with open(path, "wb") as file:
        try:
            file.truncate(5 * GIB)
        except OSError as error:
            pytest.skip(f"no such file here: {error}")
    async with lib.open(path, mode) as file:
        assert await file.seek(0, 2) == 5 * GIB
        assert await file.seek(4 * GIB + 7) == 4 * GIB + 7
        await file.write(kind(b"here\n"))
        await file.flush()
        assert await file.tell() == 4 * GIB + 12
        await file.seek(4 * GIB + 5)
        assert await file.read(7) == kind(b"\0\0here\n")
        assert await file.truncate(4 * GIB + 9) == 4 * GIB + 9
        await file.seek(4 * GIB + 7)
        assert await file.read() == kind(b"he")
    assert os.stat(path).st_size == 4 * GIB + 9
    assert (await aos.stat(path)).st_size == 4 * GIB + 9


@pytest.mark.parametrize("mode", ("rb", "r"))
async def test_line_of_100_mib(native, path, mode):
    """As one line, by readline() and by iteration, and the next after it."""
    size = 100 << 20
    with open(path, "wb") as file:
        for _ in range(100):
            file.write(b"x" * (1 << 20))
        file.write(b"\nshort\n")
    async with aiofiles_c.open(path, mode) as file:
        line = await within(file.readline())
        assert len(line) == size + 1
        assert line.count(line[:1]) == size
        assert len(await file.readline()) == 6
        await file.seek(0)
        lengths = [len(line) async for line in file]
    assert lengths == [size + 1, 6]


async def test_names_that_are_no_utf8_come_back(lib, tmp_path):
    """By str with surrogates, and by bytes."""
    name = b"caf\xe9-\xff"
    text = os.fsdecode(name)
    async with lib.open(tmp_path / text, "wb") as file:
        await file.write(b"data")
        assert os.fspath(file.name) == str(tmp_path / text)
    assert os.listdir(os.fsencode(tmp_path)) == [name]
    if not lib.reference:
        assert await aos.listdir(tmp_path) == [text]
        assert await aos.listdir(os.fsencode(tmp_path)) == [name]
        with await aos.scandir(tmp_path) as entries:
            assert [entry.name for entry in entries] == [text]
    assert (await aos.stat(tmp_path / text)).st_size == 4
    await aos.rename(tmp_path / text, tmp_path / "plain")
    with pytest.raises(FileNotFoundError) as caught:
        await lib.open(tmp_path / text)
    assert caught.value.filename == str(tmp_path / text)


async def test_path_of_the_greatest_length_and_one_more(lib, tmp_path):
    """PATH_MAX bytes, with the one at the end, are taken; more are an
    error with the name."""
    most = os.pathconf(tmp_path, "PC_PATH_MAX") - 1
    (tmp_path / "file").write_bytes(b"data")
    base = str(tmp_path)
    longest = base + "/" * (most - len(base) - 4) + "file"
    assert len(longest) == most
    async with lib.open(longest, "rb") as file:
        assert await file.read() == b"data"
    assert (await aos.stat(longest)).st_size == 4
    assert await aos.path.exists(longest)
    for call in (lib.open, aos.stat, aos.listdir):
        with pytest.raises(OSError) as caught:
            await call(base + "/" * (most - len(base) - 3) + "file")
        assert caught.value.errno == errno.ENAMETOOLONG
        assert caught.value.filename.endswith("/file")


@pytest.mark.parametrize("mode", ("rb", "r"))
async def test_file_truncated_while_it_is_read_just_ends(lib, make, mode):
    """The reader gets what it had in memory, then the end."""
    data = b"".join(b"%07d\n" % n for n in range(60_000))
    path = make(data)
    async with lib.open(path, mode) as file:
        first = await file.read(8000)
        os.truncate(path, 16_000)
        rest = await within(file.read())
        assert await file.read() == rest[:0]
    got = first + rest
    got = got if mode == "rb" else got.encode()
    assert data.startswith(got)
    assert 8000 <= len(got) <= len(data)


@pytest.mark.parametrize("mode", ("rb", "r"))
async def test_file_appended_while_it_is_read_goes_on(lib, make, mode):
    """What another process adds is read, also after the end was met."""
    kind = bytes if mode == "rb" else bytes.decode
    path = make(b"one\n")
    async with lib.open(path, mode) as file:
        assert await file.readline() == kind(b"one\n")
        assert await file.readline() == kind(b"")
        for number in range(20):
            with open(path, "ab") as other:
                other.write(b"%d\n" % number * 1000)
            got = await file.read()
            assert got == kind(b"%d\n" % number * 1000)


async def test_file_replaced_while_it_is_read_stays_what_it_was(lib, make):
    """An open file is the one that was opened, whatever its name becomes."""
    path = make(b"old" * 10_000)
    async with lib.open(path, "rb") as file:
        assert await file.read(3) == b"old"
        path.with_name("new").write_bytes(b"new" * 10_000)
        os.replace(path.with_name("new"), path)
        assert await file.read() == b"old" * 9999
