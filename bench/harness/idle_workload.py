# weir: L7, idle memory: what ten thousand idle connections cost a server, in resident bytes each.
# SPDX-License-Identifier: MIT
import contextlib
import socket
import struct
import time
from dataclasses import dataclass

from .figures import Figures
from .machine import open_descriptors, resident_bytes, wait_until_idle
from .programs import BenchError, Server
from .workload import Workload

SUBJECTS = ("raw-epoll", "weir", "libevent", "asio")
WARM_CONNECTIONS = 64  # open before the first sample, so that code, pools and tables are there
BATCH = 256            # connections opened before the server is given time to accept them
PLANNED_SECONDS = 2.0  # one run, for the estimate of the time left


@dataclass(frozen=True)
class Case:
    case: str
    label: str
    group: str


class IdleWorkload(Workload):
    identity = "L7"
    title = "idle memory per connection"
    unit = "B/connection"
    reference = "libevent"
    rounds = 3  # resident size hardly varies

    def __init__(self, programs, machine, options):
        self.machine = machine
        self.programs = {subject: programs[subject] for subject in SUBJECTS if subject in programs}
        self.connections = 100 if options.smoke else min(10000, machine.descriptors - WARM_CONNECTIONS - 200)
        if options.smoke:
            self.rounds = 1
        group = f"{self.connections} connections"
        self.cells = [Case("accepted", "accepted", group), Case("after one echo", "after one echo of 64 B", group)]

    def planned_seconds(self):
        return self.rounds * len(self.programs) * PLANNED_SECONDS

    def run(self, progress):
        figures = Figures(self.identity, self.unit, self.programs)
        failures = []
        progress.cell(f"{self.identity} {self.connections} idle connections")
        for number in range(1, self.rounds + 1):
            for subject, program in self.programs.items():
                progress.show(f"{self.identity} {self.connections} idle connections", f"round {number} of {self.rounds}, {subject}")
                try:
                    self.run_once(subject, program, number, figures)
                except (BenchError, OSError) as error:
                    failures.append(f"{self.identity} {subject}: {error}")
                    progress.say(failures[-1])
                progress.advance(PLANNED_SECONDS)
        for subject in self.programs:
            progress.say(self.row(subject, figures))
        return figures, failures

    def run_once(self, subject, program, number, figures):
        with Server(subject, program, self.machine) as server, contextlib.ExitStack() as stack:
            echo_once(connect(server, stack))
            for _ in range(WARM_CONNECTIONS):
                connect(server, stack)
            wait_until_idle(server.pid)
            empty, descriptors = resident_bytes(server.pid), open_descriptors(server.pid)

            connections = self.connect_all(server, stack)
            accepted = resident_bytes(server.pid)
            if open_descriptors(server.pid) - descriptors != len(connections):
                raise BenchError(f"accepted {open_descriptors(server.pid) - descriptors} of {len(connections)} connections")
            for connection in connections:
                echo_once(connection)
            wait_until_idle(server.pid)
            echoed = resident_bytes(server.pid)

            figures.add("accepted", subject, number, (accepted - empty) / len(connections))
            figures.add("after one echo", subject, number, (echoed - empty) / len(connections))

    def connect_all(self, server, stack):
        connections = []
        for index in range(self.connections):
            connections.append(connect(server, stack))
            if index % BATCH == 0:
                wait_until_idle(server.pid, quiet=0.002)
        wait_until_idle(server.pid)
        return connections

    def heading(self):
        return f"{'':<12} {'accepted':>16} {'after one echo':>16}"

    def row(self, subject, figures):
        costs = [figures.cost(cell.case, subject) for cell in self.cells]
        return f"{subject:<12} " + " ".join(f"{cost.median:>14.0f} B" if cost else f"{'failed':>16}" for cost in costs)


def connect(server, stack):
    host, port = server.address.rsplit(":", 1)
    connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leaves no TIME_WAIT behind
    return connection


def echo_once(connection):
    message = b"idle" * 16
    connection.sendall(message)
    received = b""
    while len(received) < len(message):
        data = connection.recv(len(message) - len(received))
        if not data:
            raise BenchError("the server closed an idle connection")
        received += data
    if received != message:
        raise BenchError("the server echoed something else")
