"""The process in which one library runs one row; started by run.py.

Says one line of JSON when it is warm and one for each run that it is asked
for, by a line on its standard input.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from typing import Any

import adapters
import rows
from files import Files


def new_loop(kind: str) -> asyncio.AbstractEventLoop:
    if kind == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


class Bench:
    """A row bound to a library, and the loop that it runs on."""

    def __init__(self, library: str, row: str, folder: str, loop: str, n: int):
        self.library = adapters.load(library)
        self.row = rows.by_name(row)
        self.files = Files(folder)
        self.loop = None if self.library.blocking else new_loop(loop)
        self.n = n

    def run(self) -> tuple[float, Any]:
        """Seconds of one run, and what its body returned."""
        self.files.fresh()
        gc.collect()
        if self.loop is None:
            start = time.perf_counter()
            result = self.row.blocking(self.files, self.n)
            return time.perf_counter() - start, result
        return self.loop.run_until_complete(self._timed())

    async def _timed(self) -> tuple[float, Any]:
        start = time.perf_counter()
        if self.library.name == "to_thread":
            result = await self.row.run_threaded(self.files, self.n)
        else:
            result = await self.row.awaiting(self.library, self.files, self.n)
        return time.perf_counter() - start, result


def say(**message: Any) -> None:
    print(json.dumps(message), flush=True)


def main(library: str, row: str, folder: str, loop: str, n: str) -> None:
    try:
        bench = Bench(library, row, folder, loop, int(n))
    except ImportError as e:
        say(left_out=f"cannot be imported: {e}")
        return
    reason = bench.library.why_not(bench.row)
    if reason is not None:
        say(left_out=reason)
        return
    bench.run()
    say(version=bench.library.version(), engine=bench.library.engine())
    for _ in sys.stdin:
        before = bench.library.routes()
        seconds, result = bench.run()
        routes = {
            name: count - before[name]
            for name, count in bench.library.routes().items()
        }
        say(seconds=seconds, result=result, routes=routes)


if __name__ == "__main__":
    main(*sys.argv[1:])
