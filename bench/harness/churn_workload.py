# weir: L3, connection churn: the server's CPU time for a connection that makes one request and is reset.
# SPDX-License-Identifier: MIT
import contextlib
import socket
import struct
from dataclasses import dataclass

from .echo_workload import EchoWorkload
from .machine import cpu_nanoseconds, wait_until_idle
from .programs import BenchError

AT_A_TIME = 16
MESSAGE = b"churn..." * 8
CONNECTION_SECONDS = 0.00015  # what one takes, for the estimate of the time left


@dataclass(frozen=True)
class Cell:
    """So many connections in a run, a few at a time."""
    connections: int
    rounds: int

    case = "reset/64"
    group = "connect, echo, reset"
    label = "64 B"


class ChurnWorkload(EchoWorkload):
    """The runner is the load generator: only the server's time counts, and what a client does is a few calls."""
    identity = "L3"
    title = "connection churn: server CPU for connect, one echo, reset"
    unit = "us/connection"
    goal = 1.10
    goal_up_to_connections = 1 << 20

    def choose_cells(self, options):
        if options.smoke:
            return [Cell(AT_A_TIME, 1)]
        return [Cell(AT_A_TIME * (60 if options.quick else 120), options.pairs or (15 if options.quick else 25))]

    def planned_for(self, cell):
        return len(self.programs) * cell.connections * CONNECTION_SECONDS

    def run_once(self, cell, server):
        wait_until_idle(server.pid)
        before = cpu_nanoseconds(server.pid)
        for _ in range(cell.connections // AT_A_TIME):
            churn(server)
        wait_until_idle(server.pid)  # the last resets are heard
        cost = cpu_nanoseconds(server.pid) - before
        return cost / 1000 / cell.connections, {"connections": cell.connections}


def churn(server):
    """A few connections, each of which sends a message, hears it, and resets, so that no port is left in TIME_WAIT."""
    host, port = server.address.rsplit(":", 1)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection((host, int(port)), timeout=10)) for _ in range(AT_A_TIME)]
        for connection in connections:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(MESSAGE)
        for connection in connections:
            if connection.recv(len(MESSAGE), socket.MSG_WAITALL) != MESSAGE:
                raise BenchError(f"{server.subject}: echoed something else, or nothing")
