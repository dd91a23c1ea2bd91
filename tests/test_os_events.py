"""aiofiles_c.os: the auditing events of its functions."""



from .support.child import python
from .support.trees import PathOnly

EVENTS = [
    ("remove", ("missing",), {}),
    ("unlink", (PathOnly("missing"),), {}),
    ("rmdir", (b"missing",), {}),
    ("mkdir", ("new", 0o700), {}),
    ("rename", ("missing", "b"), {}),
    ("replace", ("missing", PathOnly("b")), {}),
    ("link", ("missing", "b"), {}),
    ("symlink", ("a", "b"), {}),
    ("listdir", (), {}),
    ("listdir", (".",), {}),
    ("scandir", (), {}),
    ("scandir", (b".",), {}),
    ("stat", (".",), {}),
    ("makedirs", ("p/q/r",), {}),
    ("removedirs", ("p/q/r",), {}),
    ("renames", ("f", "x/y"), {}),
    ("chown", ("f", -1, -1), {}),
    ("truncate", ("missing", 3), {}),
    ("chmod", ("missing", 0o600), {}),
    ("chown", ("missing", 1, 2), {}),
    ("utime", ("missing",), {}),
    ("utime", ("missing",), {"ns": (1, 2)}),
]


def _spelled(rows):
    """The rows as source text."""

    def one(value):
        if isinstance(value, PathOnly):
            return f"PathOnly({value.name!r})"
        if isinstance(value, tuple):
            return "(" + "".join(one(item) + "," for item in value) + ")"
        return repr(value)

    return "[" + ", ".join(one(row) for row in rows) + "]"


def test_auditing_events_are_those_of_os(tmp_path):
    """A hook hears of the same, and can forbid it, whatever the route."""
    done = python(
        """
        import asyncio, os, sys
        import aiofiles_c.os as aos
        class PathOnly:
            def __init__(self, name):
                self.name = name
            def __fspath__(self):
                return self.name
        heard, forbidden = [], False
        def hook(event, args):
            if heard is not None and event.startswith("os."):
                heard.append((event, args))
                if forbidden:
                    raise KeyError("forbidden")
        sys.addaudithook(hook)
        async def main():
            global heard, forbidden
            await aos.stat(".")  # what is imported for it is, now
            for row in eval(sys.argv[1]):
                name, args, kwargs = row
                told = []
                for n, module in enumerate((os, aos)):
                    os.makedirs(f"{name}-{n}", exist_ok=True)
                    os.chdir(f"{name}-{n}")
                    open("f", "w").close()
                    if name == "removedirs":
                        os.makedirs("p/q/r")
                    heard = []
                    try:
                        got = getattr(module, name)(*args, **kwargs)
                        if n == 1:
                            await got
                    except OSError:
                        pass
                    told.append(sorted(heard, key=repr))
                    os.chdir("..")
                assert told[0] == told[1], (row, told)
                if told[0]:
                    forbidden = True
                    try:
                        await getattr(aos, name)(*args, **kwargs)
                    except KeyError:
                        pass
                    else:
                        raise AssertionError(row)
                    forbidden = False
        asyncio.run(main())
        print("good")
        """,
        _spelled(EVENTS),
        cwd=tmp_path,
    )
    assert done.stdout.split() == ["good"], done.stderr
