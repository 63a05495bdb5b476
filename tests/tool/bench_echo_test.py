# weir: tests of `weir bench echo`: what it counts, what it checks, and what it says when something is wrong.
# SPDX-License-Identifier: MIT
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import tool


class BenchEcho(unittest.TestCase):
    def measure(self, address, *options, code=0):
        status, output, errors = tool.run("bench", "echo", "--connect", address, "--json", *options)
        self.assertEqual(status, code, errors)
        self.assertEqual(output.count("\n"), 1)
        return json.loads(output), errors

    def test_the_result_is_one_line_of_json(self):
        with tool.Server() as server:
            before = time.monotonic()
            result, errors = self.measure(server.address, "--connections", "5", "--size", "100", "--pipeline", "3", "--seconds", "0.25")
            self.assertLess(time.monotonic() - before, 5)
        self.assertEqual(errors, "connected\nmeasured\n")
        self.assertEqual(list(result), ["connections", "size", "pipeline", "seconds", "requests", "requests_per_second",
                                        "megabytes_per_second", "latency_us", "errors", "in_flight"])
        self.assertEqual([result[key] for key in ("connections", "size", "pipeline", "errors", "in_flight")], [5, 100, 3, 0, 15])
        self.assertAlmostEqual(result["seconds"], 0.25, delta=0.2)
        self.assertGreater(result["requests"], 50)
        self.assertAlmostEqual(result["requests_per_second"] * result["seconds"] / result["requests"], 1, 3)
        self.assertAlmostEqual(result["megabytes_per_second"] * 1e6 / 100 / result["requests_per_second"], 1, 2)
        latency = result["latency_us"]
        self.assertEqual(list(latency), ["p50", "p99", "p99_9", "max"])
        self.assertTrue(0 < latency["p50"] <= latency["p99"] <= latency["p99_9"] <= latency["max"] < 5e6, latency)

    def test_all_shapes_of_load_come_back_right(self):
        with tool.Server() as server:
            for connections, size, pipeline in ((1, 1, 1), (1, 1, 1000), (3, 65520, 2), (3, 65521, 2), (2, 65522, 3), (2, 200_000, 1),
                                                (1, 3_000_000, 4), (100, 64, 10)):
                result, _ = self.measure(server.address, "--connections", str(connections), "--size", str(size),
                                         "--pipeline", str(pipeline), "--seconds", "0.2")
                self.assertGreater(result["requests"], 0, (connections, size, pipeline))
                self.assertEqual(result["in_flight"], connections * pipeline)

    def test_thousands_of_connections(self):
        count = 500 if tool.SANITIZED else 10_000
        with tool.Server() as server:
            result, _ = self.measure(server.address, "--connections", str(count), "--seconds", "0.5")
            self.assertEqual((result["in_flight"], result["errors"]), (count, 0))

    def test_a_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder, tool.Server(listen=f"unix:{folder}/socket") as server:
            self.assertGreater(self.measure(server.address, "--seconds", "0.1")[0]["requests"], 0)

    def test_no_connection_is_left_in_time_wait(self):
        with tool.Server() as server:
            before = in_time_wait(server)  # of an earlier owner of the port
            self.measure(server.address, "--seconds", "0.1")
            self.assertEqual(in_time_wait(server) - before, set())

    def test_the_table_is_readable_without_a_terminal(self):
        with tool.Server() as server:
            status, output, errors = tool.run("bench", "echo", "--connect", server.address, "--seconds", "0.1")
        self.assertEqual((status, errors), (0, ""))
        for word in ("requests/s", "MB/s", "p50 us", "p99.9 us", "errors"):
            self.assertIn(word, output)
        self.assertNotIn("\x1b", output)

    def test_progress_shows_on_a_terminal(self):
        try:
            terminal, other_end = os.openpty()
        except OSError as error:
            self.skipTest(f"this machine has no pseudo-terminals: {error}")
        with tool.Server() as server:
            command = [tool.TOOL, "bench", "echo", "--connect", server.address, "--seconds", "1.2"]
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=other_end, check=True, timeout=30)
        os.close(other_end)
        self.assertRegex(os.read(terminal, 1 << 16).decode(), r"\d of 1\.2 s, \d+ requests")
        os.close(terminal)

    def test_nobody_listening_is_a_failure_in_one_line(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))  # bound and not listening
            port = unused.getsockname()[1]
            status, output, errors = tool.run("bench", "echo", "--connect", f":{port}", "--json")
        self.assertEqual((status, output), (1, ""))
        self.assertRegex(errors, rf"^weir bench echo: cannot connect to :{port} \(connection 1 of 50\): Connection refused\n$")

    def test_a_server_that_changes_a_byte_is_an_error(self):
        def answer(data, _):
            return data[:-1] + bytes((data[-1] ^ 1,))
        result, errors = self.measure(bad_server(self, answer), "--connections", "2", "--seconds", "5", code=1)
        self.assertEqual(result["errors"], 2)
        self.assertRegex(errors.splitlines()[-1], "2 of 2 connections failed, the first: what came back differs from what was sent")

    def test_a_server_that_sends_too_much_is_an_error(self):
        result, errors = self.measure(bad_server(self, lambda data, _: data + data), "--connections", "1", "--seconds", "5", code=1)
        self.assertEqual(result["errors"], 1)
        self.assertIn("differs from what was sent", errors)

    def test_a_server_that_ends_connections_is_an_error(self):
        def answer(data, count):
            return data if count < 3 else None
        result, errors = self.measure(bad_server(self, answer), "--connections", "2", "--seconds", "5", code=1)
        self.assertEqual((result["errors"], result["requests"], result["in_flight"]), (2, 4, 0))
        self.assertIn("2 of 2 connections failed, the first: the server ended the connection", errors)

    def test_a_server_that_is_silent_is_told(self):
        result, errors = self.measure(bad_server(self, lambda data, _: b""), "--seconds", "0.1")
        self.assertEqual((result["requests"], result["in_flight"]), (0, 50))
        self.assertIn("no request was answered", errors)


def in_time_wait(server):
    """The pairs of addresses in TIME_WAIT (6, see include/net/tcp_states.h of the kernel) that the server's port is in."""
    port = f":{int(server.address.rsplit(':')[-1]):04X}"
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return {(row[1], row[2]) for row in rows if row[3] == "06" and (row[1].endswith(port) or row[2].endswith(port))}


def bad_server(test, answer):
    """Answers what `answer(data, number of the receive)` says; None ends the connection. Returns its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    test.addCleanup(listener.close)

    def serve(connection):
        with connection:
            count = 0
            try:
                while data := connection.recv(1 << 16):
                    count += 1
                    if (reply := answer(data, count)) is None:
                        return
                    connection.sendall(reply)
            except OSError:
                pass

    def accept():
        try:
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        except OSError:
            pass

    threading.Thread(target=accept, daemon=True).start()
    return f"127.0.0.1:{listener.getsockname()[1]}"


if __name__ == "__main__":
    tool.main()
