# weir: tests of `weir echo --stats`.
# SPDX-License-Identifier: MIT
import random
import re
import unittest

import tool

LINE = re.compile(
    r"(?P<open>\d+) connections \(\+(?P<came>\d+) -(?P<went>\d+)\)  in (?P<bytes_in>[\d.]+ \w?)B/s in [\d.]+ (\w )?reads/s  "
    r"out (?P<bytes_out>[\d.]+ \w?)B/s  busy \d+ %  turn p50 \S+( \w+)? p99 \S+( \w+)? max \S+( \w+)?  "
    r"callback p99 \S+( \w+)? max \S+( \w+)?  timers late p99 \S+( \w+)?  posts waited p99 \S+( \w+)?  "
    r"stalls \d+  pool [\d.]+ \w?B(  slowest .*)?\n")


def next_line(server):
    line = server.process.stdout.readline().decode()
    found = LINE.fullmatch(line)
    assert found, f"not a line of figures: {line!r}"
    return found


def lines_until(server, condition, most=100):
    """The lines up to the first for which the condition holds."""
    lines = []
    while len(lines) < most:
        lines.append(next_line(server))
        if condition(lines[-1]):
            return lines
    raise AssertionError(f"not within {most} lines: {[line.group(0) for line in lines]}")


class Stats(unittest.TestCase):
    def follows_connections(self, *options):
        with tool.Server("--stats", "0.1", *options) as server:
            connections = [server.connect() for _ in range(12)]
            for connection in connections:
                tool.echo(connection, random.randbytes(1000))
            lines = lines_until(server, lambda line: line["open"] == "12")
            self.assertEqual(sum(int(line["came"]) for line in lines), 12)
            for connection in connections[:5]:
                connection.close()
            lines = lines_until(server, lambda line: line["open"] == "7")
            self.assertEqual(sum(int(line["went"]) for line in lines), 5)
            self.assertEqual(server.said(), "")

    def test_a_line_follows_connections(self):
        self.follows_connections()

    def test_lines_add_up_all_threads(self):
        self.follows_connections("--threads", "3")

    def test_bytes_are_those_that_were_echoed(self):
        with tool.Server("--stats", "0.5") as server:
            tool.echo(server.connect(), random.randbytes(500_000))
            lines = lines_until(server, lambda line: line["bytes_in"] != "0 ")
            lines.append(next_line(server))  # the rest, where an interval ended in between
            for way in ("bytes_in", "bytes_out"):
                values = [line[way].split(" ") for line in lines]
                total = 0.5 * sum(float(value) * {"": 1, "k": 1e3, "M": 1e6}[unit] for value, unit in values)
                self.assertTrue(400_000 < total < 600_000, f"{total} of 500000, {values}")

    def test_without_it_nothing_is_printed(self):
        with tool.Server() as server:
            tool.echo(server.connect())
            server.process.terminate()
            self.assertEqual(server.wait(), 0)
            self.assertEqual(server.process.stdout.read(), b"")


if __name__ == "__main__":
    tool.main()
