"""Run the benchmarks: blocking open() and the libraries, in turn.

    python benchmarks/run.py
    python benchmarks/run.py --library open,aiofiles_c --only read_4k
    python benchmarks/run.py --json results.json --loop uvloop

Each library runs each row in a process of its own, which warms up once; then
the processes take turns, one run each, so that a machine that grows slower in
between does so for all of them.  Who has no turn is stopped: there are
libraries whose threads take a processor while nobody asks for anything.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from typing import Any

import adapters
import machine
import report
import rows
from row import Row

WORKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")


class Worker:
    """One library's process for one row; it works only when it is asked."""

    def __init__(self, library: str, row: Row, folder: str, options: Any):
        ops = row.slow_ops if adapters.ADAPTERS[library].slow else row.ops
        self.ops = max(ops // (10 if options.quick else 1), 1)
        self.library = library
        self.process = subprocess.Popen(
            [
                sys.executable,
                WORKER,
                library,
                row.name,
                folder,
                options.loop,
                str(self.ops),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **row.env},
        )
        self.runs: list[float] = []
        self.result: Any = None
        self.routes: dict[str, int] = {}
        self.about = self._answer()
        """Version and engine, or why the library is left out."""
        self._signal("SIGSTOP")

    @property
    def ready(self) -> bool:
        return "left_out" not in self.about

    def _signal(self, name: str) -> None:
        """Stop it or let it go on, where the system has signals for it."""
        if hasattr(signal, name):
            self.process.send_signal(getattr(signal, name))

    def _asked(self) -> dict[str, Any]:
        try:
            self.process.stdin.write("run\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # there is no answer then
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if not line:
            return {"left_out": "failed, see above", "failed": True}
        return json.loads(line)

    def run(self) -> None:
        self.resume()
        answer = self._asked()
        self._signal("SIGSTOP")
        if "failed" in answer:
            self.about = answer
            return
        self.runs.append(answer["seconds"] / self.ops * 1e6)
        self.result = answer["result"]
        self.routes = answer["routes"]

    def resume(self) -> None:
        self._signal("SIGCONT")

    def end(self) -> None:
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it is dead: its exit code says so
        if self.process.wait() != 0:
            why = f"ended with exit code {self.process.returncode}"
            self.about = {"left_out": why, "failed": True}
        self.process.stdout.close()

    def entry(self) -> dict[str, Any]:
        if not self.ready or not self.runs:
            return self.about
        return {
            **self.about,
            "ops": self.ops,
            "us_per_op": self.runs,
            "routes": self.routes,
        }


def run_row(row: Row, libraries: list[str], folder: str, options: Any) -> dict:
    """Time one row in all the libraries."""
    workers: list[Worker] = []
    try:
        for library in libraries:
            workers.append(Worker(library, row, folder, options))
        for _ in range(options.repeat):
            for worker in workers:
                if worker.ready:
                    worker.run()
    finally:
        for worker in workers:
            worker.resume()  # all, whatever befalls the end of one
        for worker in workers:
            worker.end()
    entries: dict[str, Any] = {}
    wanted = next((w.result for w in workers if w.library == "open"), None)
    for worker in workers:
        entries[worker.library] = worker.entry()
        if worker.runs and wanted not in (None, worker.result):
            entries[worker.library] = {
                "left_out": f"wrong result: {worker.result}, not {wanted}",
                "failed": True,
            }
    return {
        "about": row.about,
        "env": row.env,
        "libraries": {name: entries[name] for name in libraries},
    }


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--library",
        metavar="A,B",
        default=",".join(adapters.ADAPTERS),
        help="libraries to time (default: %(default)s)",
    )
    parser.add_argument(
        "--only",
        metavar="PATTERN",
        action="append",
        default=[],
        help="rows whose name matches; may be given more than once",
    )
    parser.add_argument(
        "--json", metavar="OUT", help="write the results there"
    )
    parser.add_argument("--repeat", type=int, default=5, metavar="N")
    parser.add_argument(
        "--dir",
        metavar="DIR",
        help="folder for the files (default: a temporary one under the current"
        " folder, whose file system is what is measured)",
    )
    parser.add_argument(
        "--loop", choices=("asyncio", "uvloop"), default="asyncio"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a tenth of the operations: whether all works, not how fast",
    )
    parser.add_argument("--list", action="store_true", help="name the rows")
    options = parser.parse_args(argv)
    options.libraries = options.library.split(",")
    for library in options.libraries:
        if library not in adapters.ADAPTERS:
            parser.error(f"no adapter for {library!r}")
    return options


def main(argv: list[str] | None = None) -> int:
    options = parse(argv)
    chosen = rows.matching(options.only)
    if options.list:
        for row in chosen:
            print(f"{row.name:<26} {row.about}")
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-", dir=".") as scratch:
        folder = os.path.abspath(options.dir or scratch)
        os.makedirs(folder, exist_ok=True)
        results: dict[str, Any] = {
            "machine": machine.describe(folder, options.loop),
            "repeat": options.repeat,
            "quick": options.quick,
            "rows": {},
        }
        print("\n".join(report.header(results["machine"], options.repeat)))
        for row in chosen:
            done = run_row(row, options.libraries, folder, options)
            results["rows"][row.name] = done
            print("\n".join(report.row_lines(row.name, done)), flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as f:
            json.dump(results, f, indent=1)
    failed = [
        f"{name}: {library}: {entry['left_out']}"
        for name, row in results["rows"].items()
        for library, entry in row["libraries"].items()
        if "failed" in entry
    ]
    print("\n".join(failed), file=sys.stderr, end="\n" if failed else "")
    return 1 if failed else 0


if __name__ == "__main__":
    # Who is stopped does not see the end of its input: have it go on first.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    sys.exit(main())
