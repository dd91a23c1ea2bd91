"""Programs with their standard streams at what a test has the other end of."""

import os
import subprocess
import sys
import textwrap

from .child import PATIENCE

START = """
import asyncio, atexit, os, select, sys, threading, warnings
import aiofiles_c
from aiofiles_c import stdin, stdout, stderr
from aiofiles_c import stdin_bytes, stdout_bytes, stderr_bytes

def note(*words):
    print(*words, file=sys.stderr, flush=True)

async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)

def unread():
    return bool(select.select([0], [], [], 0)[0])

def room():
    return bool(select.select([], [1], [], 0)[1])

async def pends(task):
    # Nothing says that it waits but time, in which it could have ended.
    await asyncio.sleep(0.05)
    assert not task.done()

async def timed(call, seconds=0.002):
    while True:
        try:
            return await asyncio.wait_for(call(), seconds)
        except (asyncio.TimeoutError, TimeoutError):
            pass
"""


class Program:
    """A child that runs code, and the other ends of its streams."""

    def __init__(self, code, folder, stdin, stdout, feed=None):
        self.feed = feed
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c",
             START + textwrap.dedent(code)],
            cwd=folder,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )

    def write(self, data):
        os.write(self.feed, data)

    def noted(self, word):
        """Wait until the program has noted a line, and check it."""
        line = self.process.stderr.readline().decode()
        assert line.strip() == word, line + self.process.stderr.read().decode()

    def ended(self, seconds=PATIENCE):
        out, err = self.process.communicate(timeout=seconds)
        assert self.process.returncode == 0, err.decode()
        return (out or b"").decode(), err.decode()
