"""Memory that is not there: the n-th allocation of a step of the engine fails.

Only what the engine does is starved: the call that makes an awaitable, each
step of it, and what the loop calls when a job is done.  asyncio in between has
all the memory it wants, since it loses wake-ups without.
"""

import asyncio
import inspect

try:
    import _testcapi
except ImportError:
    _testcapi = None

AVAILABLE = hasattr(_testcapi, "set_nomemory")
PLENTY = 3000  # more than one step allocates
PENDING = object()
NUMBERS = list(range(PLENTY + 1))


class Plan:
    """Which allocation of which step is to fail; counts the steps."""

    def __init__(self, step=None, allocation=0, count=1):
        self.step = step
        self.first = allocation
        self.last = allocation + count
        self.steps = 0
        self.callbacks = set()  # which of them the loop calls
        self.used = []  # allocations of each step, where nothing fails

    def call_back(self, function, *args):
        """The same, for what the loop calls: asyncio cannot do without."""
        if self.step is None:
            self.callbacks.add(self.steps)
        self.do(function, *args)

    def do(self, function, *args):
        """Call it, starved if it is its turn."""
        number = self.steps
        self.steps += 1
        if self.step is None:
            return self._measured(function, *args)
        if self.step != number:
            return function(*args)
        _testcapi.set_nomemory(self.first, self.last)
        try:
            return function(*args)
        finally:
            _testcapi.remove_mem_hooks()

    def _measured(self, function, *args):
        self.used.append(None)
        _testcapi.set_nomemory(PLENTY, 0)
        try:
            return function(*args)
        finally:
            self.fed()

    def fed(self):
        """From here to the end of the step there is enough."""
        if self.step is None and self.used[-1:] == [None]:
            left = 0
            try:
                for left in NUMBERS:
                    bytes(50)
            except MemoryError:
                pass
            self.used[-1] = PLENTY - left
        _testcapi.remove_mem_hooks()

    def others(self):
        """The plans that starve each allocation that was counted."""
        for step, used in enumerate(self.used):
            for allocation in range(used + 1):
                yield Plan(step, allocation)

    def none_at_all(self):
        """The plans that starve a step to its end."""
        for step in {*range(len(self.used))} - self.callbacks:
            yield Plan(step, 0, 1 << 20)

    def __repr__(self):
        return f"step {self.step}, allocation {self.first}"


class Starved:
    """An awaitable of the engine whose steps go by a plan."""

    def __init__(self, plan, call):
        self.plan = plan
        self.call = call

    def __await__(self):
        made = self.plan.do(self.call)
        if not inspect.isawaitable(made):
            return made
        got = [PENDING]

        # As a program awaits it: the result comes without an exception.
        async def awaiting():
            got[0] = await made

        driver = awaiting()
        try:
            while True:
                try:
                    waiter = self.plan.do(driver.send, None)
                except StopIteration:
                    break
                except MemoryError:
                    if got[0] is PENDING:
                        raise
                    break  # of the driver
                yield waiter
        finally:
            driver.close()
        return got[0]


class Waiter(asyncio.Future):
    """A future that finds enough memory to tell its callbacks."""

    def set_result(self, result):
        plan = self.get_loop().plan
        if plan is not None:
            plan.fed()
        super().set_result(result)


class Loop(asyncio.SelectorEventLoop):
    """A loop whose readers go by a plan."""

    plan = None

    def create_future(self):
        return Waiter(loop=self)

    def add_reader(self, descriptor, callback, *args):
        def starved(*args):
            if self.plan is None:
                callback(*args)
            else:
                self.plan.call_back(callback, *args)

        if self.plan is not None:
            self.plan.fed()  # weakref does not survive it either
        return super().add_reader(descriptor, starved, *args)

    def remove_reader(self, descriptor):
        if self.plan is not None:
            self.plan.fed()
        return super().remove_reader(descriptor)
