"""What the tables of bad input share: the kinds of files, the comparison."""

from .outcome import difference

KINDS = {
    "text": ("r", {}),
    "text write": ("w", {}),
    "text both": ("r+", {}),
    "text latin-1": ("r", {"encoding": "latin-1"}),
    "text utf-16": ("r", {"encoding": "utf-16"}),
    "binary": ("rb", {}),
    "binary write": ("wb", {}),
    "binary both": ("rb+", {}),
    "raw": ("rb", {"buffering": 0}),
    "raw write": ("wb", {"buffering": 0}),
    "raw both": ("rb+", {"buffering": 0}),
}
CONTENT = "first\nsecond\n"



class Differences:
    """Collects the rows of a table that differ, to tell them all at once."""

    def __init__(self):
        self.rows = []

    def note(self, row, expected, actual):
        message = difference(expected, actual)
        if message:
            self.rows.append(f"{row}: {message}")

    def none(self):
        assert not self.rows, "\n".join(["", *self.rows])
