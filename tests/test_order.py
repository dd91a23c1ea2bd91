"""The operations of one file run in the order in which they started."""

import asyncio
import builtins
import random

import aiofiles_c
import pytest

from .support import strategies
from .support.examples import examples_of
from .support.faults import Spared
from .support.model import run_at_once
from .support.outcome import difference, outcome_of, outcome_of_await
from .support.waiting import turns, within

COUNT = 3000


@pytest.fixture(autouse=True)
def engine(native):
    """An executor's threads take calls as they come; the engine has order."""


async def test_readline_thousands_at_once_give_the_lines_in_order(make):
    """Each task gets its line, whatever the others do."""
    lines = [b"line %d\n" % n for n in range(COUNT)]
    async with aiofiles_c.open(make(b"".join(lines)), "rb") as file:
        tasks = [
            asyncio.ensure_future(file.readline()) for _ in range(COUNT + 5)
        ]
        got = await within(asyncio.gather(*tasks))
    assert got == lines + [b""] * 5


async def test_iteration_by_many_tasks_gives_each_line_once(make):
    """Tasks that iterate over one file share its lines."""
    lines = [f"line {n}\n" for n in range(COUNT)]
    seen = []

    async def worker():
        async for line in file:
            seen.append(line)
            await asyncio.sleep(0)

    async with aiofiles_c.open(make("".join(lines).encode())) as file:
        await within(asyncio.gather(*(worker() for _ in range(20))))
    assert sorted(seen) == sorted(lines)


@pytest.mark.parametrize("mode", ("w", "wb", "ab"))
async def test_write_thousands_at_once_arrive_in_order(path, mode):
    """Small and large writes started at once make the file in order."""
    chooser = random.Random(7)
    parts = [
        b"%d " % n * chooser.choice((1, 1, 1, 10, 3000))
        for n in range(COUNT)
    ]
    sent = parts if "b" in mode else [part.decode() for part in parts]
    async with aiofiles_c.open(path, mode) as file:
        counts = await within(asyncio.gather(*map(file.write, sent)))
    assert counts == [len(part) for part in parts]
    assert path.read_bytes() == b"".join(parts)


async def test_mixed_thousands_at_once_equal_the_same_calls_in_order(make):
    """Reads, writes, seeks and the rest give what blocking calls give."""
    chooser = random.Random(11)
    calls = []
    for number in range(COUNT):
        calls.append(
            chooser.choice(
                (
                    ("read", chooser.choice((1, 10, 5000))),
                    ("readline",),
                    ("write", b"%d." % number),
                    ("write", b"%d\n" % number * 2000),
                    ("seek", chooser.randrange(100_000)),
                    ("tell",),
                    ("flush",),
                    ("truncate", chooser.randrange(50_000, 150_000)),
                    ("seek", -1),
                    ("read", "bad"),
                )
            )
        )
    data = b"".join(b"%07d\n" % n for n in range(12_000))
    path = make(data)
    with builtins.open(path, "rb+") as file:
        spared = Spared(file)
        expected = [
            outcome_of(spared.call, call, call[1:]) for call in calls
        ]
    written = path.read_bytes()
    async with aiofiles_c.open(make(data), "rb+") as file:
        tasks = [
            asyncio.ensure_future(
                outcome_of_await(getattr(file, name), *args)
            )
            for name, *args in calls
        ]
        actual = await within(asyncio.gather(*tasks))
    for number, (want, have) in enumerate(zip(expected, actual, strict=True)):
        assert not difference(want, have), (number, calls[number])
    assert path.read_bytes() == written


def test_any_sequence_at_once_equals_the_same_calls_in_order(tmp_path):
    """Text, buffered and raw: what is started first is done first."""
    loop = asyncio.new_event_loop()

    @examples_of(strategies.burst_cases())
    def check(case):
        loop.run_until_complete(run_at_once(case, aiofiles_c.open, tmp_path))

    try:
        check()
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def test_order_is_that_of_the_first_steps(make):
    """Which awaitable was made first does not matter; which started does."""
    async with aiofiles_c.open(make(b"one\ntwo\nthree\n"), "rb") as file:
        first, second, third = (file.readline() for _ in range(3))
        assert await third == b"one\n"
        assert await first == b"two\n"
        assert await second == b"three\n"


async def test_failed_operation_does_not_stop_the_next(make):
    """After an error the queue of the file goes on."""
    async with aiofiles_c.open(make(b"one\ntwo\n"), "rb") as file:
        results = await within(
            asyncio.gather(
                file.readline(),
                file.read(-5),
                file.seek(-1),
                file.write(b"x"),
                file.readline(),
                return_exceptions=True,
            )
        )
    assert [type(r) for r in results[1:4]] == [
        ValueError, OSError, type(results[3])
    ]
    assert isinstance(results[3], OSError)
    assert (results[0], results[4]) == (b"one\n", b"two\n")


async def test_close_waits_for_what_started_before(path):
    """What comes before close() is done; what comes after is refused."""
    file = await aiofiles_c.open(path, "wb")
    results = await within(
        asyncio.gather(
            *(file.write(b"%06d\n" % n * 100) for n in range(500)),
            file.close(),
            file.write(b"late"),
            file.read(),
            return_exceptions=True,
        )
    )
    assert results[:500] == [700] * 500
    assert results[500] is None
    assert all(isinstance(r, ValueError) for r in results[501:])
    assert path.read_bytes() == b"".join(
        b"%06d\n" % n * 100 for n in range(500)
    )


async def test_file_that_hangs_does_not_hold_up_another(make, gate):
    """Only operations of the same file wait for each other."""
    import os

    reading, writing = os.pipe()
    async with aiofiles_c.open(reading, "rb") as pipe:
        hanging = [asyncio.ensure_future(pipe.read(1)) for _ in range(50)]
        await turns()
        async with aiofiles_c.open(make(b"data"), "rb") as file:
            assert await within(file.read()) == b"data"
        assert not any(task.done() for task in hanging)
        os.write(writing, bytes(range(50)))
        assert await within(asyncio.gather(*hanging)) == [
            bytes([n]) for n in range(50)
        ]
        os.close(writing)


async def test_two_files_of_one_path_each_have_their_order(path):
    """Order holds within a file object, whatever others do."""
    async with aiofiles_c.open(path, "ab") as one:
        async with aiofiles_c.open(path, "ab") as other:
            await within(
                asyncio.gather(
                    *(one.write(b"a%04d\n" % n) for n in range(COUNT)),
                    *(other.write(b"b%04d\n" % n) for n in range(COUNT)),
                )
            )
    lines = path.read_bytes().split()
    for letter in (b"a", b"b"):
        mine = [line for line in lines if line.startswith(letter)]
        assert mine == [letter + b"%04d" % n for n in range(COUNT)]
