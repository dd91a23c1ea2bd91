"""Functions, and the executor that they are tested with."""

import functools
from concurrent.futures import ThreadPoolExecutor


class Counting(ThreadPoolExecutor):
    """An executor that keeps what it was asked to do."""

    def __init__(self):
        super().__init__(1)
        self.asked = []

    def submit(self, function, /, *args, **kwargs):
        self.asked.append(function)
        return super().submit(function, *args, **kwargs)


class Functions:
    """What a module has, whose functions get the library's executor."""

    def __init__(self, lib, module):
        self.lib = lib
        self.module = module

    def __getattr__(self, name):
        value = getattr(self.module, name)
        if self.lib.executor is None or not callable(value):
            return value
        return functools.partial(value, executor=self.lib.executor)
