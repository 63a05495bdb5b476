# weir: tests of `weir echo --lines`.
# SPDX-License-Identifier: MIT
import random
import socket
import unittest

import tool

LIMIT = 65536


class Lines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(tool.Server("--lines"))

    def answer(self, *pieces):
        """What comes back when `pieces` are sent and the end follows."""
        with self.server.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            return tool.receive_all(connection)

    def test_only_complete_lines_come_back(self):
        with self.server.connect() as connection:
            connection.sendall(b"first\nsec")
            self.assertEqual(tool.receive_exactly(connection, 6), b"first\n")
            connection.sendall(b"ond\r\nthird")
            self.assertEqual(tool.receive_exactly(connection, 8), b"second\r\n")
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(tool.receive_all(connection), b"")

    def test_line_ends_and_bytes_stay_as_they_came(self):
        for text in (b"\n", b"\r\n", b"\n\n\r\n\n", b"\r\r\n", b"a\rb\n", b"\0\n", b"\0\0\r\n", bytes(range(256)) + b"\n", b""):
            self.assertEqual(self.answer(text), text)
        self.assertEqual(self.answer(b"no end"), b"")
        self.assertEqual(self.answer(b"\r"), b"")

    def test_a_line_of_the_limit_is_echoed_and_one_byte_more_ends_the_connection(self):
        for size in (LIMIT - 1, LIMIT):
            for end in (b"\n", b"\r\n"):
                line = b"x" * size + end
                self.assertEqual(self.answer(line), line)
                self.assertEqual(self.answer(b"before\n" + line + b"after\n"), b"before\n" + line + b"after\n")
        for end in (b"\n", b"\r\n", b"x", b"\rx"):
            with self.server.connect() as connection:
                connection.sendall(b"before\nand\r\n" + b"x" * (LIMIT + (0 if end == b"\rx" else 1)) + end)
                self.assertEqual(tool.receive_all(connection), b"before\nand\r\n", end)
                port = connection.getsockname()[1]
            self.server.wait_said(f"warning: the connection from 127.0.0.1:{port} ends: a line is longer than 65536 bytes")

    def test_a_line_too_long_is_known_without_its_end(self):
        with self.server.connect() as connection:
            connection.sendall(b"x" * LIMIT)
            connection.sendall(b"\r")  # may still become an allowed line
            connection.sendall(b"\n")
            self.assertEqual(len(tool.receive_exactly(connection, LIMIT + 2)), LIMIT + 2)
            connection.sendall(b"x" * (LIMIT + 1))
            self.assertEqual(tool.receive_all(connection), b"")

    # hazard: S4
    def test_what_was_echoed_arrives_although_more_was_sent_than_is_read(self):
        rest = b"x" * (900 * 1024)  # less than what is drained after the end
        for number in range(100 if tool.SANITIZED else 1000):
            with self.server.connect() as connection:
                connection.sendall(b"a line\n" + rest)
                self.assertEqual(tool.receive_all(connection), b"a line\n", number)

    # hazard: RE10
    def test_many_lines_in_one_read_come_back_at_once(self):
        lines = b"".join(b"%d\n" % number for number in range(10000))
        with self.server.connect() as connection:
            connection.sendall(lines)
            self.assertEqual(tool.receive_exactly(connection, len(lines)), lines)

    def test_a_line_may_come_in_many_reads(self):
        line = bytes(random.randrange(11, 256) for _ in range(500)) + b"\r\n"
        with self.server.connect() as connection:
            for byte in line:
                connection.sendall(bytes((byte,)))
            self.assertEqual(tool.receive_exactly(connection, len(line)), line)

    def test_only_empty_lines(self):
        lines = b"\n" * 1_000_000
        self.assertEqual(self.answer(lines), lines)

    def test_random_lines_in_random_pieces(self):
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        for _ in range(40):
            text = b"".join(chance.randbytes(int(chance.expovariate(1 / 3000))) + chance.choice((b"\n", b"\r\n", b"\n\n"))
                            for _ in range(chance.randrange(60))) + chance.choice((b"", b"rest", b"\r"))
            cuts = sorted(chance.randrange(len(text) + 1) for _ in range(chance.randrange(30)))
            pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)])]
            complete = text[:text.rfind(b"\n") + 1]
            self.assertEqual(self.answer(*pieces), complete, f"seed {seed}")


if __name__ == "__main__":
    tool.main()
