# weir: tests of how `weir proxy` stops: what is under way goes on.
# SPDX-License-Identifier: MIT
import hashlib
import os
import random
import signal
import socket
import tempfile
import threading
import time
import unittest

import tool

NUMBERS = (signal.SIGTERM, signal.SIGINT)


class Stop(unittest.TestCase):
    def test_transfers_in_flight_are_completed_both_ways(self):
        data = random.randbytes(8_000_000)  # more than all buffers on the way hold
        expected = hashlib.sha256(data).hexdigest()
        for number in NUMBERS:
            with tool.Target() as target, tool.Proxy(target.address, options=("--log", "info", "--threads", "2")) as proxy:
                target.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
                pairs = [(proxy.connect(receive_buffer=1 << 16), target.accept()) for _ in range(4)]
                hashes = {}

                def send(connection):
                    connection.sendall(data)
                    connection.shutdown(socket.SHUT_WR)

                def receive(connection):
                    digest = hashlib.sha256()
                    while piece := connection.recv(100_000):
                        digest.update(piece)
                        time.sleep(0.01)  # the better part of a second for all of it
                    hashes[connection] = digest.hexdigest()

                threads = [threading.Thread(target=work, args=(end,)) for pair in pairs for end in pair for work in (send, receive)]
                for thread in threads:
                    thread.start()
                time.sleep(0.2)
                proxy.signal(number)
                proxy.wait_said(f"info: {number.name}: 4 connections have 10 s to end")
                with self.assertRaises(ConnectionRefusedError):
                    tool.eventually(lambda: proxy.connect().close())
                self.assertIsNone(proxy.process.poll())
                for thread in threads:
                    thread.join(20)
                self.assertEqual(proxy.wait(), 0)
                self.assertEqual([hashes.get(end) for pair in pairs for end in pair], [expected] * 8)
                self.assertNotIn("are cut", proxy.said())

    def test_a_conversation_goes_on_until_its_peers_end_it(self):
        with tool.Server() as echo, tool.Proxy(echo.address) as proxy:
            connection = proxy.connect()
            tool.echo(connection)
            proxy.signal(signal.SIGTERM)
            for _ in range(5):
                time.sleep(0.1)
                tool.echo(connection)
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(connection.recv(1), b"")
            before = time.monotonic()
            self.assertEqual(proxy.wait(), 0)
            self.assertLess(time.monotonic() - before, 2)

    def test_what_a_client_left_behind_reaches_a_slow_target_before_it_stops(self):
        with tool.Target() as target, tool.Proxy(target.address) as proxy:
            target.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client = proxy.connect()
            server = target.accept()
            server.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(1), b"")
            data = random.randbytes(200_000)
            client.sendall(data)
            client.close()
            proxy.signal(signal.SIGTERM)
            time.sleep(0.3)
            self.assertEqual(tool.receive_all(server), data)
            self.assertEqual(proxy.wait(), 0)

    def test_a_client_that_waits_for_its_target_is_still_connected(self):
        with tool.FullTarget() as full, tool.Server() as echo, \
                tool.Proxy(full.address, echo.address, options=("--connect-timeout", "0.6")) as proxy:
            connection = proxy.connect()
            connection.sendall(b"am I in time?")
            tool.eventually(lambda: proxy.descriptors() >= 8)
            proxy.signal(signal.SIGTERM)
            self.assertEqual(tool.receive_exactly(connection, 13), b"am I in time?")
            connection.close()
            self.assertEqual(proxy.wait(), 0)

    def test_without_connections_it_stops_at_once(self):
        for number in NUMBERS:
            with tool.Proxy("127.0.0.1:9") as proxy:
                before = time.monotonic()
                proxy.signal(number)
                self.assertEqual(proxy.wait(), 0)
                self.assertLess(time.monotonic() - before, 2)
                self.assertEqual(proxy.said(), "")

    def test_connections_that_do_not_end_are_reset_after_ten_seconds(self):
        with tool.Target() as target, tool.Proxy(target.address, options=("--threads", "2")) as proxy:
            ends = [end for _ in range(3) for end in (proxy.connect(), target.accept())]
            before = time.monotonic()
            proxy.signal(signal.SIGTERM)
            for end in ends:
                with self.assertRaises(ConnectionResetError):
                    end.recv(1)
            elapsed = time.monotonic() - before
            self.assertEqual(proxy.wait(), 0)
            self.assertGreater(elapsed, 9.5)
            self.assertLess(elapsed, 12)
            self.assertIn("warning: 3 connections did not end in time and are cut", proxy.said())

    def test_a_second_signal_ends_it_at_once(self):
        for first in NUMBERS:
            for second in NUMBERS:
                with tool.Server() as echo, tool.Proxy(echo.address, options=("--log", "info")) as proxy:
                    tool.echo(proxy.connect())
                    proxy.signal(first)
                    proxy.wait_said(f"{first.name}: 1 connections have 10 s")
                    before = time.monotonic()
                    proxy.signal(second)
                    self.assertEqual(proxy.wait(), 128 + second)
                    self.assertLess(time.monotonic() - before, 2)
                    self.assertIn(f"warning: {second.name} again: 1 connections are cut", proxy.said())

    def test_who_is_cut_by_a_second_signal_sees_a_reset_and_not_an_end(self):
        with tool.Target() as target, tool.Proxy(target.address, options=("--log", "info", "--threads", "2")) as proxy:
            pairs = [(proxy.connect(), target.accept()) for _ in range(4)]
            for client, server in pairs:
                server.sendall(b"the first half")
                self.assertEqual(tool.receive_exactly(client, 14), b"the first half")
            proxy.signal(signal.SIGTERM)
            proxy.wait_said("SIGTERM: 4 connections have 10 s")
            proxy.signal(signal.SIGTERM)
            self.assertEqual(proxy.wait(), 128 + signal.SIGTERM)
            for pair in pairs:
                for end in pair:
                    with self.assertRaises(ConnectionResetError):
                        end.recv(1)

    def test_a_unix_socket_is_removed(self):
        with tempfile.TemporaryDirectory() as folder, tool.Server() as echo:
            with tool.Proxy(echo.address, listen=f"unix:{folder}/socket") as proxy:
                tool.echo(proxy.connect())
                self.assertTrue(os.path.exists(f"{folder}/socket"))
                proxy.connections.pop().close()
                proxy.signal(signal.SIGTERM)
                self.assertEqual(proxy.wait(), 0)
                self.assertFalse(os.path.exists(f"{folder}/socket"))


if __name__ == "__main__":
    tool.main()
