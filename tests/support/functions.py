"""The functions of a module, with the executor that they are tested with."""

import functools


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
