"""Tables of results."""

from __future__ import annotations

import statistics
from typing import Any

__all__ = ("header", "median", "row_lines", "us")


def us(value: float) -> str:
    """Microseconds with three figures that mean something."""
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 100:
        return f"{value:.0f}"
    if value >= 10:
        return f"{value:.1f}"
    if value >= 1:
        return f"{value:.2f}"
    return f"{value:.3f}"


def median(entry: dict[str, Any]) -> float | None:
    """Median us/op of one library in one row; None where it was left out."""
    runs = entry.get("us_per_op")
    return statistics.median(runs) if runs else None


def header(machine: dict[str, Any], repeat: int) -> list[str]:
    lines = [
        f"{machine['system']}, {machine['file_system']}, {machine['cpus']} x "
        f"{machine['cpu']}",
        f"Python {machine['python'].split()[0]}, loop {machine['loop']}, "
        f"commit {machine['commit']}, {machine['date']}",
        f"us per operation: median, least and most of {repeat} runs; "
        "x open: median against blocking open() in the same run",
    ]
    if machine["switches"]:
        switches = " ".join(f"{k}={v}" for k, v in machine["switches"].items())
        lines.append(f"switches: {switches}")
    return lines


def row_lines(name: str, row: dict[str, Any]) -> list[str]:
    """The block of one row: its name, then a line for each library."""
    lines = [f"{name}  ({row['about']})"]
    libraries = row["libraries"]
    base = median(libraries.get("open", {}))
    for library, entry in libraries.items():
        middle = median(entry)
        if middle is None:
            lines.append(f"  {library:<11} left out: {entry['left_out']}")
            continue
        runs = entry["us_per_op"]
        ratio = f"{middle / base:8.2f} x open" if base else ""
        routes = ", ".join(
            f"{name} {count:,}"
            for name, count in entry["routes"].items()
            if count
        )
        lines.append(
            f"  {library:<11}{us(middle):>10}"
            f"{us(min(runs)):>10}{us(max(runs)):>10}  {ratio}"
            + (f"  ({routes})" if routes else "")
        )
    return lines
