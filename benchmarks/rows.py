"""All the rows, in the order in which they are printed."""

from __future__ import annotations

import fnmatch

import rows_many
import rows_os
import rows_read
import rows_write
from row import Row

__all__ = ("ROWS", "by_name", "matching")

ROWS: tuple[Row, ...] = (
    *rows_read.ROWS,
    *rows_write.ROWS,
    *rows_os.ROWS,
    *rows_many.ROWS,
)


def by_name(name: str) -> Row:
    return next(row for row in ROWS if row.name == name)


def matching(patterns: list[str]) -> list[Row]:
    """Rows whose name has one of the patterns in it ("*", "?" allowed)."""
    return [
        row
        for row in ROWS
        if not patterns
        or any(fnmatch.fnmatch(row.name, f"*{p}*") for p in patterns)
    ]
