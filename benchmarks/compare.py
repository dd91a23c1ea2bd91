"""Compare two results of run.py: python benchmarks/compare.py A.json B.json

Both the times and the ratios to blocking open() are compared.  The ratio is
what counts when the two were not taken on the same quiet machine.  A change is
marked where the runs of one lie all below, or all above, those of the other.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import report


def ratio(row: dict[str, Any], library: str) -> float | None:
    base = report.median(row["libraries"].get("open", {}))
    middle = report.median(row["libraries"][library])
    return middle / base if base and middle else None


def mark(before: list[float], after: list[float]) -> str:
    if max(after) < min(before):
        return "faster"
    if min(after) > max(before):
        return "slower"
    return ""


def compared(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """A line for each library of each row that both results have."""
    lines = []
    for name, row in b["rows"].items():
        old = a["rows"].get(name)
        if old is None:
            lines.append(f"{name}: only in the second")
            continue
        for library, entry in row["libraries"].items():
            before = old["libraries"].get(library, {})
            x, y = report.median(before), report.median(entry)
            if x is None or y is None:
                continue
            rx, ry = ratio(old, library), ratio(row, library)
            against = f"{rx:7.2f} {ry:7.2f}" if rx and ry else " " * 15
            lines.append(
                f"{name:<26} {library:<11}{report.us(x):>10}{report.us(y):>10}"
                f"{(y / x - 1) * 100:>+8.1f} %  {against}  "
                + mark(before["us_per_op"], entry["us_per_op"])
            )
    lines += [
        f"{name}: only in the first"
        for name in a["rows"]
        if name not in b["rows"]
    ]
    return [line.rstrip() for line in lines]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("first")
    parser.add_argument("second")
    options = parser.parse_args(argv)
    both = []
    for path in (options.first, options.second):
        with open(path, encoding="utf-8") as f:
            both.append(json.load(f))
    for letter, result in zip("AB", both, strict=True):
        for line in report.header(result["machine"], result["repeat"])[:2]:
            print(f"{letter}: {line}")
    print(
        f"{'row':<26} {'library':<11}{'A us/op':>10}{'B us/op':>10}"
        f"{'change':>10}  {'A/open':>7} {'B/open':>7}"
    )
    print("\n".join(compared(*both)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
