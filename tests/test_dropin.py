"""Packages that import aiofiles by themselves, after install().

Each runs in an interpreter of its own; a package that is not installed (they
are the extra `dropin`) is skipped.
"""

import importlib.util

import pytest

from .support.child import python

# The file that is served, a little larger than what goes in one piece.
CONTENT = b"".join(b"%07d\n" % n for n in range(25_000))

SERVED = """
import asyncio, http.client

import aiofiles_c

aiofiles_c.install()

from pathlib import Path

CONTENT = Path("static/file.bin").read_bytes()


def get(port, path, **headers):
    "The status, the headers and the body of a real request."
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def visit(port):
    "What a browser and a download manager do."
    status, headers, body = get(port, "/static/file.bin")
    assert status == 200, status
    assert int(headers.get("content-length", len(CONTENT))) == len(CONTENT)
    assert body == CONTENT
    status, headers, body = get(
        port, "/static/file.bin", Range="bytes=8-23"
    )
    assert status == 206, status
    assert body == CONTENT[8:24]
    assert get(port, "/static/absent")[0] == 404
    status, headers, body = get(port, "/static/page.html")
    assert (status, body) == (200, b"<p>page</p>")
    assert "text/html" in next(
        v for k, v in headers.items() if k.lower() == "content-type"
    )


def engine_was_used(before):
    after = aiofiles_c.stats()
    routes = ("memory", "kernel", "pool", "delegate")
    return sum(after[r] for r in routes) > sum(before[r] for r in routes)
"""


def need(*packages):
    """Skip the test where one of these is not installed."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed (extra `dropin`)")


@pytest.fixture
def folder(tmp_path):
    """A directory with static files."""
    static = tmp_path / "static"
    static.mkdir()
    (static / "file.bin").write_bytes(CONTENT)
    (static / "page.html").write_bytes(b"<p>page</p>")
    return tmp_path


QUART = SERVED + """
import quart
import quart.wrappers.response as response

assert response.async_open is aiofiles_c.open
app = quart.Quart("app", root_path=".")


@app.post("/upload")
async def upload():
    files = await quart.request.files
    await files["file"].save("uploaded")
    return "saved"


def send(port):
    "Upload a file, as a form does."
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body = (
        b'--x\\r\\nContent-Disposition: form-data; name="file"; '
        b'filename="f"\\r\\n\\r\\n' + CONTENT + b"\\r\\n--x--\\r\\n"
    )
    try:
        connection.request("POST", "/upload", body, {
            "Content-Type": "multipart/form-data; boundary=x",
        })
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"saved")
    finally:
        connection.close()
    assert Path("uploaded").read_bytes() == CONTENT


def session(port):
    before = aiofiles_c.stats()
    visit(port)
    send(port)
    assert engine_was_used(before)
"""


def test_quart_under_hypercorn_serves_static_files(folder):
    """Files, ranges, what is not there, and an upload."""
    need("quart", "hypercorn")
    done = python(
        QUART
        + """
import socket
from hypercorn.asyncio import serve
from hypercorn.config import Config


async def main():
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listening.detach()}"]
    config.accesslog = config.errorlog = None
    stop = asyncio.Event()
    server = asyncio.create_task(
        serve(app, config, shutdown_trigger=stop.wait)
    )
    try:
        await asyncio.wait_for(asyncio.to_thread(session, port), 25)
    finally:
        stop.set()
        await asyncio.wait_for(server, 25)
    print("good")


asyncio.run(main())
""",
        cwd=folder,
    )
    assert done.stdout.split()[-1:] == ["good"], done.stderr


def test_quart_under_uvicorn_serves_static_files(folder):
    """The same on another server."""
    need("quart", "uvicorn")
    done = python(
        QUART
        + """
import socket
import uvicorn


async def main():
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await asyncio.wait_for(asyncio.to_thread(session, port), 25)
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, 25)
    print("good")


asyncio.run(main())
""",
        cwd=folder,
    )
    assert done.stdout.split()[-1:] == ["good"], done.stderr


def test_sanic_serves_static_files(folder):
    """Another framework, with a server of its own."""
    need("sanic")
    done = python(
        SERVED
        + """
import socket
from sanic import Sanic

app = Sanic("app", configure_logging=False)
app.static("/static", "static", use_content_range=True)


async def main():
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = await app.create_server(
        sock=listening, return_asyncio_server=True, access_log=False
    )
    await server.startup()
    await server.start_serving()
    before = aiofiles_c.stats()
    await asyncio.wait_for(asyncio.to_thread(visit, port), 25)
    assert engine_was_used(before)
    server.close()
    print("good")


asyncio.run(main())
""",
        cwd=folder,
    )
    assert done.stdout.split()[-1:] == ["good"], done.stderr


def test_aiologger_writes_and_rotates_files(tmp_path):
    """A logger whose handlers write by aiofiles."""
    need("aiologger")
    done = python(
        """
        import asyncio
        import aiofiles_c

        aiofiles_c.install()

        from aiologger import Logger
        from aiologger.handlers.files import (
            AsyncFileHandler, AsyncTimedRotatingFileHandler, RolloverInterval,
        )
        import aiologger.handlers.files as files

        assert files.aiofiles is aiofiles_c

        async def main():
            before = aiofiles_c.stats()
            handler = AsyncFileHandler("log")
            rotating = AsyncTimedRotatingFileHandler(
                "rotating", when=RolloverInterval.DAYS, backup_count=2
            )
            logger = Logger(name="name")
            logger.add_handler(handler)
            logger.add_handler(rotating)
            for n in range(100):
                await logger.info(f"message {n}")
            await rotating.do_rollover()
            await logger.info("after")
            await logger.shutdown()
            assert aiofiles_c.stats() != before

        asyncio.run(main())
        lines = [f"message {n}\\n" for n in range(100)]
        assert open("log").readlines() == [*lines, "after\\n"]
        assert open("rotating").readlines() == ["after\\n"]
        print("good")
        """,
        cwd=tmp_path,
    )
    assert done.stdout.split()[-1:] == ["good"], done.stderr


def test_aiocsv_reads_and_writes_tables(tmp_path):
    """A reader and a writer of tables, over files of aiofiles."""
    need("aiocsv")
    done = python(
        """
        import asyncio, csv
        import aiofiles_c

        aiofiles_c.install()

        import aiofiles
        from aiocsv import AsyncDictReader, AsyncReader, AsyncWriter

        ROWS = [["name", "words"]] + [
            [str(n), 'a "quoted", one\\nof two lines'] for n in range(5000)
        ]

        async def main():
            async with aiofiles.open("table", "w", newline="") as file:
                writer = AsyncWriter(file)
                await writer.writerow(ROWS[0])
                await writer.writerows(ROWS[1:])
            async with aiofiles.open("table", newline="") as file:
                assert [row async for row in AsyncReader(file)] == ROWS
            async with aiofiles.open("table", newline="") as file:
                names = [row["name"] async for row in AsyncDictReader(file)]
            assert names == [row[0] for row in ROWS[1:]]

        asyncio.run(main())
        assert list(csv.reader(open("table", newline=""))) == ROWS
        print("good")
        """,
        cwd=tmp_path,
    )
    assert done.stdout.split()[-1:] == ["good"], done.stderr
