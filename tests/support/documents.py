"""Run the Python code of a page of reStructuredText, as a reader would.

    python tests/support/documents.py PAGE

The blocks of ``.. code-block:: python`` run in their order, in one namespace
and in the current directory; `await` is allowed in them.  Comments, which a
reader does not see, say the rest:

    .. prepare:
       # code that is run here too
    .. needs: MODULE
       (the next block is left out where there is no such module)
    .. output:
       (the next block, of text, is what the block before has printed)
    .. output: similar
       (the same, but that numbers and the names of routes may be others)
    .. output: example
       (what is printed is another on each machine)
    .. raises: NAME
       (the next block ends by this exception)
"""

import ast
import asyncio
import contextlib
import importlib.util
import inspect
import io
import re
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

MARK = re.compile(r"( *)\.\. (prepare|needs|output|raises): ?(.*)$")
BLOCK = re.compile(r"( *)\.\. code-block:: (\w+)$")


class Block(NamedTuple):
    """A piece of code, or of what one prints, and where it begins."""

    line: int
    language: str
    text: str
    marks: dict


def _body(lines, number, margin):
    """The lines of a block's content, without the directive's options."""
    content = []
    for line in lines[number:]:
        if line.strip() and len(line) - len(line.lstrip()) <= margin:
            break
        content.append(line)
    text = textwrap.dedent("\n".join(content)).strip("\n")
    while re.match(r":\w+:", text):
        text = text.partition("\n")[2].lstrip("\n")
    return text


def blocks(page):
    """The blocks of a page that are code, or have a mark."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found, marks = [], {}
    for number, line in enumerate(lines, 1):
        if mark := MARK.match(line):
            margin, kind, value = mark.groups()
            if kind == "prepare":
                text = _body(lines, number, len(margin))
                found.append(Block(number, "python", text, {}))
            else:
                marks[kind] = value
        elif block := BLOCK.match(line):
            margin, language = block.groups()
            if language == "python" or marks:
                text = _body(lines, number, len(margin))
                found.append(Block(number, language, text, marks))
            marks = {}
    return found


def _similar(text):
    text = re.sub(r"memory|kernel|pool|delegate", "<route>", text)
    return re.sub(r"\d+(\.\d+)?", "<number>", text)


def matches(expected, printed, how):
    """Whether this is the output: exactly, "similar", or an "example"."""
    expected, printed = expected.rstrip(), printed.rstrip()
    if how == "similar":
        return _similar(expected) == _similar(printed)
    return expected == printed or (how == "example" and printed != "")


def _run_block(block, page, loop, namespace):
    """Run code, in the loop if it awaits; return what it prints."""
    code = compile(
        "\n" * (block.line + 1) + block.text,
        str(page),
        "exec",
        ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
    )
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        result = eval(code, namespace)
        if inspect.iscoroutine(result):
            loop.run_until_complete(result)
    return printed.getvalue()


def _check(block, printed, page):
    if not matches(block.text, printed, block.marks["output"]):
        raise AssertionError(f"{page}:{block.line}: printed was\n{printed}")


def _run_to_error(block, page, loop, namespace):
    name = block.marks["raises"]
    try:
        _run_block(block, page, loop, namespace)
    except Exception as error:
        if type(error).__name__ != name:
            raise
    else:
        raise AssertionError(f"{page}:{block.line}: no {name}")


def run(page):
    """Run a page; return the modules that some of its blocks lacked."""
    printed, lacking = "", set()
    namespace = {"__name__": "__main__"}
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        for block in blocks(page):
            needs = block.marks.get("needs")
            if needs and not importlib.util.find_spec(needs):
                lacking.add(needs)
            elif "output" in block.marks:
                _check(block, printed, page)
            elif "raises" in block.marks:
                _run_to_error(block, page, loop, namespace)
            else:
                printed = _run_block(block, page, loop, namespace)
    return lacking


if __name__ == "__main__":
    for module in sorted(run(Path(sys.argv[1]))):
        print(module)
