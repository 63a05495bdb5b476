# weir: tests of `weir echo` with all kinds of traffic: every byte comes back, once and in order.
# SPDX-License-Identifier: MIT
import random
import selectors
import socket
import tempfile
import threading
import unittest

import tool


class Traffic(unittest.TestCase):
    def test_one_byte_at_a_time(self):
        with tool.Server() as server:
            connection = server.connect()
            for number in range(2000):
                tool.echo(connection, bytes((number % 256,)))

            message = bytes(number * 7 % 256 for number in range(5000))
            for byte in message:
                connection.sendall(bytes((byte,)))
            self.assertEqual(tool.receive_exactly(connection, len(message)), message)

    def test_binary_data_with_nuls(self):
        with tool.Server() as server:
            connection = server.connect()
            for message in (b"\0", b"\0" * 100000, bytes(range(256)) * 300, b"a\0b\nc\r\n\0"):
                tool.echo(connection, message)

    def test_what_was_sent_before_the_end_comes_back_before_the_end(self):
        for size in (0, 1, 65535, 65536, 65537, 3_000_000):
            with tool.Server() as server:
                connection = server.connect()
                message = random.randbytes(size)
                sender = threading.Thread(target=lambda: (connection.sendall(message), connection.shutdown(socket.SHUT_WR)))
                sender.start()
                self.assertEqual(tool.receive_all(connection), message)
                sender.join()

    def test_a_gibibyte_through_one_connection(self):
        total = (128 << 20) if tool.SANITIZED else (1 << 30)
        period = 1_000_003  # a prime, so that no block can stand for another
        pattern = memoryview(random.randbytes(period) * 3)

        def send():
            sent = 0
            while sent < total:
                start = sent % period
                sent += connection.send(pattern[start:start + min(1 << 20, total - sent)])
            connection.shutdown(socket.SHUT_WR)

        with tool.Server() as server:
            before = server.resident_bytes()
            connection = server.connect()
            sender = threading.Thread(target=send)
            sender.start()
            received = 0
            block = memoryview(bytearray(1 << 20))
            while count := connection.recv_into(block):
                start = received % period
                self.assertEqual(block[:count], pattern[start:start + count], f"after byte {received}")
                received += count
            sender.join()
            self.assertEqual(received, total)
            if not tool.SANITIZED:
                self.assertLess(server.resident_bytes() - before, 4 << 20)

    def test_hundreds_of_connections_with_random_data_in_random_pieces(self):
        seed = random.randrange(1 << 32)
        with tool.Server() as server:
            clients = [Client(server.connect(), random.Random(seed + number)) for number in range(300)]
            run_clients(clients)
            for number, client in enumerate(clients):
                self.assertEqual(client.received, client.data, f"connection {number}, seed {seed}")

    def test_ipv6(self):
        try:
            server = tool.Server(listen="[::1]:0")
        except AssertionError as error:
            if "Cannot assign" in str(error) or "not supported" in str(error):
                self.skipTest("this machine has no IPv6 loopback")
            raise
        with server:
            self.assertRegex(server.address, r"^\[::1\]:\d+$")
            tool.echo(server.connect(), random.randbytes(100_000))

    def test_a_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            with tool.Server(listen=f"unix:{folder}/socket") as server:
                self.assertEqual(server.address, f"unix:{folder}/socket")
                tool.echo(server.connect(), random.randbytes(100_000))

    def test_an_abstract_unix_socket(self):
        with tool.Server(listen=f"unix:@weir-test-{random.randrange(1 << 60)}") as server:
            tool.echo(server.connect(), random.randbytes(100_000))


class Client:
    """Sends its data in pieces of random sizes, receives in others, then ends."""

    def __init__(self, connection, chance):
        self.connection = connection
        self.chance = chance
        self.data = chance.randbytes(int(chance.choice((10, 1000, 30_000, 200_000)) * chance.random()))
        self.largest = chance.choice((1 + len(self.data) // 50, 3000, 100_000))
        self.sent = 0
        self.received = b""
        connection.setblocking(False)

    def send(self):
        """True when there is no more to send."""
        piece = self.data[self.sent:self.sent + self.chance.randint(1, self.largest)]
        if piece:
            self.sent += self.connection.send(piece)
        if self.sent < len(self.data):
            return False
        self.connection.shutdown(socket.SHUT_WR)
        return True

    def receive(self):
        """True at the end."""
        piece = self.connection.recv(self.chance.randint(1, self.largest))
        self.received += piece
        return not piece


def run_clients(clients):
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client.connection, selectors.EVENT_READ | selectors.EVENT_WRITE, client)
    left = len(clients)
    while left:
        ready = selector.select(20)
        assert ready, f"{left} connections stand still"
        for key, events in ready:
            client = key.data
            if events & selectors.EVENT_WRITE and client.send():
                selector.modify(client.connection, selectors.EVENT_READ, client)
            if events & selectors.EVENT_READ and client.receive():
                selector.unregister(client.connection)
                left -= 1


if __name__ == "__main__":
    tool.main()
