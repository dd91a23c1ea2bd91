"""Two equal trees of files, so that a call can be made on each.

One side is the function of os (or os.path), which is right by definition;
the other is the one under test.  Their outcomes have to agree, and so have
the trees afterwards.
"""

import os

from .outcome import outcome_of, outcome_of_await


class PathOnly:
    """A PathLike that is nothing else."""

    def __init__(self, name):
        self.name = name

    def __fspath__(self):
        return self.name


# How a path can be given.
FORMS = {"str": str, "bytes": os.fsencode, "PathLike": PathOnly}


def plant(folder):
    """Make a tree with one of everything."""
    os.makedirs(os.path.join(folder, "dir", "sub"))
    os.mkdir(os.path.join(folder, "empty"))
    for name, data in (
        ("file", b"12345"),
        (os.path.join("dir", "inner"), b""),
        ("caf\u00e9", b"1"),
    ):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
        os.utime(os.path.join(folder, name), ns=(10**18 + 7, 10**18 + 13))
    for name, target in (
        ("link", "file"),
        ("dirlink", "dir"),
        ("dangling", "nowhere"),
        ("loop", "loop"),
    ):
        os.symlink(target, os.path.join(folder, name))
    return folder


def seen(folder):
    """What a tree consists of: kinds, permissions, sizes, contents."""
    found = {}
    for here, folders, others in os.walk(folder):
        for name in folders + others:
            whole = os.path.join(here, name)
            st = os.lstat(whole)
            found[os.path.relpath(whole, folder)] = (
                st.st_mode,
                os.readlink(whole) if os.path.islink(whole) else st.st_size,
                st.st_nlink,
            )
    return found


def contents(folder):
    """The bytes of the files of a tree, by name."""
    found = {}
    for here, _, names in os.walk(folder):
        for name in names:
            whole = os.path.join(here, name)
            if os.path.isfile(whole):
                with open(whole, "rb") as file:
                    found[os.path.relpath(whole, folder)] = file.read()
    return found


def comparable(value):
    """A result of one tree, so that it equals that of another."""
    if isinstance(value, os.stat_result):
        return ("stat", value.st_mode, value.st_nlink, value.st_uid)
    if isinstance(value, os.statvfs_result):
        return ("statvfs", value.f_bsize, value.f_namemax, len(value))
    if isinstance(value, list):
        return sorted(value)
    if hasattr(value, "close"):
        with value:
            return sorted(
                (e.name, e.is_dir(), e.is_file(), e.is_symlink())
                for e in value
                if e.name not in ("loop", b"loop")
            )
    return value


def neutral(value, folder):
    """A path without the folder that it lies in."""
    if isinstance(value, str):
        return value.replace(folder, "<folder>")
    if isinstance(value, bytes):
        return value.replace(os.fsencode(folder), b"<folder>")
    return value


class Two:
    """Two trees; `await both(real, ours, args)` gives both outcomes."""

    def __init__(self, folder):
        self.sides = [
            plant(os.path.join(folder, "left")),
            plant(os.path.join(folder, "right")),
        ]

    def path(self, side, name, form=str):
        if name.startswith("/"):
            return form(name)
        return form(os.path.join(self.sides[side], name))

    async def both(self, real, ours, arguments, **kwargs):
        """Arguments is a function of one that makes paths of names."""
        outcomes = []
        for side, call in enumerate((real, ours)):
            def path(name, form=str, side=side):
                return self.path(side, name, form)

            args = arguments(path)
            folder = self.sides[side]
            if side == 0:
                got = outcome_of(call, *args, folder=folder, **kwargs)
            else:
                got = await outcome_of_await(
                    call, *args, folder=folder, **kwargs
                )
            if not got.failed:
                value = comparable(got.value)
                got = got._replace(value=neutral(value, folder))
            outcomes.append(got)
        return outcomes

    def equal(self):
        return seen(self.sides[0]) == seen(self.sides[1])
