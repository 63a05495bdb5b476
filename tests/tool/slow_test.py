# weir: tests of `weir echo` that take a minute by their nature; not part of the daily suite.
# SPDX-License-Identifier: MIT
import threading
import time
import unittest

import tool
from peers_test import send_until_stuck


class Slow(unittest.TestCase):
    # hazard: S8
    def test_a_peer_that_takes_nothing_for_a_minute_is_cut(self):
        with tool.Server() as server:
            other = server.connect()
            connection = server.connect(receive_buffer=1 << 16)
            sent = send_until_stuck(connection, quiet=1)
            stuck_since = time.monotonic()
            port = connection.getsockname()[1]
            self.assertFalse(threading.Event().wait(50))
            self.assertEqual(server.said(), "")
            server.wait_said(f"warning: the connection from 127.0.0.1:{port} was cut: the peer took no data within", 15)
            self.assertLess(abs(time.monotonic() - stuck_since - 60), 3)

            received = bytearray()
            try:
                while piece := connection.recv(1 << 16):
                    received += piece
            except ConnectionResetError:
                pass
            self.assertTrue(sent.startswith(received))
            tool.echo(other)

    def test_a_peer_that_takes_a_little_now_and_then_is_not_cut(self):
        with tool.Server() as server:
            connection = server.connect(receive_buffer=1 << 16)
            sent = send_until_stuck(connection, quiet=1)
            received = bytearray()
            start = time.monotonic()
            while time.monotonic() - start < 100:
                received += tool.receive_exactly(connection, 1 << 17)
                self.assertFalse(threading.Event().wait(20))
            received += tool.receive_exactly(connection, len(sent) - len(received))
            self.assertEqual(received, sent)
            self.assertEqual(server.said(), "")


if __name__ == "__main__":
    tool.main()
