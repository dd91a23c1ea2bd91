"""Serve the files of a folder: GET, with ranges, and PUT.

    python examples/file_server.py [FOLDER [PORT]]
    curl -T large.iso http://127.0.0.1:8080/large.iso
    curl -r 1000-1999 http://127.0.0.1:8080/large.iso
"""

import sys
from pathlib import Path

import aiofiles_c
from aiofiles_c import os, tempfile
from aiohttp import web

CHUNK = 64 * 1024
FOLDER = web.AppKey("folder", Path)


def locate(request):
    """The path that a request is about: a plain name in the folder."""
    name = request.match_info["name"]
    if name.startswith(".") or "/" in name or "\0" in name:
        raise web.HTTPNotFound
    return request.app[FOLDER] / name


async def chunks(path, start, stop):
    """The bytes from start to stop, in pieces: the body of a response."""
    async with aiofiles_c.open(path, "rb") as file:
        await file.seek(start)
        while start < stop:
            chunk = await file.read(min(CHUNK, stop - start))
            if not chunk:
                break  # somebody has cut the file meanwhile
            start += len(chunk)
            yield chunk


async def download(request):
    path = locate(request)
    if not await os.path.isfile(path):
        raise web.HTTPNotFound
    size = await os.path.getsize(path)
    headers = {"Accept-Ranges": "bytes"}
    status = 200
    try:
        wanted = request.http_range
    except ValueError:
        wanted = slice(0, 0)
    start, stop, _ = wanted.indices(size)
    if "Range" in request.headers:
        if start >= stop:
            raise web.HTTPRequestRangeNotSatisfiable(
                headers={"Content-Range": f"bytes */{size}"}
            )
        status = 206
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    headers["Content-Length"] = str(stop - start)
    return web.Response(
        status=status, headers=headers, body=chunks(path, start, stop)
    )


async def upload(request):
    """Write what is sent; the file has its name when it is complete."""
    path = locate(request)
    async with tempfile.NamedTemporaryFile(
        "wb", dir=path.parent, prefix=".upload-", delete=False
    ) as file:
        try:
            async for chunk in request.content.iter_chunked(CHUNK):
                await file.write(chunk)
            await file.flush()
        except BaseException:
            await os.unlink(file.name)
            raise
        await os.replace(file.name, path)
    return web.Response(status=201)


def make_app(folder):
    app = web.Application(client_max_size=0)
    app[FOLDER] = Path(folder)
    app.router.add_get("/{name}", download)
    app.router.add_put("/{name}", upload)
    return app


if __name__ == "__main__":
    folder, port, *_ = [*sys.argv[1:], ".", "8080"][:2]
    web.run_app(make_app(folder), host="127.0.0.1", port=int(port))
