"""Sum a column of a CSV file, of any size, row by row.

    python examples/csv_lines.py FILE COLUMN
"""

import asyncio
import csv
import sys

import aiofiles_c


async def rows(path, **options):
    """The rows of a CSV file as dicts, a field with line ends included."""
    async with aiofiles_c.open(path, newline="", encoding="utf-8") as file:
        names = None
        record = ""
        async for line in file:
            record += line
            if record.count('"') % 2:
                continue  # the line ends within quotes: the record goes on
            [values] = csv.reader([record], **options)
            record = ""
            if names is None:
                names = values
            elif values:
                yield dict(zip(names, values))


async def main(path, column):
    total = 0.0
    count = 0
    async for row in rows(path):
        total += float(row[column])
        count += 1
    print(f"{count} rows, {column}: {total:g}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
