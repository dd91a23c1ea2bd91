"""The files that the benchmarks read, made on demand and kept in one folder.

Everything is made with fixed contents, so that two runs read the same bytes.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

__all__ = ("KIB", "MIB", "Files")

KIB = 1024
MIB = 1024 * KIB

_LINE = "{:08d} the quick brown fox jumps over the lazy dog, and then rests"
_UTF8_SHORT = "{:08d} naïve café, Привет, 日本語のテキスト"
_UTF8_LINE = "{:08d} the quick fox; naïve café, Привет, 日本語のテキスト, etc."


class Files:
    """Names of files in ``folder``; each is written at its first use."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._offsets: dict[tuple[int, int], list[int]] = {}

    def _made(self, name: str, size_hint: int, make) -> str:
        path = self.folder / f"{name}.{size_hint}"
        if not path.exists():
            part = path.with_suffix(".part")
            make(part)
            part.rename(path)
        return str(path)

    def blob(self, size: int) -> str:
        """A file of ``size`` random bytes."""

        def make(path: Path) -> None:
            block = random.Random(size).randbytes(min(size, MIB))
            with open(path, "wb") as f:
                for left in range(size, 0, -len(block)):
                    f.write(block[:left])

        return self._made("blob", size, make)

    def lines(self, count: int, kind: str = "ascii") -> str:
        """``count`` lines of 80 bytes, the newline among them, ``kind``
        "ascii" or "utf8" (mixed)."""
        pattern = _LINE if kind == "ascii" else _UTF8_SHORT

        def make(path: Path) -> None:
            with open(path, "wb") as f:
                for i in range(count):
                    line = pattern.format(i).encode()
                    f.write(line.ljust(79, b".")[:79] + b"\n")

        return self._made(f"lines-{kind}", count, make)

    def text(self, size: int, kind: str) -> str:
        """``size`` bytes of lines, ``kind`` "ascii" or "utf8" (mixed)."""
        pattern = _LINE if kind == "ascii" else _UTF8_LINE

        def make(path: Path) -> None:
            written = 0
            i = 0
            with open(path, "wb") as f:
                while written < size:
                    line = (pattern.format(i) + "\n").encode()
                    if written + len(line) > size:
                        line = b"." * (size - written - 1) + b"\n"
                    written += f.write(line)
                    i += 1

        return self._made(f"text-{kind}", size, make)

    def small(self) -> str:
        """1 KiB of ASCII lines."""
        return self.text(KIB, "ascii")

    def offsets(self, size: int, block: int) -> list[int]:
        """1009 offsets of blocks in a file of ``size``, in no order."""
        key = (size, block)
        if key not in self._offsets:
            pick = random.Random(size)
            last = (size - block) // block
            self._offsets[key] = [
                pick.randint(0, last) * block for _ in range(1009)
            ]
        return self._offsets[key]

    def directory(self, count: int) -> str:
        """A directory with ``count`` empty files."""

        def make(path: Path) -> None:
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
            for i in range(count):
                (path / f"entry-{i:06d}.txt").touch()

        return self._made("directory", count, make)

    def tree(self, count: int) -> str:
        """A tree of ``count`` empty files, a hundred in a directory."""

        def make(path: Path) -> None:
            shutil.rmtree(path, ignore_errors=True)
            for i in range(count):
                if i % 100 == 0:
                    part = path / f"{i // 10000:03d}" / f"{i // 100:06d}"
                    part.mkdir(parents=True)
                (part / f"entry-{i:06d}.txt").touch()

        return self._made("tree", count, make)

    def out(self, name: str = "out") -> str:
        """Where a benchmark writes; gone before each run, see fresh()."""
        return str(self.folder / "written" / name)

    def fresh(self) -> None:
        """Leave an empty place for out()."""
        shutil.rmtree(self.folder / "written", ignore_errors=True)
        (self.folder / "written").mkdir()
