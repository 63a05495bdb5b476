# weir: L8.proxy, a proxy's CPU time: bytes in bulk, and small messages, every subject against raw splice(2).
# SPDX-License-Identifier: MIT
import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

from .echo_workload import EchoWorkload
from .machine import cpu_nanoseconds, wait_until_idle
from .programs import BenchError, Server

MEBIBYTE = 1 << 20
HAPROXY = """global
    maxconn 1000
    nbthread 1
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    {splice}
listen proxy
    bind 127.0.0.1:{port}
    server target {target}
"""


@dataclass(frozen=True)
class Cell:
    """`mebibytes` through one connection; or, when that is 0, echoes of `size` bytes over some."""
    mebibytes: int
    connections: int
    size: int
    seconds: float
    rounds: int

    case = property(lambda self: f"bulk/{self.mebibytes}" if self.mebibytes else f"echo/{self.connections}/{self.size}")
    group = property(lambda self: "bulk, us/MiB" if self.mebibytes else "echoes, us/request")
    label = property(lambda self: f"{self.mebibytes} MiB" if self.mebibytes else f"{self.connections} × {self.size} B")


class Proxy:
    """One proxy of a subject between the runner, or the load generator, and a target; with the parts of Server that workloads use."""

    def __init__(self, subject, command, machine):
        self.subject = subject
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
                                        preexec_fn=machine.on_server_core)
        self.pid = self.process.pid
        self.address = None

    def wait_for(self, address):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(address, timeout=1):
                self.address = "%s:%d" % address
                return
            time.sleep(0.02)
        raise BenchError(f"{self.subject}: does not listen")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output.close()


class ProxyWorkload(EchoWorkload):
    """Bulk: the runner is source and sink, on the generator's core. Echoes: behind each proxy stands the raw epoll echo server,
    there too."""
    identity = "L8.proxy"
    title = "proxy: its CPU for bytes in bulk and for small messages"
    reference = "raw-splice"
    goal = 1.25
    goal_up_to_connections = 1

    def __init__(self, programs, machine, options):
        self.machine = machine
        self.generator = programs["weir"]
        self.echo_program = programs["raw-epoll"]
        self.warm_up = not options.smoke
        self.programs = {"raw-splice": programs["raw-splice"], "raw-splice again": programs["raw-splice"], "weir": programs["weir"]}
        haproxy = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
        if haproxy:
            self.programs |= {"haproxy": haproxy, "haproxy copying": haproxy}
        else:
            print("haproxy: left out, not installed (Debian: haproxy)")
        self.cells = self.choose_cells(options)

    def choose_cells(self, options):
        if options.smoke:
            return [Cell(2, 1, 0, 0.05, 1), Cell(0, 4, 64, 0.05, 1)]
        rounds = options.pairs or (9 if options.quick else 15)
        return [Cell(256, 1, 0, 0.3, rounds), Cell(0, 50, 64, 0.15, rounds), Cell(0, 50, 16384, 0.2, rounds)]

    def pairs(self, subjects):
        yield from ((subject, "raw-splice") for subject in subjects if subject != "raw-splice")
        yield from (("weir", subject) for subject in subjects if subject.startswith("haproxy"))

    def run(self, progress):
        with contextlib.ExitStack() as stack:
            self.sink = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            echo = Server("raw-epoll", self.echo_program, self.machine, placement=self.machine.on_generator_core)
            self.echo_address = stack.enter_context(echo).address
            self.stack = stack
            return super().run(progress)

    def open_server(self, stack, subject):
        """Two proxies of each subject, one for each target."""
        sink = "127.0.0.1:%d" % self.sink.getsockname()[1]
        return ProxyPair(subject, self.open_proxy(stack, subject, sink), self.open_proxy(stack, subject, self.echo_address))

    def open_proxy(self, stack, subject, target):
        port = free_port()
        program = self.programs[subject]
        if subject.startswith("haproxy"):
            configuration = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".cfg"))
            splice = "" if subject.endswith("copying") else "option splice-auto"
            configuration.write(HAPROXY.format(port=port, target=target, splice=splice))
            configuration.flush()
            command = [program, "-f", configuration.name, "-db"]
        else:
            command = [program, *(["proxy", "--log", "error"] if subject == "weir" else []),
                       "--listen", f"127.0.0.1:{port}", "--to", target]
        proxy = Proxy(subject, command, self.machine)
        stack.callback(proxy.end)
        proxy.wait_for(("127.0.0.1", port))
        return proxy

    def run_once(self, cell, server):
        if not cell.mebibytes:
            return super().run_once(cell, server.to_echo)
        return self.pass_bulk(cell, server.to_sink)

    def pass_bulk(self, cell, proxy):
        with contextlib.ExitStack() as stack:
            host, port = proxy.address.rsplit(":", 1)
            source = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
            sink = self.accept_from_proxy(stack, source)
            wait_until_idle(proxy.pid)
            before = cpu_nanoseconds(proxy.pid)
            sending = threading.Thread(target=send_all, args=(source, cell.mebibytes))
            sending.start()
            received = receive_all(sink, cell.mebibytes * MEBIBYTE)
            sending.join()
            wait_until_idle(proxy.pid)
            cost = cpu_nanoseconds(proxy.pid) - before
        if received != cell.mebibytes * MEBIBYTE:
            raise BenchError(f"{proxy.subject}: {received} bytes came through")
        return cost / 1000 / cell.mebibytes, {"bytes": received}

    def accept_from_proxy(self, stack, source):
        """Connections of earlier probes may wait: the right one brings what was sent."""
        source.sendall(b"?")
        self.sink.settimeout(10)
        while True:
            connection = stack.enter_context(self.sink.accept()[0])
            connection.settimeout(10)
            if connection.recv(1) == b"?":
                return connection

    def row(self, cell, figures):
        unit = "us/MiB" if cell.mebibytes else "us"
        text = f"{cell.group:>20} {cell.label:>10} {cell.rounds:>5}  {figures.cost(cell.case, self.reference).median:>8.2f} {unit:<7}"
        for subject in self.programs:
            if subject != self.reference:
                ratio = figures.ratio(cell.case, subject, self.reference)
                text += f"{ratio.median:.3f} ({ratio.low:.2f}-{ratio.high:.2f})".ljust(22)
        return text.rstrip()

    def heading(self):
        columns = "".join(f"{subject:<22}" for subject in self.programs if subject != self.reference)
        return f"{'case':>31} {'pairs':>5}  {self.reference:>15} {columns}".rstrip()


@dataclass(frozen=True)
class ProxyPair:
    subject: str
    to_sink: Proxy
    to_echo: Proxy


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def send_all(connection, mebibytes):
    piece = memoryview(bytes(MEBIBYTE))
    for _ in range(mebibytes):
        connection.sendall(piece)


def receive_all(connection, size):
    room = bytearray(MEBIBYTE)
    received = 0
    while received < size:
        count = connection.recv_into(room)
        if count == 0:
            break
        received += count
    return received
