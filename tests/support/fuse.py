"""A small FUSE file system in memory, that is slow or fails as it is told.

It runs in a process of its own, so that no thread of the tests takes part in
what it answers:

    python fuse.py FOLDER SECONDS

mounts it at FOLDER and lets the kernel keep names and attributes for SECONDS.
Orders come as lines of JSON on stdin, and each is answered by a line on stdout
(see `Server.order`).  It ends when stdin does; `mount.py` drives it.

The protocol is that of <linux/fuse.h>, version 7.31.
"""

import ctypes
import errno
import json
import os
import select
import stat
import struct
import sys
import time

OPCODES = {
    1: "LOOKUP", 2: "FORGET", 3: "GETATTR", 4: "SETATTR", 5: "READLINK",
    6: "SYMLINK", 8: "MKNOD", 9: "MKDIR", 10: "UNLINK", 11: "RMDIR",
    12: "RENAME", 13: "LINK", 14: "OPEN", 15: "READ", 16: "WRITE",
    17: "STATFS", 18: "RELEASE", 20: "FSYNC", 25: "FLUSH", 26: "INIT",
    27: "OPENDIR", 28: "READDIR", 29: "RELEASEDIR", 30: "FSYNCDIR",
    35: "CREATE", 36: "INTERRUPT", 38: "DESTROY", 42: "BATCH_FORGET",
    45: "RENAME2",
}  # fmt: skip
SILENT = ("FORGET", "BATCH_FORGET", "INTERRUPT", "DESTROY")

ROOT = 1  # the number of the root directory
MOUNT_FLAGS = 2 | 4  # MS_NOSUID, MS_NODEV
# FUSE_ASYNC_READ, FUSE_ATOMIC_O_TRUNC, FUSE_BIG_WRITES, FUSE_PARALLEL_DIROPS
FEATURES = 1 << 0 | 1 << 3 | 1 << 5 | 1 << 18
MAX_WRITE = 128 << 10

IN_HEADER = struct.Struct("<IIQQIIII")
OUT_HEADER = struct.Struct("<IiQ")
INIT_OUT = struct.Struct("<IIIIHHIIHHI28x")
ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
ENTRY_OUT = struct.Struct("<QQQQII")
ATTR_OUT = struct.Struct("<QI4x")
SETATTR_IN = struct.Struct("<I4xQQQQQQIIIIIIII")
OPEN_OUT = struct.Struct("<QI4x")
MOVE_IN = struct.Struct("<QQI20x")  # of READ and WRITE
STATFS_OUT = struct.Struct("<QQQQQIII28x")
DIRENT = struct.Struct("<QQII")


class Node:
    """A file, a directory or a link."""

    def __init__(self, number, mode):
        self.number = number
        self.mode = mode
        self.uid = self.gid = 0
        self.links = 1
        self.data = bytearray()  # of a link: its target
        self.children = {}
        self.atime = self.mtime = self.ctime = time.time_ns()


class Server:
    """The tree, the requests that are due later, and the orders."""

    def __init__(self, device, validity):
        self.device = device
        self.validity = int(validity)
        self.nodes = {ROOT: Node(ROOT, stat.S_IFDIR | 0o777)}
        self.last = ROOT
        self.waiting = []  # (when it came, name, header, body)
        self.seen = {}  # name -> count
        self.delays = {}  # name, or "*" for the others -> seconds
        self.faults = {}  # name -> errno, or how many bytes it moves

    # ---- orders ----

    def order(self, line):
        """{"delays": {...}, "faults": {...}}; both replace what was there.

        A delay of null holds requests until another order lets them go.  A
        fault is an errno, or, if negative, the bytes that a READ or a WRITE
        moves at most.  The answer says how many requests wait, by name, and
        how many have come.
        """
        order = json.loads(line)
        self.delays = order.get("delays", self.delays)
        self.faults = order.get("faults", self.faults)
        waiting = {}
        for _, name, _, _ in self.waiting:
            waiting[name] = waiting.get(name, 0) + 1
        print(json.dumps({"waiting": waiting, "seen": self.seen}), flush=True)

    def due(self, came, name):
        """When a request is to be answered; None: not before an order."""
        if name in SILENT or name == "INIT":
            return came
        delay = self.delays.get(name, self.delays.get("*", 0))
        return None if delay is None else came + delay

    # ---- the loop ----

    def serve(self):
        poll = select.poll()
        poll.register(self.device, select.POLLIN)
        poll.register(0, select.POLLIN)
        orders = b""
        while True:
            for descriptor, _ in poll.poll(self.answer_due()):
                if descriptor == self.device:
                    if not self.receive():
                        return
                    continue
                orders += os.read(0, 65536)
                if not orders:
                    return
                *lines, orders = orders.split(b"\n")
                for line in lines:
                    self.order(line)

    def receive(self):
        try:
            request = os.read(self.device, MAX_WRITE + 4096)
        except OSError as error:
            return error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN)
        header = IN_HEADER.unpack_from(request)
        name = OPCODES.get(header[1], str(header[1]))
        self.seen[name] = self.seen.get(name, 0) + 1
        body = request[IN_HEADER.size :]
        self.waiting.append((time.monotonic(), name, header, body))
        return True

    def answer_due(self):
        """Answer what is due; milliseconds until the next is, or None."""
        left, nearest = [], None
        now = time.monotonic()
        requests, self.waiting = self.waiting, []
        for came, name, header, body in requests:
            when = self.due(came, name)
            if when is not None and when <= now:
                self.answer(name, header, body)
                continue
            left.append((came, name, header, body))
            if when is not None:
                nearest = when if nearest is None else min(nearest, when)
        self.waiting = left
        return None if nearest is None else max(0, nearest - now) * 1000

    def answer(self, name, header, body):
        fault = self.faults.get(name, 0)
        error, reply = 0, b""
        try:
            if fault > 0:
                raise OSError(fault, name)
            method = getattr(self, name.lower(), None)
            if method is None:
                raise OSError(errno.ENOSYS, name)
            node = self.nodes.get(header[3])
            if node is None and name not in (*SILENT, "INIT", "STATFS"):
                raise OSError(errno.ESTALE, name)
            reply = method(node, body) or b""
        except OSError as failure:
            error = -failure.errno
        if name in SILENT:
            return
        out = OUT_HEADER.pack(OUT_HEADER.size + len(reply), error, header[2])
        try:
            os.write(self.device, out + reply)
        except OSError as failure:  # nobody waits for it any more
            if failure.errno != errno.ENOENT:
                raise

    # ---- what nodes look like ----

    def attributes(self, node):
        times = node.atime, node.mtime, node.ctime
        size = len(node.data)
        return ATTR.pack(
            node.number, size, -(-size // 512),
            *(t // 10**9 for t in times), *(t % 10**9 for t in times),
            node.mode, node.links, node.uid, node.gid, 0, 4096, 0,
        )  # fmt: skip

    def entry(self, node):
        head = ENTRY_OUT.pack(node.number, 0, self.validity, self.validity, 0, 0)
        return head + self.attributes(node)

    def add(self, parent, name, mode, data=b""):
        if name in parent.children:
            raise FileExistsError(errno.EEXIST, "exists")
        self.last += 1
        node = self.nodes[self.last] = Node(self.last, mode)
        node.data += data
        parent.children[name] = node
        return node

    def take(self, parent, name):
        node = parent.children.get(name)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, "no such file")
        return node

    # ---- requests: (the node it is about, body) -> reply ----

    def init(self, _node, body):
        _, _, ahead, flags = struct.unpack_from("<IIII", body)
        return INIT_OUT.pack(
            7, 31, ahead, flags & FEATURES, 500, 400, MAX_WRITE, 1, 32, 0, 0
        )

    def forget(self, node, _body):
        if node is not None and node.links == 0:
            del self.nodes[node.number]

    def batch_forget(self, _node, body):
        (count,) = struct.unpack_from("<I", body)
        for i in range(count):
            (number,) = struct.unpack_from("<Q", body, 8 + 16 * i)
            self.forget(self.nodes.get(number), b"")

    def interrupt(self, _node, _body):
        """Requests take their time, whoever wants to be gone."""

    def destroy(self, _node, _body):
        """The mount is gone; the device says so too."""

    def lookup(self, node, body):
        return self.entry(self.take(node, body.rstrip(b"\0")))

    def getattr(self, node, _body):
        return ATTR_OUT.pack(self.validity, 0) + self.attributes(node)

    def setattr(self, node, body):
        (valid, _, size, _, atime, mtime, _, ansec, mnsec, _, mode, _, uid,
         gid, _) = SETATTR_IN.unpack_from(body)  # fmt: skip
        node.ctime = now = time.time_ns()
        if valid & 1:
            node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
        if valid & 2:
            node.uid = uid
        if valid & 4:
            node.gid = gid
        if valid & 8:
            del node.data[size:]
            node.data += bytes(size - len(node.data))
            node.mtime = now
        if valid & 16:
            node.atime = now if valid & 128 else atime * 10**9 + ansec
        if valid & 32:
            node.mtime = now if valid & 256 else mtime * 10**9 + mnsec
        return self.getattr(node, b"")

    def readlink(self, node, _body):
        return bytes(node.data)

    def symlink(self, node, body):
        name, target = body.split(b"\0")[:2]
        return self.entry(self.add(node, name, stat.S_IFLNK | 0o777, target))

    def mknod(self, node, body):
        mode, name = *struct.unpack_from("<I", body), body[16:-1]
        return self.entry(self.add(node, name, mode))

    def mkdir(self, node, body):
        mode, name = *struct.unpack_from("<I", body), body[8:-1]
        return self.entry(self.add(node, name, stat.S_IFDIR | mode))

    def unlink(self, node, body):
        name = body.rstrip(b"\0")
        self.take(node, name).links -= 1
        del node.children[name]

    def rmdir(self, node, body):
        if self.take(node, body.rstrip(b"\0")).children:
            raise OSError(errno.ENOTEMPTY, "not empty")
        self.unlink(node, body)

    def rename(self, node, body, skip=8):
        (number,) = struct.unpack_from("<Q", body)
        old, new = body[skip:].split(b"\0")[:2]
        moved, target = self.take(node, old), self.nodes[number]
        if new in target.children:
            self.unlink(target, new)
        del node.children[old]
        target.children[new] = moved

    def rename2(self, node, body):
        if struct.unpack_from("<I", body, 8) != (0,):
            raise OSError(errno.EINVAL, "flags")
        self.rename(node, body, 16)

    def link(self, node, body):
        (number,) = struct.unpack_from("<Q", body)
        linked = self.nodes[number]
        linked.links += 1
        node.children[body[8:-1]] = linked
        return self.entry(linked)

    def open(self, node, body):
        (flags,) = struct.unpack_from("<I", body)
        if flags & os.O_TRUNC:
            node.data.clear()
        return OPEN_OUT.pack(0, 0)

    def create(self, node, body):
        mode, name = *struct.unpack_from("<I", body, 4), body[16:-1]
        made = self.add(node, name, mode)
        return self.entry(made) + OPEN_OUT.pack(0, 0)

    def read(self, node, body):
        _, offset, size = MOVE_IN.unpack_from(body)
        if "READ" in self.faults:
            size = min(size, -self.faults["READ"])
        return bytes(node.data[offset : offset + size])

    def write(self, node, body):
        _, offset, size = MOVE_IN.unpack_from(body)
        if "WRITE" in self.faults:
            size = min(size, -self.faults["WRITE"])
        data = body[MOVE_IN.size : MOVE_IN.size + size]
        node.data += bytes(max(0, offset - len(node.data)))
        node.data[offset : offset + size] = data
        node.mtime = time.time_ns()
        return struct.pack("<I4x", size)

    def statfs(self, _node, _body):
        return STATFS_OUT.pack(1 << 20, 1 << 19, 1 << 19, 1 << 20, 1 << 19,
                               4096, 255, 4096)  # fmt: skip

    def opendir(self, _node, _body):
        return OPEN_OUT.pack(0, 0)

    def readdir(self, node, body):
        _, offset, room = MOVE_IN.unpack_from(body)
        names = [(b".", node), (b"..", node), *node.children.items()]
        reply = b""
        for at, (name, child) in enumerate(names[offset:], offset + 1):
            entry = DIRENT.pack(
                child.number, at, len(name), stat.S_IFMT(child.mode) >> 12
            )
            entry += name + bytes(-len(name) % 8)
            if len(reply) + len(entry) > room:
                break
            reply += entry
        return reply

    def _nothing(self, _node, _body):
        """It is done already."""

    release = fsync = flush = releasedir = fsyncdir = _nothing


def mount(folder):
    """Mount at the folder; the descriptor that requests come from."""
    device = os.open("/dev/fuse", os.O_RDWR | os.O_NONBLOCK)
    options = f"fd={device},rootmode=40777,user_id=0,group_id=0,allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"slow", os.fsencode(folder), b"fuse.slow", MOUNT_FLAGS,
                  options.encode()) != 0:  # fmt: skip
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return device


def main(folder, validity):
    try:
        device = mount(folder)
    except OSError as error:
        print(f"cannot mount FUSE: {error}", flush=True)
        return
    print("mounted", flush=True)
    Server(device, validity).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
