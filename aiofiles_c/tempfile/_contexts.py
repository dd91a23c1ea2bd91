"""What `async with` does at the end of temporary files and directories."""

from __future__ import annotations

from asyncio import get_running_loop, shield

from .._engine import core, native_types, run_delegate
from ..base import AiofilesContextManager, T_co
from .temptypes import AsyncTemporaryDirectory

if core is not None:
    from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType
    from typing import Any

__all__ = (
    "AiofilesContextManagerNamed",
    "AiofilesContextManagerSpooled",
    "AiofilesContextManagerTempDir",
    "ContextManager",
)


class ContextManager(AiofilesContextManager[T_co]):
    """Leaves nothing behind, also if it is cancelled while it leaves."""

    __slots__ = ()

    async def _exit_file(self, *exc_info: Any) -> None:
        obj: Any = self._obj
        await shield(
            run_delegate(
                get_running_loop(), None, obj._file.__exit__, *exc_info
            )
        )
        self._obj = None


class AiofilesContextManagerNamed(ContextManager[T_co]):
    """Removes the name that was to stay until the end."""

    __slots__ = ()

    def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> Coroutine[Any, Any, None]:
        obj: Any = self._obj
        if isinstance(obj, native_types) and not obj._end():
            return self._exit_file(exc_type, exc, traceback)
        return super().__aexit__(exc_type, exc, traceback)


class AiofilesContextManagerSpooled(ContextManager[T_co]):
    """Closes the file wherever its data is: memory needs no thread."""

    __slots__ = ()

    async def _exit_file(self, *exc_info: Any) -> None:
        obj: Any = self._obj
        if core is not None and isinstance(
            obj, _native.NativeSpooledTemporaryFile
        ):
            await obj.close()
            self._obj = None
        else:
            await super()._exit_file(*exc_info)


class AiofilesContextManagerTempDir(ContextManager[AsyncTemporaryDirectory]):
    """Enters with the path of the directory, as the standard one does."""

    __slots__ = ()

    async def __aenter__(self) -> Any:
        return (await super().__aenter__()).name
