"""The programs in examples/ do what they say."""

import asyncio
import io
import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from .support.waiting import eventually, within

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LIMIT = 30  # seconds for a program


def load(name, *requirements):
    """The module of an example; skip the test without what it needs."""
    for requirement in requirements:
        pytest.importorskip(requirement, reason=f"no {requirement} here")
    spec = spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(name, *args):
    """What an example prints when it is run as a program."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_example_is_tested_here():
    """A new program comes with a test."""
    tests = Path(__file__).read_text()
    for example in EXAMPLES.glob("*.py"):
        assert f'"{example.stem}"' in tests, example


# ---- file_server ----


@pytest.fixture
async def server(tmp_path):
    """A client of the file server, whose folder has a file."""
    example = load("file_server", "aiohttp")
    from aiohttp.test_utils import TestClient, TestServer

    (tmp_path / "data").write_bytes(bytes(range(256)) * 1000)
    (tmp_path / "empty").write_bytes(b"")
    async with TestClient(TestServer(example.make_app(tmp_path))) as client:
        yield client


async def test_file_server_sends_a_file_with_its_length(server, tmp_path):
    """GET gives all of it, HEAD its size."""
    for name in ("data", "empty"):
        data = (tmp_path / name).read_bytes()
        answer = await server.get(f"/{name}")
        assert answer.status == 200
        assert answer.headers["Content-Length"] == str(len(data))
        assert await answer.read() == data
        answer = await server.head(f"/{name}")
        assert answer.headers["Content-Length"] == str(len(data))


@pytest.mark.parametrize(
    "asked, start, stop",
    (
        ("0-0", 0, 1),
        ("1000-199999", 1000, 200_000),
        ("255990-", 255_990, 256_000),
        ("-10", 255_990, 256_000),
        ("255999-999999", 255_999, 256_000),
    ),
)
async def test_file_server_sends_a_range(server, tmp_path, asked, start, stop):
    """From the first byte asked for to the last, or the end."""
    answer = await server.get("/data", headers={"Range": f"bytes={asked}"})
    assert answer.status == 206
    assert answer.headers["Content-Range"] == (
        f"bytes {start}-{stop - 1}/256000"
    )
    assert await answer.read() == (tmp_path / "data").read_bytes()[start:stop]


@pytest.mark.parametrize("asked", ("256000-", "5-2", "x-y"))
async def test_file_server_refuses_a_range_that_is_none(server, asked):
    """With the size, so that the client knows better."""
    answer = await server.get("/data", headers={"Range": f"bytes={asked}"})
    assert answer.status == 416
    assert answer.headers["Content-Range"] == "bytes */256000"


@pytest.mark.parametrize("name", ("none", "..", ".hidden", "..%2Fdata", "%00"))
async def test_file_server_shows_nothing_else(server, name):
    """Neither what is not there nor what is outside."""
    assert (await server.get(f"/{name}")).status == 404


async def test_file_server_takes_an_upload(server, tmp_path):
    """PUT writes a file, also over one that is there; nothing else stays."""
    data = os.urandom(300_000)
    for name in ("new", "data"):
        answer = await server.put(f"/{name}", data=data)
        assert answer.status == 201
        assert (tmp_path / name).read_bytes() == data
    assert sorted(os.listdir(tmp_path)) == ["data", "empty", "new"]


async def test_file_server_keeps_the_old_file_if_an_upload_breaks_off(
    server, tmp_path
):
    """A file has its name when it is complete."""
    before = (tmp_path / "data").read_bytes()
    started = asyncio.Event()

    async def endless():
        yield bytes(100_000)
        started.set()
        await asyncio.Event().wait()  # for ever

    task = asyncio.ensure_future(server.put("/data", data=endless()))
    await within(started.wait())
    await eventually(lambda: len(os.listdir(tmp_path)) == 3, "it is received")
    task.cancel()
    await asyncio.wait([task])
    await eventually(lambda: len(os.listdir(tmp_path)) == 2, "it is removed")
    assert (tmp_path / "data").read_bytes() == before


# ---- tail ----


async def test_tail_gives_last_lines_then_new_ones_also_of_a_new_file(path):
    """Whole lines only, and on after the log was rotated, or cut."""
    example = load("tail")
    path.write_text("".join(f"{n}\n" for n in range(5000)))
    lines = example.follow(path, pause=0.001)

    async def next_lines(count):
        return [(await within(lines.__anext__())) for _ in range(count)]

    assert await next_lines(10) == [f"{n}\n" for n in range(4990, 5000)]
    with open(path, "a") as log:
        log.write("half a ")
        log.flush()
        coming = asyncio.ensure_future(next_lines(1))
        await asyncio.sleep(0)
        log.write("line\n")
    assert await coming == ["half a line\n"]
    path.rename(path.with_suffix(".1"))
    path.write_text("rotated\n")
    assert await next_lines(1) == ["rotated\n"]
    path.write_text("cut\n")
    assert await next_lines(1) == ["cut\n"]
    await lines.aclose()


@pytest.mark.parametrize("text", ("", "one\n", "no end", "1\n2\nno end"))
async def test_tail_of_few_lines_begins_at_the_start(make, text):
    """Where there are fewer lines than it shows."""
    import aiofiles_c

    example = load("tail")
    async with aiofiles_c.open(make(text.encode()), "rb") as file:
        await example.seek_last_lines(file)
        assert await file.tell() == 0


# ---- csv_lines ----


async def test_csv_rows_may_have_line_ends_within_quotes(make):
    """The rows are those that csv gives of the whole file."""
    import csv

    example = load("csv_lines")
    text = (
        'name,note,price\r\n"Smith, J.","two\r\nlines",2.5\r\n'
        '\r\nplain,"a ""quote""",3\r\nlast,é,4'
    )
    path = make(text.encode())
    with open(path, newline="", encoding="utf-8") as file:
        expected = list(csv.DictReader(file))
    assert [row async for row in example.rows(path)] == expected
    assert run("csv_lines", path, "price") == "3 rows, price: 9.5\n"


# ---- copy_many ----


async def test_copy_many_copies_all_and_tells_each_byte_once(tmp_path):
    """The bar ends at the sum of the sizes."""
    example = load("copy_many", "tqdm")
    (tmp_path / "to").mkdir()
    sources = []
    for number, size in enumerate((0, 1, 70_000, 3_000_000)):
        sources.append(tmp_path / str(number))
        sources[-1].write_bytes(os.urandom(size))
    with example.tqdm(file=io.StringIO()) as bar:
        await example.copy_all(sources, tmp_path / "to", bar, at_once=2)
        assert bar.n == bar.total == 3_070_001
    for source in sources:
        copied = tmp_path / "to" / source.name
        assert copied.read_bytes() == source.read_bytes()


# ---- word_count ----


async def test_word_count_of_a_tree(tmp_path):
    """All files of that suffix, at any depth."""
    example = load("word_count")
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "one.txt").write_text("the word\nThe end\n")
    (tmp_path / "a" / "b" / "two.txt").write_text("the \n")
    (tmp_path / "a" / "bad.txt").write_bytes(b"the \xff\n")
    (tmp_path / "a" / "not.py").write_text("the")
    words = await example.count_tree(tmp_path, ".txt")
    assert words["the"] == 4 and sum(words.values()) == 7
    assert run("word_count", tmp_path, ".txt").startswith("7 words, 4 diff")
