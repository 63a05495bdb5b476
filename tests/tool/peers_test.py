# weir: tests of `weir echo` with peers that misbehave: each one harms itself only.
# SPDX-License-Identifier: MIT
import random
import select
import socket
import threading
import time
import unittest

import tool


def send_until_stuck(connection, quiet, most=1 << 30):
    """Sends without reading until the server has taken nothing for `quiet` seconds; returns what was sent."""
    block = random.randbytes(1 << 16)
    sent = bytearray()
    connection.setblocking(False)
    while len(sent) < most and select.select([], [connection], [], quiet)[1]:
        start = len(sent) % len(block)
        sent += block[start:start + connection.send(block[start:])]
    connection.settimeout(30)
    return sent


class Peers(unittest.TestCase):
    def test_a_peer_that_resets_in_the_middle_harms_nobody_else(self):
        with tool.Server("--log", "info") as server:
            other = server.connect()
            for size in (1, 1000, 100_000, 1_000_000):
                connection = server.connect(receive_buffer=4096)
                connection.setblocking(False)
                connection.send(random.randbytes(size))
                port = connection.getsockname()[1]
                select.select([connection], [], [], 5)  # the server has begun to answer
                tool.reset(connection)
                server.wait_said(f"info: the connection from 127.0.0.1:{port} broke: Connection reset by peer")
                tool.echo(other)

    def test_thousands_of_resets_leave_nothing_behind(self):
        with tool.Server() as server:
            other = server.connect()
            tool.echo(other)
            descriptors = server.descriptors()
            for number in range(300 if tool.SANITIZED else 3000):
                connection = server.connect()
                connection.sendall(b"x" * (number % 7 * 20_000 + 1))
                if number % 3:
                    connection.recv(1)
                tool.reset(connection)
            tool.echo(other)
            tool.eventually(lambda: server.descriptors() == descriptors, 10, "closing every descriptor")
            self.assertEqual(server.said(), "")

    # hazard: S8
    def test_a_peer_that_never_reads_is_slowed_and_not_cut(self):
        with tool.Server() as server:
            other = server.connect()
            tool.echo(other)
            before = server.resident_bytes()
            connection = server.connect(receive_buffer=1 << 16)
            sent = send_until_stuck(connection, quiet=1)
            self.assertLess(len(sent), 64 << 20)  # what the kernel's buffers hold, and little more
            if not tool.SANITIZED:
                self.assertLess(server.resident_bytes() - before, 2 << 20)
            cpu = server.cpu_seconds()
            ended = threading.Event()
            self.assertFalse(ended.wait(3))
            self.assertLess(server.cpu_seconds() - cpu, 0.05)
            self.assertEqual(server.said(), "")
            tool.echo(other)

            self.assertEqual(tool.receive_exactly(connection, len(sent)), sent)
            tool.echo(connection)

    # hazard: S8
    def test_many_peers_that_never_read_take_bounded_memory(self):
        count = 40
        with tool.Server() as server:
            tool.echo(server.connect())
            before = server.resident_bytes()
            connections = [server.connect(receive_buffer=4096) for _ in range(count)]
            for connection in connections:
                connection.setblocking(False)
            stuck_since = time.monotonic()
            block = bytes(1 << 16)
            sent = 0
            while time.monotonic() - stuck_since < 0.5:
                _, writable, _ = select.select([], connections, [], 0.5)
                for connection in writable:
                    sent += connection.send(block)
                    stuck_since = time.monotonic()
            self.assertGreater(sent, count << 18)
            if not tool.SANITIZED:
                # 256 KiB of output, at most one receive above that, and what shares a receive block with them
                self.assertLess((server.resident_bytes() - before) / count, 600 << 10)
            tool.echo(server.connect())

    def test_a_peer_that_reads_slowly_gets_everything(self):
        with tool.Server() as server:
            connection = server.connect(receive_buffer=4096)
            message = random.randbytes(400_000 if tool.SANITIZED else 2_000_000)
            sender = threading.Thread(target=connection.sendall, args=(message,))
            sender.start()
            received = bytearray()
            while len(received) < len(message):
                received += connection.recv(1500)
            sender.join()
            self.assertEqual(received, message)

    def test_a_peer_that_stops_sending_still_gets_its_answers(self):
        with tool.Server() as server:
            connection = server.connect(receive_buffer=4096)
            sent = send_until_stuck(connection, quiet=0.2)
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(tool.receive_all(connection), sent)


if __name__ == "__main__":
    tool.main()
