# weir: tests of `weir echo --threads`.
# SPDX-License-Identifier: MIT
import os
import random
import signal
import tempfile
import threading
import unittest

import tool


def threads_that_worked(server):
    """How many of the server's threads have run since they waited for the first time."""
    worked = 0
    for thread in os.listdir(f"/proc/{server.pid}/task"):
        with open(f"/proc/{server.pid}/task/{thread}/status") as status:
            switches = next(line for line in status if line.startswith("voluntary_ctxt_switches"))
        worked += int(switches.split()[1]) > 5
    return worked


class Threads(unittest.TestCase):
    def test_each_serves_connections_of_its_own(self):
        with tempfile.TemporaryDirectory() as folder:
            for listen in ("127.0.0.1:0", "[::1]:0", f"unix:{folder}/s"):
                with tool.Server("--threads", "4", listen=listen) as server:
                    connections = [server.connect() for _ in range(80)]
                    for _ in range(10):
                        for connection in connections:
                            tool.echo(connection, random.randbytes(1000))
                    self.assertEqual(len(os.listdir(f"/proc/{server.pid}/task")), 4)
                    self.assertEqual(threads_that_worked(server), 4)
                    self.assertEqual(server.said(), "")

    def test_long_messages_of_many_at_a_time_come_back_whole(self):
        with tool.Server("--threads", "3") as server:
            def exchange(seed):
                message = random.Random(seed).randbytes(2_000_000)
                connection = server.connect()
                sender = threading.Thread(target=connection.sendall, args=(message,))
                sender.start()
                failed[seed] = tool.receive_exactly(connection, len(message)) != message
                sender.join()

            failed = [True] * 12
            clients = [threading.Thread(target=exchange, args=(seed,)) for seed in range(12)]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            self.assertEqual(failed, [False] * 12)

    def test_lines_work_on_all(self):
        with tool.Server("--threads", "3", "--lines") as server:
            for _ in range(30):
                connection = server.connect()
                connection.sendall(b"one\ntwo")
                self.assertEqual(tool.receive_exactly(connection, 4), b"one\n")

    def test_a_signal_stops_all_in_order(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with tool.Server("--threads", "4", "--log", "info") as server:
                connections = [server.connect() for _ in range(40)]
                for connection in connections:
                    tool.echo(connection)
                    connection.sendall(b"last")
                server.signal(number)
                for connection in connections:
                    self.assertTrue(b"last".startswith(tool.receive_all(connection)))
                    connection.close()
                self.assertEqual(server.wait(), 0)
                self.assertIn(f"info: {number.name}: 40 connections have 10 s to end", server.said())

    def test_a_port_in_use_is_a_failure(self):
        with tool.Server("--threads", "2") as server:
            for threads in ("1", "2"):
                status, output, errors = tool.run("echo", "--listen", server.address, "--threads", threads)
                self.assertEqual((status, output), (1, ""))
                self.assertRegex(errors, "^weir echo: error: cannot listen on .*: Address already in use\n$")


if __name__ == "__main__":
    tool.main()
