"""Draw a chart of a run: python benchmarks/chart.py RESULT.json OUT.svg

The bars are the medians, in microseconds for one operation, on a logarithmic
scale; the machine that they were taken on is written below.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any

from report import median, us

# The rows that are drawn where the run has them, and what they are called.
ROWS = {
    "iter_lines_text_80b_c1": "async for line in file",
    "write_line_text_80b_c1": "write() of a line",
    "read_4k_c1": "read(4096)",
    "read_64k_c1": "read(65536)",
    "open_read100_close_c1": "open, read(100), close",
    "stat_hot_c1": "os.stat()",
    "copy_64m_64k_c1": "copy, 64 KiB a time",
    "read_all_64m_c1": "read() of 64 MiB",
}
# Readable on white and on black, and by those who see few colours.
COLOURS = {"open": "#8a8a8a", "aiofiles_c": "#1f77d0", "aiofiles": "#e07b39"}
NAMES = {"open": "open()  (blocking)"}


def medians(results: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Row -> library -> microseconds, of the rows that are drawn."""
    found = {}
    for name, title in ROWS.items():
        row = results["rows"].get(name, {"libraries": {}})
        values = {
            library: value
            for library, entry in row["libraries"].items()
            if library in COLOURS and (value := median(entry)) is not None
        }
        if values:
            found[title] = values
    return found


def machine_line(machine: dict[str, Any]) -> str:
    """The machine in general terms: no host, no build of a kernel."""
    system = re.match(r"\w+ \d+\.\d+", machine["system"])
    return (
        f"{machine['cpus']} x {machine['cpu']}, "
        f"{system[0] if system else machine['system']}, "
        f"{machine['file_system']}, Python {machine['python'].split()[0]}; "
        "data in the page cache; medians"
    )


def draw(results: dict[str, Any], out: str) -> None:
    """Write the chart to a file, whose suffix says of which kind."""
    import matplotlib

    matplotlib.use("Agg")
    # Text stays text, and two runs on one result give one file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "-"})
    from matplotlib import pyplot

    rows = medians(results)
    libraries = [
        name for name in COLOURS if any(name in row for row in rows.values())
    ]
    figure, axes = pyplot.subplots(figsize=(8, 0.62 * len(rows) + 1.1))
    figure.patch.set_facecolor("white")
    height = 0.8 / len(libraries)
    for number, library in enumerate(libraries):
        places = [
            at + number * height
            for at, row in enumerate(rows.values())
            if library in row
        ]
        values = [row[library] for row in rows.values() if library in row]
        bars = axes.barh(
            places,
            values,
            height * 0.92,
            label=NAMES.get(library, library),
            color=COLOURS[library],
        )
        axes.bar_label(
            bars, [us(value) for value in values], padding=3, fontsize=8
        )
    axes.set_yticks(
        [at + height * (len(libraries) - 1) / 2 for at in range(len(rows))],
        list(rows),
    )
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.12)
    axes.set_xlabel("microseconds for one operation (less is better)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        ncols=len(libraries),
        frameon=False,
    )
    figure.text(
        0.5, 0.005, machine_line(results["machine"]), ha="center", fontsize=7
    )
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    figure.savefig(out, metadata={"Date": None} if out.endswith("svg") else {})


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("result", help="what run.py --json has written")
    parser.add_argument("out", help="an .svg or .png")
    options = parser.parse_args(argv)
    with open(options.result, encoding="utf-8") as file:
        results = json.load(file)
    if not medians(results):
        print("the run has none of the rows that are drawn", file=sys.stderr)
        return 1
    draw(results, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
