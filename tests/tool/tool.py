# weir: runs the tool for tests, and asks the kernel about it.
# SPDX-License-Identifier: MIT
import ctypes
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

TOOL = None  # set by main()
SANITIZED = bool(os.environ.get("WEIR_SANITIZE"))
PR_SET_PDEATHSIG = 1  # prctl(2)
_LIBC = ctypes.CDLL(None)


def main():
    """`NAME_test.py TOOL [unittest arguments]`"""
    global TOOL
    TOOL = os.path.abspath(sys.argv[1])
    sys.modules["tool"].TOOL = TOOL
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    program = unittest.main(module="__main__", argv=[sys.argv[0], *sys.argv[2:]], exit=False, verbosity=2)
    skipped = program.result.skipped
    if skipped and len(skipped) == program.result.testsRun:
        print(f"SKIPPED: {skipped[0][1]}", flush=True)
    sys.exit(0 if program.result.wasSuccessful() else 1)


def run(*arguments, timeout=15):
    """Runs the tool to its end: exit code, stdout, stderr."""
    done = subprocess.run([TOOL, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                          preexec_fn=die_with_test)
    return done.returncode, done.stdout, done.stderr


def die_with_test():
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def eventually(condition, seconds=10, what="it"):
    """Waits until `condition()` is true and returns what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        time.sleep(0.002)


class Server:
    """A running `weir echo`. Leaving the `with` closes the test's connections, sends SIGTERM and wants exit code 0."""

    COMMAND = "echo"

    def __init__(self, *options, listen="127.0.0.1:0", descriptors=None, wrapper=()):
        self.errors = tempfile.TemporaryFile()
        self.connections = []
        command = [*wrapper, TOOL, self.COMMAND, "--listen", listen, *options]

        def prepare():
            die_with_test()
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors,
                                        preexec_fn=prepare)
        self.pid = self.process.pid
        line = self.process.stdout.readline().decode()
        if not line.startswith("listening on "):
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server does not listen: {line}{self.said()}")
        self.address = line.removeprefix("listening on ").rstrip("\n")

    def connect(self, receive_buffer=None):
        if self.address.startswith("unix:"):
            connection = socket.socket(socket.AF_UNIX)
            target = self.address.removeprefix("unix:")
            target = "\0" + target[1:] if target.startswith("@") else target
        else:
            host, port = self.address.rsplit(":", 1)
            connection = socket.socket(socket.AF_INET6 if host.startswith("[") else socket.AF_INET)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            target = (host.strip("[]"), int(port))
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(30)
        self.connections.append(connection)
        connection.connect(target)
        return connection

    def said(self):
        """What stands on its stderr so far."""
        return os.pread(self.errors.fileno(), 1 << 24, 0).decode(errors="replace")

    def wait_said(self, pattern, seconds=10):
        return eventually(lambda: re.search(pattern, self.said()), seconds, f"a line with '{pattern}'")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=20):
        """Waits for its end and returns the exit code."""
        return self.process.wait(seconds)

    def cpu_seconds(self):
        return time.clock_gettime((~self.pid << 3) | 2)  # clock_getcpuclockid(3)

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/smaps_rollup") as file:
            return int(re.search(r"^Rss:\s+(\d+) kB", file.read(), re.MULTILINE).group(1)) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for connection in self.connections:
            connection.close()
        has_ended = self.process.poll() is not None
        if not has_ended:
            self.signal(signal.SIGTERM)
        try:
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        said = self.said()
        self.errors.close()
        if kind is None and not has_ended and status != 0:
            raise AssertionError(f"the server ended with {status} after SIGTERM:\n{said}")
        if "Sanitizer" in said or "runtime error" in said:
            raise AssertionError(f"the sanitizer complained:\n{said}")


class Proxy(Server):
    """A running `weir proxy`: `Proxy(ADDR, ADDR, options=("--limit", "1M"))`."""

    COMMAND = "proxy"

    def __init__(self, *targets, options=(), **settings):
        super().__init__(*(word for target in targets for word in ("--to", target)), *options, **settings)


class Target:
    """A listening socket for a test that is a target itself. `address` is as the tool reads it."""

    def __init__(self, address=("127.0.0.1", 0), backlog=128):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(address)
        self.listener.listen(backlog)
        self.listener.settimeout(10)
        self.name = self.listener.getsockname()
        self.address = f"unix:{address}" if family == socket.AF_UNIX else f"{self.name[0]}:{self.name[1]}"
        self.connections = []

    def accept(self, timeout=10):
        self.listener.settimeout(timeout)
        connection, _ = self.listener.accept()
        connection.settimeout(30)
        self.connections.append(connection)
        return connection

    def close(self):
        self.listener.close()
        for connection in self.connections:
            connection.close()
        self.connections.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class FullTarget(Target):
    """One that does not answer: its backlog is full, so the kernel drops who wants to connect, until `open`."""

    def __init__(self):
        super().__init__(backlog=0)
        self.fillers = []
        for _ in range(2):  # the backlog holds one more than was asked for
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self.name)
            self.fillers.append(filler)
        eventually(self.is_full)

    def is_full(self):
        waiting = 0
        with open("/proc/net/tcp") as file:
            for line in file:
                fields = line.split()
                if fields[1].endswith(f":{self.name[1]:04X}") and fields[3] == "01":
                    waiting += 1
        return waiting >= 1

    def open(self):
        self.listener.listen(128)
        for filler in self.fillers:
            filler.close()

    def close(self):
        super().close()
        for filler in self.fillers:
            filler.close()


def receive_exactly(connection, count):
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(min(count - len(data), 1 << 20))
        if not piece:
            raise AssertionError(f"the server ended the connection after {len(data)} of {count} bytes")
        data += piece
    return bytes(data)


def receive_all(connection):
    """Everything up to the server's end."""
    data = bytearray()
    while piece := connection.recv(1 << 20):
        data += piece
    return bytes(data)


def echo(connection, message=b"hello\n"):
    """One message there and back."""
    connection.sendall(message)
    received = receive_exactly(connection, len(message))
    assert received == message, f"sent {message[:50]!r}, got {received[:50]!r}"


def reset(connection):
    """Closes so that the peer sees a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
