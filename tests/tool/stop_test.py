# weir: tests of how `weir echo` stops.
# SPDX-License-Identifier: MIT
import os
import random
import selectors
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import tool

NUMBERS = (signal.SIGTERM, signal.SIGINT)


class Sender(threading.Thread):
    """Sends without end and reads back, until the server ends the connection.

    The server drains 1 MiB of what still comes after it has finished, then closes: so a reset is an end like any other.
    """

    def __init__(self, connection, seed):
        super().__init__(daemon=True)
        self.connection = connection
        self.connection.setblocking(False)
        self.pattern = random.Random(seed).randbytes(100_003) * 3
        self.sent = self.received = 0
        self.wrong = None
        self.running = threading.Event()

    def run(self):
        with self.connection, selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ | selectors.EVENT_WRITE)
            while ready := selector.select(20):
                if ready[0][1] & selectors.EVENT_WRITE and not self.send():
                    selector.modify(self.connection, selectors.EVENT_READ)
                elif ready[0][1] & selectors.EVENT_READ and not self.receive():
                    return
        self.wrong = "the connection stands still"

    def send(self):
        """False when the server takes no more."""
        start = self.sent % 100_003
        try:
            self.sent += self.connection.send(self.pattern[start:start + 50_000])
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def receive(self):
        """False at the end."""
        try:
            data = self.connection.recv(1 << 16)
        except ConnectionResetError:
            return False
        start = self.received % 100_003
        if data != self.pattern[start:start + len(data)]:
            self.wrong = f"wrong data after byte {self.received}"
            return False
        self.received += len(data)
        self.running.set()
        return bool(data)


class Stop(unittest.TestCase):
    def test_under_load_every_peer_gets_an_exact_prefix(self):
        for number in NUMBERS:
            with tool.Server("--log", "info") as server:
                senders = [Sender(server.connect(), seed) for seed in range(20)]
                for sender in senders:
                    sender.start()
                for sender in senders:
                    self.assertTrue(sender.running.wait(10))
                before = time.monotonic()
                server.signal(number)
                self.assertEqual(server.wait(), 0)
                self.assertLess(time.monotonic() - before, 10)
                for sender in senders:
                    sender.join(20)
                    self.assertIsNone(sender.wrong)
                    self.assertLessEqual(sender.received, sender.sent)
                self.assertIn(f"info: {number.name}: 20 connections have 10 s to end", server.said())

    # hazard: S13
    def test_the_answers_under_way_arrive_with_thousands_of_connections(self):
        count = 300 if tool.SANITIZED else 5000
        with tool.Server() as server:
            connections = [server.connect() for _ in range(count)]
            for number, connection in enumerate(connections):
                tool.echo(connection, b"%d" % number)
                connection.sendall(b"message %d" % number)
            server.signal(signal.SIGTERM)
            for number, connection in enumerate(connections):
                message = b"message %d" % number
                self.assertTrue(message.startswith(tool.receive_all(connection)), number)
                connection.close()
            self.assertEqual(server.wait(), 0)

    def test_no_connection_is_taken_while_it_stops(self):
        with tool.Server("--log", "info") as server:
            connection = server.connect()
            tool.echo(connection)
            server.signal(signal.SIGTERM)
            self.assertEqual(connection.recv(1), b"")  # it has ended its side, and waits for this one
            with self.assertRaises(ConnectionRefusedError):
                server.connect()
            connection.close()
            self.assertEqual(server.wait(), 0)

    def test_without_connections_it_stops_at_once(self):
        for number in NUMBERS:
            with tool.Server() as server:
                before = time.monotonic()
                server.signal(number)
                self.assertEqual(server.wait(), 0)
                self.assertLess(time.monotonic() - before, 2)
                self.assertEqual(server.said(), "")

    def test_a_second_signal_ends_it_at_once(self):
        for first in NUMBERS:
            for second in NUMBERS:
                with tool.Server("--log", "info") as server:
                    tool.echo(server.connect())
                    server.signal(first)
                    server.wait_said(f"{first.name}: 1 connections have 10 s")
                    before = time.monotonic()
                    server.signal(second)
                    self.assertEqual(server.wait(), 128 + second)
                    self.assertLess(time.monotonic() - before, 2)
                    self.assertIn(f"warning: {second.name} again: 1 connections are cut", server.said())

    def test_peers_that_never_end_are_cut_after_ten_seconds(self):
        with tool.Server() as server:
            connection = server.connect()
            tool.echo(connection)
            stuck = server.connect(receive_buffer=4096)
            stuck.setblocking(False)
            try:
                while True:
                    stuck.send(bytes(1 << 20))
            except BlockingIOError:
                pass
            before = time.monotonic()
            server.signal(signal.SIGTERM)
            self.assertEqual(connection.recv(1), b"")
            self.assertEqual(server.wait(), 0)
            elapsed = time.monotonic() - before
            self.assertGreater(elapsed, 9)
            self.assertLess(elapsed, 12)
            self.assertRegex(server.said(), r"warning: [12] connections did not end in time and are cut")

    def test_a_unix_socket_is_removed_and_an_abandoned_one_is_taken_over(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/socket"
            with tool.Server(listen=f"unix:{path}") as server:
                tool.echo(server.connect())
                self.assertTrue(os.path.exists(path))
                server.connections.pop().close()
                server.signal(signal.SIGTERM)
                self.assertEqual(server.wait(), 0)
                self.assertFalse(os.path.exists(path))

            with tool.Server(listen=f"unix:{path}") as server:
                server.signal(signal.SIGKILL)
                server.wait()
            self.assertTrue(os.path.exists(path))
            with tool.Server(listen=f"unix:{path}") as server:
                tool.echo(server.connect())

    def test_the_port_can_be_used_again_at_once(self):
        with tool.Server() as server:
            tool.echo(server.connect())
            server.signal(signal.SIGTERM)
            self.assertEqual(server.connections[0].recv(1), b"")
            server.connections[0].close()
            server.wait()
            with tool.Server(listen=server.address) as again:
                tool.echo(again.connect())

    def test_a_log_that_nobody_reads_any_more_does_not_end_it(self):
        process = subprocess.Popen([tool.TOOL, "echo", "--listen", "127.0.0.1:0", "--log", "debug"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, preexec_fn=tool.die_with_test)
        with process:
            process.stderr.close()
            host, port = process.stdout.readline().decode().split()[-1].split(":")
            for _ in range(3):
                with socket.create_connection((host, int(port))) as connection:
                    tool.echo(connection)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(20), 0)


if __name__ == "__main__":
    tool.main()
