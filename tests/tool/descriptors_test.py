# weir: tests of the tool's descriptors: when it may open no more, and when the standard ones are closed.
# SPDX-License-Identifier: MIT
import os
import resource
import select
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import tool

LIMIT = 64
CONNECTIONS = 100


def exhaust(server):
    """Opens more connections than the server can accept: those that it serves, and those that wait."""
    free = LIMIT - server.descriptors()
    connections = [server.connect() for _ in range(CONNECTIONS)]
    for connection in connections:
        connection.sendall(b"are you there\n")
    server.wait_said("Too many open files")
    served = tool.eventually(lambda: readable(connections, free), 10, "serving those that were accepted")
    for connection in served:
        assert tool.receive_exactly(connection, 14) == b"are you there\n"
    return served, [connection for connection in connections if connection not in served]


def readable(connections, at_least):
    ready, _, _ = select.select(connections, [], [], 0)
    return ready if len(ready) >= at_least else None


@unittest.skipIf(tool.SANITIZED, "UBSan opens a pipe to look at an object: with no descriptor left it takes it for garbage")
class Descriptors(unittest.TestCase):
    # hazard: E6
    def test_while_none_are_left_connections_are_served_and_nothing_spins(self):
        with tool.Server(descriptors=LIMIT) as server:
            served, waiting = exhaust(server)
            self.assertGreater(len(served), LIMIT - 16)
            self.assertGreater(len(waiting), CONNECTIONS - LIMIT)

            start, cpu = time.monotonic(), server.cpu_seconds()
            time.sleep(1.5)  # what it does with nothing to do is what is measured
            used, elapsed = server.cpu_seconds() - cpu, time.monotonic() - start
            self.assertLess(used / elapsed, 0.05)

            slowest = 0
            for connection in served:
                before = time.monotonic()
                tool.echo(connection)
                slowest = max(slowest, time.monotonic() - before)
            self.assertLess(slowest, 0.5)
            elapsed = time.monotonic() - start
            remarks = server.said().count("Too many open files")
            self.assertLessEqual(remarks, 2 + elapsed)
            self.assertEqual(server.said().count("\n"), remarks, server.said())
            self.assertIn(f"warning: accepting at {server.address} pauses: Too many open files (the limit is {LIMIT}", server.said())

    # hazard: E6
    def test_accepting_goes_on_when_a_connection_ends(self):
        with tool.Server(descriptors=LIMIT) as server:
            served, waiting = exhaust(server)
            for connection in served[:10]:
                before = time.monotonic()
                connection.close()
                ready, _, _ = select.select(waiting, [], [], 5)
                self.assertLess(time.monotonic() - before, 0.1)
                self.assertEqual(tool.receive_exactly(ready[0], 14), b"are you there\n")
                waiting.remove(ready[0])
                tool.echo(ready[0])

    # hazard: E6
    def test_accepting_goes_on_when_a_descriptor_frees_elsewhere(self):
        with tool.Server() as server:
            raised = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (LIMIT, raised[1]))
            _, waiting = exhaust(server)
            before = time.monotonic()
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, raised)  # nothing tells the server
            for connection in waiting:
                self.assertEqual(tool.receive_exactly(connection, 14), b"are you there\n")
            self.assertLess(time.monotonic() - before, 0.25)  # it tries again within 0.1 s

    def test_the_soft_limit_is_raised_to_the_hard_one(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
        try:
            with tool.Server() as server:
                self.assertEqual(resource.prlimit(server.pid, resource.RLIMIT_NOFILE), (hard, hard))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class StandardDescriptors(unittest.TestCase):
    def test_what_is_opened_takes_the_place_of_none_that_is_closed(self):
        for closed in ((0,), (1,), (2,), (0, 1, 2)):
            with tempfile.TemporaryDirectory() as folder:
                self.serves_with(closed, f"{folder}/socket")

    def serves_with(self, closed, path):
        script = "exec \"$@\" " + " ".join(f"{number}>&-" for number in closed)
        server = subprocess.Popen(["sh", "-c", script, "sh", tool.TOOL, "echo", "--listen", f"unix:{path}", "--log", "debug"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  preexec_fn=tool.die_with_test)
        try:
            connection = tool.eventually(lambda: self.connected(path))
            for _ in range(3):
                tool.echo(connection)
            for number in range(3):
                self.assertEqual(os.readlink(f"/proc/{server.pid}/fd/{number}"), "/dev/null", closed)
            connection.close()
            server.send_signal(signal.SIGTERM)
            self.assertEqual(server.wait(10), 0)
        finally:
            server.kill()
            server.wait()

    @staticmethod
    def connected(path):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(10)
        try:
            connection.connect(path)
        except OSError:
            connection.close()
            return None
        return connection


if __name__ == "__main__":
    tool.main()
