# weir: tests of what passes through `weir proxy`: every byte, once and in order, and every end.
# SPDX-License-Identifier: MIT
import hashlib
import os
import random
import selectors
import socket
import tempfile
import threading
import time
import unittest

import tool
import traffic_test


def hash_of(connection):
    """Of everything up to the end."""
    digest = hashlib.sha256()
    while piece := connection.recv(random.randint(1, 1 << 18)):
        digest.update(piece)
    return digest.hexdigest()


def send_in_pieces(connection, data):
    sent = 0
    while sent < len(data):
        piece = data[sent:sent + random.choice((1, 100, 1000, 30_000, 200_000))]
        connection.sendall(piece)
        sent += len(piece)


class Bytes(unittest.TestCase):
    def test_every_byte_comes_back_through_it_in_pieces_of_random_sizes(self):
        with tool.Server() as echo, tool.Proxy(echo.address) as proxy:
            connection = proxy.connect()
            data = random.randbytes(20_000_000)
            sender = threading.Thread(target=lambda: (send_in_pieces(connection, data), connection.shutdown(socket.SHUT_WR)))
            sender.start()
            self.assertEqual(hash_of(connection), hashlib.sha256(data).hexdigest())
            sender.join()
            self.assertEqual(proxy.said(), "")

    def test_hundreds_of_connections_on_several_threads(self):
        for threads in (1, 3):
            seed = random.randrange(1 << 32)
            with tool.Server() as echo, tool.Proxy(echo.address, options=("--threads", str(threads))) as proxy:
                clients = [traffic_test.Client(proxy.connect(), random.Random(seed + number)) for number in range(200)]
                traffic_test.run_clients(clients)
                for number, client in enumerate(clients):
                    self.assertEqual(client.received, client.data, f"connection {number}, seed {seed}")

    def test_through_three_of_them(self):
        with tool.Server() as echo, tool.Proxy(echo.address) as first, tool.Proxy(first.address) as second, \
                tool.Proxy(second.address, options=("--backend", "poll")) as third:
            connection = third.connect()
            tool.echo(connection)
            message = random.randbytes(3_000_000)
            sender = threading.Thread(target=lambda: (connection.sendall(message), connection.shutdown(socket.SHUT_WR)))
            sender.start()
            self.assertEqual(tool.receive_all(connection), message)
            sender.join()

    def test_a_side_that_does_not_read_keeps_the_other_from_sending(self):
        with tool.Target() as target, tool.Proxy(target.address) as proxy:
            before = proxy.resident_bytes()
            client = proxy.connect()
            server = target.accept()
            for sender, receiver in ((client, server), (server, client)):
                sender.setblocking(False)
                sent = 0
                still_since = time.monotonic()
                while time.monotonic() - still_since < 0.5:
                    try:
                        sent += sender.send(bytes(1 << 16))
                        still_since = time.monotonic()
                    except BlockingIOError:
                        time.sleep(0.01)
                    self.assertLess(sent, 100 << 20, "nothing holds it up")
                if not tool.SANITIZED:
                    self.assertLess(proxy.resident_bytes() - before, 3 << 20)
                sender.setblocking(True)
                tool.receive_exactly(receiver, sent)

    def test_unix_sockets_on_either_side_and_on_both(self):
        with tempfile.TemporaryDirectory() as folder:
            addresses = ("127.0.0.1:0", f"unix:{folder}/target")
            listens = ("127.0.0.1:0", f"unix:{folder}/proxy", f"unix:@weir-proxy-{os.getpid()}")
            for address in addresses:
                for listen in listens:
                    with tool.Server(listen=address) as echo, tool.Proxy(echo.address, listen=listen) as proxy:
                        connection = proxy.connect()
                        data = random.randbytes(500_000)
                        sender = threading.Thread(
                            target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
                        sender.start()
                        self.assertEqual(tool.receive_all(connection), data, (address, listen))
                        sender.join()
            self.assertFalse(os.path.exists(f"{folder}/proxy"))


class Ends(unittest.TestCase):
    def both(self):
        """Each way: (the one that ends first, the other)."""
        with tool.Target() as target, tool.Proxy(target.address, options=("--log", "info")) as proxy:
            client = proxy.connect()
            server = target.accept()
            yield client, server, proxy
            client = proxy.connect()
            server = target.accept()
            yield server, client, proxy

    def test_a_half_close_passes_and_the_other_way_stays_open(self):
        for first, second, proxy in self.both():
            first.sendall(b"all that I have to say")
            first.shutdown(socket.SHUT_WR)
            self.assertEqual(tool.receive_all(second), b"all that I have to say")
            for _ in range(3):
                second.sendall(b"and I say this")
                self.assertEqual(tool.receive_exactly(first, 14), b"and I say this")
            second.shutdown(socket.SHUT_WR)
            self.assertEqual(first.recv(1), b"")
            self.assertEqual(proxy.said(), "", "neither is remarkable")

    def test_an_end_comes_after_megabytes_that_are_still_under_way(self):
        for first, second, _ in self.both():
            data = random.randbytes(5_000_000)
            sender = threading.Thread(target=lambda: (first.sendall(data), first.shutdown(socket.SHUT_WR)))
            sender.start()
            time.sleep(0.1)  # the buffers fill
            self.assertEqual(hash_of(second), hashlib.sha256(data).hexdigest())
            sender.join()

    def test_a_reset_passes_as_a_reset_after_what_came_before_it(self):
        for number, (first, second, proxy) in enumerate(self.both()):
            first.sendall(b"the last words")
            self.assertEqual(tool.receive_exactly(second, 14), b"the last words")
            tool.reset(first)
            with self.assertRaises(ConnectionResetError):
                second.recv(1)
            side = ("client", "target")[number]
            proxy.wait_said(f"info: the connection from 127.0.0.1:[0-9]+ to 127.0.0.1:[0-9]+ broke at the {side} after "
                            r"(14 B there and 0 B back|0 B there and 14 B back): Connection reset by peer\n")

    def test_a_connection_of_no_bytes_ends_on_both_sides(self):
        for first, second, _ in self.both():
            first.close()
            self.assertEqual(second.recv(1), b"")
            second.close()

    def test_nothing_is_left_of_connections_that_have_ended(self):
        with tool.Server() as echo, tool.Proxy(echo.address) as proxy:
            tool.echo(proxy.connect())
            tool.eventually(lambda: proxy.descriptors() >= 8)
            with_one = proxy.descriptors()
            for number in range(300):
                connection = proxy.connect()
                tool.echo(connection)
                if number % 2:
                    tool.reset(connection)
                else:
                    connection.close()
                proxy.connections.pop()
            tool.eventually(lambda: proxy.descriptors() == with_one)


class BeforeThereIsATarget(unittest.TestCase):
    def test_what_the_client_sends_waits_for_the_connection(self):
        with tool.FullTarget() as target, tool.Proxy(target.address, options=("--connect-timeout", "20")) as proxy:
            talking, ending = proxy.connect(), proxy.connect()
            talking.sendall(b"hello?")
            ending.sendall(random.Random(1).randbytes(200_000))
            ending.shutdown(socket.SHUT_WR)
            time.sleep(0.2)
            target.open()
            received = []
            while len(received) < 2:
                server = target.accept()
                first = server.recv(6, socket.MSG_WAITALL)
                if first == b"hello?":
                    server.sendall(b"hello!")
                    self.assertEqual(tool.receive_exactly(talking, 6), b"hello!")
                    received.append(first)
                elif first:  # not one of those that have filled the backlog
                    self.assertEqual(first + tool.receive_all(server), random.Random(1).randbytes(200_000))
                    server.sendall(b"got it")
                    self.assertEqual(tool.receive_exactly(ending, 6), b"got it")
                    received.append(first)
            self.assertEqual(proxy.said(), "")

    def test_no_more_is_read_than_the_marks_of_a_stream_allow(self):
        with tool.FullTarget() as target, tool.Proxy(target.address, options=("--connect-timeout", "20")) as proxy:
            before = proxy.resident_bytes()
            connection = proxy.connect()
            connection.setblocking(False)
            selector = selectors.DefaultSelector()
            selector.register(connection, selectors.EVENT_WRITE)
            sent = 0
            while selector.select(0.5):
                sent += connection.send(bytes(1 << 20))
                self.assertLess(sent, 100 << 20, "it reads without end")
            if not tool.SANITIZED:
                self.assertLess(proxy.resident_bytes() - before, 1 << 20)

    def test_a_client_that_goes_takes_the_attempt_with_it(self):
        with tool.FullTarget() as target, tool.Proxy(target.address, options=("--log", "info")) as proxy:
            idle = proxy.descriptors()
            connections = [proxy.connect() for _ in range(20)]
            tool.eventually(lambda: proxy.descriptors() == idle + 40)
            for connection in connections:
                tool.reset(connection)
            tool.eventually(lambda: proxy.descriptors() == idle, 3)
            proxy.wait_said("info: the connection from 127.0.0.1:[0-9]+ broke before it had a target: Connection reset by peer")


if __name__ == "__main__":
    tool.main()
