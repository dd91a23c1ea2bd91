"""aiofiles_c.os: sendfile(), to files and to sockets."""

import asyncio
import errno
import os
import socket
import sys

import pytest

from .support.waiting import cancelled, eventually, turns, within

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="it has other parameters elsewhere"
)


@pytest.fixture
def sockets():
    """A pair that does not block."""
    pair = socket.socketpair()
    for one in pair:
        one.setblocking(False)
    yield pair
    for one in pair:
        one.close()


def fill(sock, file):
    """Send until there is no more room."""
    with pytest.raises(BlockingIOError):
        while True:
            os.sendfile(sock.fileno(), file.fileno(), 0, 1 << 20)


def watched(number):
    """Whether a call waits for room: it has a second descriptor for that."""
    what = os.readlink(f"/proc/self/fd/{number}")
    links = (f"/proc/self/fd/{n}" for n in os.listdir("/proc/self/fd"))
    return sum(os.path.islink(n) and os.readlink(n) == what for n in links) > 1


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


class Number:
    """What stands for a descriptor, and is no int."""

    def __init__(self, sock):
        self.sock = sock

    def __index__(self):
        return self.sock.fileno()


@pytest.mark.parametrize("given", (socket.socket.fileno, Number))
async def test_sendfile_waits_for_a_socket_that_is_full(
    make, ours_os, sockets, given
):
    """By the loop, without a thread, until there is room again."""
    size = 4 << 20
    source = make(os.urandom(size))
    ours, other = sockets
    loop = asyncio.get_running_loop()
    received = bytearray()

    async def drain():
        await eventually(lambda: watched(ours.fileno()), "it waits")
        while data := await loop.sock_recv(other, 1 << 16):
            received.extend(data)

    task = asyncio.ensure_future(drain())
    with open(source, "rb") as file:
        done = 0
        while done < size:
            done += await within(
                ours_os.sendfile(
                    given(ours), file.fileno(), done, size - done
                )
            )
    ours.shutdown(socket.SHUT_WR)
    await within(task)
    assert bytes(received) == source.read_bytes()


async def test_sendfile_to_a_socket_closed_meanwhile_hits_no_other_file(
    make, ours_os, sockets
):
    """The number may stand for another file by the time there is room."""
    source = make(b"x" * (1 << 20))
    victim = source.with_name("victim")
    ours, other = sockets
    number = ours.fileno()
    with open(source, "rb") as file:
        fill(ours, file)
        task = asyncio.ensure_future(
            ours_os.sendfile(number, file.fileno(), 0, 1 << 20)
        )
        await eventually(lambda: watched(number), "it waits")
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
    assert victim.read_bytes() == b""


async def test_sendfile_cancelled_while_it_waits_lets_go(
    make, ours_os, sockets
):
    """The socket is not watched any more, and no descriptor is left."""
    source = make(b"x" * (1 << 20))
    ours, other = sockets
    with open(source, "rb") as file:
        fill(ours, file)
        task = asyncio.ensure_future(
            ours_os.sendfile(ours.fileno(), file.fileno(), 0, 1 << 20)
        )
        await eventually(lambda: watched(ours.fileno()), "it waits")
        await cancelled(task)
        assert not watched(ours.fileno())
    other.close()
    await turns()
