"""Decorators that give a class the methods of the file it stands for.

A class that uses them has the attributes `_file`, `_loop` and `_executor`, as
AsyncBase has.  Whatever its methods are called with reaches the file's own
method untouched, since that file may be a mock, or an object whose methods
have parameters of their own.
"""

from __future__ import annotations

from functools import wraps
from inspect import iscoroutinefunction
from typing import TypeVar

from .._engine import run_delegate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

__all__ = (
    "cond_delegate_to_executor",
    "delegate_to_executor",
    "proxy_method_directly",
    "proxy_property_directly",
)

Class = TypeVar("Class", bound=type)


def _delegate_method(name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def method(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        file = self._file
        # The class is asked: an instance may answer to any name.
        direct = self._direct if hasattr(type(self), "_direct") else None
        if direct is not None and not kwargs:
            serving = direct(file, name, args)
            if serving is not None:
                return await serving
        return await run_delegate(
            self._loop, self._executor, getattr(file, name), *args, **kwargs
        )

    return method


def _cond_delegate_method(
    name: str,
) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def method(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        call = getattr(self._file, name)
        if self._file._rolled:
            return await run_delegate(
                self._loop, self._executor, call, *args, **kwargs
            )
        return call(*args, **kwargs)

    return method


def _proxy_method(name: str) -> Callable[..., Any]:
    def method(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._file, name)(*args, **kwargs)

    return method


def _proxy_property(name: str) -> property:
    def get(self: Any) -> Any:
        return getattr(self._file, name)

    return property(get, doc=f"The file's own {name}.")


def _add_methods(
    names: tuple[str, ...], make: Callable[[str], Callable[..., Any]]
) -> Callable[[Class], Class]:
    def decorate(cls: Class) -> Class:
        for name in names:
            method = make(name)
            method.__name__ = name
            method.__qualname__ = f"{cls.__qualname__}.{name}"
            setattr(cls, name, method)
        return cls

    return decorate


def delegate_to_executor(*attrs: str) -> Callable[[Class], Class]:
    """Add coroutine methods that call the file's in the executor."""
    return _add_methods(attrs, _delegate_method)


def cond_delegate_to_executor(*attrs: str) -> Callable[[Class], Class]:
    """Add coroutine methods that use the executor once a file has rolled.

    The file is a SpooledTemporaryFile, which tells it by `_rolled`; before
    that it is memory, and called at once.
    """
    return _add_methods(attrs, _cond_delegate_method)


def proxy_method_directly(*attrs: str) -> Callable[[Class], Class]:
    """Add methods that call the file's at once."""
    return _add_methods(attrs, _proxy_method)


def proxy_property_directly(*attrs: str) -> Callable[[Class], Class]:
    """Add read-only properties that give the file's attributes."""

    def decorate(cls: Class) -> Class:
        for name in attrs:
            setattr(cls, name, _proxy_property(name))
        return cls

    return decorate


def _give_bodies(
    cls: Class, make: Callable[[str], Callable[..., Any]]
) -> Class:
    for name, declared in list(vars(cls).items()):
        if iscoroutinefunction(declared):
            setattr(cls, name, wraps(declared)(make(name)))
    return cls


def delegated(cls: Class) -> Class:
    """Call the file's methods of the declared names in the executor.

    What the class itself declares by `async def` gives signatures and
    docstrings; it never runs.
    """
    return _give_bodies(cls, _delegate_method)


def cond_delegated(cls: Class) -> Class:
    """Do as `delegated` does, but only once the file has rolled over."""
    return _give_bodies(cls, _cond_delegate_method)
