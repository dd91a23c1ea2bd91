"""Sphinx: sphinx-build -W docs OUT, with the package installed."""

import re

import aiofiles_c

project = "aiofiles_c"
release = version = aiofiles_c.__version__
copyright = "the contributors of aiofiles_c; Apache License 2.0"

extensions = ["sphinx.ext.autodoc", "sphinx.ext.viewcode"]
default_role = "literal"
html_theme = "furo"
html_title = f"aiofiles_c {release}"

# Types are in the stubs and sources; overloads would fill pages.
autodoc_typehints = "none"

PARAMETER = re.compile(r"( *)([a-z_]\w*(?:, \w+)*): (.*)")
HEADING = "Parameters:"


def mark_parameters(app, what, name, obj, options, lines):
    """Make fields of the parameters, which docstrings list as `name: text`."""
    marked, listing = [], False
    for line in lines:
        if line == HEADING:
            continue
        parameter = PARAMETER.match(line)
        if parameter:
            if not listing:
                marked.append("")
            names, text = parameter.group(2, 3)
            marked.append(f":{names}: {text}")
            listing = True
        elif listing and line.startswith("    "):
            marked.append(f"    {line.strip()}")
        elif listing and line:
            marked += ["", line]
            listing = False
        else:
            marked.append(line)
    lines[:] = marked


def setup(app):
    app.connect("autodoc-process-docstring", mark_parameters)
