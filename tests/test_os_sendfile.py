"""aiofiles_c.os: sendfile(), to files and to sockets."""

import asyncio
import errno
import os
import socket
import sys

import pytest

from .support.waiting import cancelled, eventually, within


@pytest.mark.skipif(
    sys.platform != "linux", reason="it has other parameters elsewhere"
)
async def test_sendfile_copies_from_an_offset(make, path, aos):
    """Between files, with an offset and with that of the descriptor."""
    source = make(b"0123456789")
    target = path.with_name("target")
    with open(source, "rb") as a, open(target, "wb") as b:
        assert await aos.sendfile(b.fileno(), a.fileno(), 4, 3) == 3
        assert a.tell() == 0
        assert await aos.sendfile(b.fileno(), a.fileno(), None, 2) == 2
        assert await aos.sendfile(b.fileno(), a.fileno(), None, 99) == 8
        assert await aos.sendfile(b.fileno(), a.fileno(), None, 99) == 0
    assert target.read_bytes() == b"456" + b"01" + b"23456789"


@pytest.mark.skipif(
    sys.platform != "linux", reason="it has other parameters elsewhere"
)
async def test_sendfile_waits_for_a_socket_that_is_full(make, ours_os):
    """By the loop, without a thread, until there is room again."""
    size = 4 << 20
    source = make(os.urandom(size))
    ours, other = socket.socketpair()
    ours.setblocking(False)
    other.setblocking(False)
    loop = asyncio.get_running_loop()
    received = bytearray()

    async def drain():
        await asyncio.sleep(0.05)
        while data := await loop.sock_recv(other, 1 << 16):
            received.extend(data)

    try:
        task = asyncio.ensure_future(drain())
        with open(source, "rb") as file:
            done = 0
            while done < size:
                done += await within(
                    ours_os.sendfile(
                        ours.fileno(), file.fileno(), done, size - done
                    )
                )
        ours.shutdown(socket.SHUT_WR)
        await within(task)
    finally:
        ours.close()
        other.close()
    assert bytes(received) == source.read_bytes()


@pytest.mark.skipif(
    sys.platform != "linux", reason="it has other parameters elsewhere"
)
async def test_sendfile_to_a_socket_closed_meanwhile_hits_no_other_file(
    make, ours_os
):
    """The number may stand for another file by the time there is room."""
    source = make(b"x" * (1 << 20))
    victim = source.with_name("victim")
    ours, other = socket.socketpair()
    ours.setblocking(False)
    other.setblocking(False)
    number = ours.fileno()

    def held(number):
        """How many descriptors there are of the same."""
        what = os.readlink(f"/proc/self/fd/{number}")
        links = (f"/proc/self/fd/{n}" for n in os.listdir("/proc/self/fd"))
        return sum(os.path.islink(n) and os.readlink(n) == what for n in links)

    try:
        with open(source, "rb") as file:
            with pytest.raises(BlockingIOError):
                while True:
                    os.sendfile(number, file.fileno(), 0, 1 << 20)
            task = asyncio.ensure_future(
                ours_os.sendfile(number, file.fileno(), 0, 1 << 20)
            )
            await eventually(lambda: held(number) == 2, "it waits")
            ours.close()
            reused = os.open(victim, os.O_WRONLY | os.O_CREAT)
            assert reused == number
            try:
                with pytest.raises(BlockingIOError):
                    while True:
                        other.recv(1 << 20)
                with pytest.raises(OSError) as caught:
                    await within(task)
            finally:
                os.close(reused)
            assert caught.value.errno == errno.EBADF
    finally:
        ours.close()
        other.close()
    assert victim.read_bytes() == b""


@pytest.mark.skipif(
    sys.platform != "linux", reason="it has other parameters elsewhere"
)
async def test_sendfile_cancelled_while_it_waits_lets_go(make, ours_os):
    """The socket is not watched any more, and no descriptor is left."""
    source = make(b"x" * (1 << 20))
    ours, other = socket.socketpair()
    ours.setblocking(False)
    try:
        with open(source, "rb") as file:
            done = 0
            while True:
                task = asyncio.ensure_future(
                    ours_os.sendfile(ours.fileno(), file.fileno(), 0, 1 << 20)
                )
                try:
                    done += await asyncio.wait_for(asyncio.shield(task), 0.2)
                except asyncio.TimeoutError:
                    break
            await cancelled(task)
            assert done > 0
    finally:
        ours.close()
        other.close()
    await eventually(lambda: True, "the loop turns")
