"""Write docs/coverage.rst from what a run with coverage has left.

    python tests/support/coverage_page.py OBJECTS COVERAGE.json PYTHON-VERSION

OBJECTS is the folder of the compiler's .gcno and .gcda files, COVERAGE.json
what `coverage json` gives; `.ci/job FOLDER coverage PYTHON` makes both.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
PAGE = TOP / "docs" / "coverage.rst"
LEAST = 90.0  # per cent of all lines, of each language

HEAD = """\
Coverage
========

Lines of the engine (by ``gcov``, of a debug build) and of the package (by
``coverage``) that one run of the suite runs, on Python {python}.  Written by
``.ci/job FOLDER coverage PYTHON``, which fails below {least:.0f} per cent of
either.

Left out are the runs with ``AIOFILES_C_INLINE=0``, with ``AIOFILES_C_PURE=1``
and of the portable build, which compiles other lines; the tests in
``tests/c``, which run the half of the engine that is free of Python without
it; and what children of the tests do that end without an exit (by a signal, or
``os._exit()``).

"""


def lines_of_c(objects):
    """File -> line -> how often it ran, over all the objects."""
    counts = defaultdict(lambda: defaultdict(int))
    for data in sorted(Path(objects).rglob("*.gcda")):
        done = subprocess.run(
            ["gcov", "--json-format", "--stdout", data],
            capture_output=True,
            check=True,
            cwd=objects,
        )
        for file in json.loads(done.stdout)["files"]:
            name = file["file"]
            if os.path.isabs(name) or not name.startswith("csrc/"):
                continue
            for line in file["lines"]:
                number, count = line["line_number"], line["count"]
                counts[name][number] = max(counts[name][number], count)
    return {
        name: (
            {number for number, count in lines.items() if count},
            {number for number, count in lines.items() if not count},
        )
        for name, lines in sorted(counts.items())
    }


def lines_of_python(report):
    """File -> the lines that ran, and those that did not."""
    found = {}
    for name, file in json.loads(Path(report).read_text())["files"].items():
        name = name[name.rindex("aiofiles_c/"):]
        found[name] = set(file["executed_lines"]), set(file["missing_lines"])
    return dict(sorted(found.items()))


def ranges(numbers):
    """1-3, 7: the numbers in short."""
    parts = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{a}-{b}" if a < b else f"{a}" for a, b in parts)


def per_cent(files):
    ran = sum(len(lines) for lines, _ in files.values())
    missed = sum(len(lines) for _, lines in files.values())
    return 100 * ran / max(ran + missed, 1)


def section(title, files):
    """The text of a table, with the lines that did not run."""
    text = [
        title,
        "-" * len(title),
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "   :widths: 30 10 60",
        "",
        "   * - file",
        "     - lines",
        "     - which were not run",
    ]
    for name, (ran, missed) in files.items():
        share = 100 * len(ran) / max(len(ran) + len(missed), 1)
        text += [
            f"   * - ``{name}``",
            f"     - {share:.0f} %",
            f"     - {ranges(missed)}".rstrip(),
        ]
    return "\n".join(text) + "\n"


def main(objects, report, python):
    parts = {
        "The engine, in C": lines_of_c(objects),
        "The package, in Python": lines_of_python(report),
    }
    text = HEAD.format(python=python, least=LEAST)
    status = 0
    for title, files in parts.items():
        share = per_cent(files)
        text += section(f"{title}: {share:.1f} per cent", files) + "\n"
        print(f"{title}: {share:.1f} per cent of the lines")
        if share < LEAST:
            status = 1
    PAGE.write_text(text.rstrip("\n") + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
