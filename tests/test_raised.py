"""What handlers of signals raise, and those who wait for files meanwhile.

A handler may run wherever Python does, and so where the engine has the loop call
those who wait.  What it raises is the program's; nobody's turn is lost by it.
"""

import asyncio
import inspect
import signal
import threading

import aiofiles_c
import pytest

from .support.kernel import reads_at_once, skip_unless
from .support.waiting import jobs_end

pytestmark = pytest.mark.usefixtures("native")


class Interrupt(BaseException):
    """What a handler raises."""


class Loop(asyncio.SelectorEventLoop):
    """One whose futures raise, once, as they are settled and called back.

    As if a signal had come just then.
    """

    def __init__(self, error):
        super().__init__()
        self.error = error
        self.told = []
        self.set_exception_handler(self.tell)

    def tell(self, loop, context):
        self.told.append(context.get("exception"))

    def create_future(self):
        return Future(loop=self)

    def raise_once(self):
        error, self.error = self.error, None
        if error is not None:
            raise error

    def run_to_the_end(self, task):
        """Run until it is done, whatever is raised: a list of that."""
        raised = []
        for _ in range(20):
            try:
                self.run_until_complete(asyncio.wait([task], timeout=5))
                break
            except BaseException as error:
                raised.append(error)
        assert task.done()
        return raised + self.told


class Future(asyncio.Future):
    def set_result(self, result):
        super().set_result(result)
        self.get_loop().raise_once()


def closing(loop):
    """Let go of what the loop has, and of it."""
    loop.error = None
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


ERRORS = (Interrupt, KeyboardInterrupt, OSError, RuntimeError, RecursionError)


@pytest.mark.parametrize("error", ERRORS)
def test_error_in_a_hand_over_leaves_the_other_turns_be(tmp_path, error):
    """Ten jobs end at once; all who wait for them go on, and it is told."""
    loop = Loop(None)

    async def write(file, n):
        await file.write(b"x" * n)
        await file.flush()
        return await file.tell()

    async def main():
        files = [
            await aiofiles_c.open(tmp_path / str(n), "wb") for n in range(10)
        ]
        tasks = [
            asyncio.ensure_future(write(file, n))
            for n, file in enumerate(files)
        ]
        await asyncio.sleep(0)
        jobs_end()
        loop.error = error
        sizes = await asyncio.gather(*tasks)
        for file in files:
            await file.close()
        return sizes

    task = loop.create_task(main())
    seen = loop.run_to_the_end(task)
    closing(loop)
    assert task.result() == list(range(10))
    assert [type(e) for e in seen] == [error]


def write_as_it_raises(path, error):
    """Write by a job whose hand-over raises: the task, and what was seen."""
    loop = Loop(None)

    async def main():
        async with aiofiles_c.open(path, "rb+", buffering=0) as file:
            writing = asyncio.ensure_future(file.write(b"more"))
            await asyncio.sleep(0)
            jobs_end()
            loop.error = error
            return await writing

    task = loop.create_task(main())
    seen = loop.run_to_the_end(task)
    closing(loop)
    return task, seen


@pytest.mark.parametrize("error", ERRORS)
def test_error_as_an_operation_is_woken_does_not_end_it(make, error):
    """Its result is there, or it would be awaited again in vain."""
    path = make(b"data")
    task, seen = write_as_it_raises(path, error)
    assert task.result() == 4
    assert path.read_bytes() == b"more"
    assert [type(e) for e in seen] == [error]


def test_error_in_a_threads_hand_over_is_raised_in_the_thread(make):
    """The main thread has nothing to do with it."""
    path, caught, done = make(b"data"), [], []

    def run():
        task, seen = write_as_it_raises(path, Interrupt)
        caught.extend(seen)
        done.append(task.result())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert done == [4]
    assert [type(e) for e in caught] == [Interrupt]


@pytest.fixture
def alarm():
    """Have a handler raise Interrupt after so many seconds."""

    def interrupt(*_):
        raise Interrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
async def test_signal_in_the_midst_of_a_read_is_raised_by_the_read(
    at_once, make, alarm
):
    """Before it gives way: the task would ask for its next turn in vain."""
    path = make(bytes(6 << 20))
    skip_unless(reads_at_once, path)
    async with aiofiles_c.open(path, "rb") as file:
        for _ in range(1000):
            await file.seek(0)
            reading = file.read()
            try:
                alarm(0.0002)
                try:
                    reading.send(None)
                finally:
                    alarm(0)
            except (Interrupt, StopIteration):
                pass
            if inspect.getcoroutinestate(reading) == inspect.CORO_CLOSED:
                if await file.tell() == 0:
                    break  # it has not come to its end
            reading.close()
        else:
            pytest.fail("it was never raised there")
        assert len(await file.read()) == 6 << 20
