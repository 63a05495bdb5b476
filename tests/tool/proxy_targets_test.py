# weir: tests of how `weir proxy` spreads connections over its targets, and what it does about those that fail.
# SPDX-License-Identifier: MIT
import collections
import random
import re
import resource
import socket
import tempfile
import time
import unittest

import tool
from stats_test import LINE

TO = re.compile(r"  to (?P<address>\S+): (?P<open>\d+) open, (?P<all>\d+) in all, (?P<failed>\d+) failed(?P<aside>, aside)?")


def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as once:
        return once.getsockname()[1]


def figures(proxy, condition=lambda _: True, most=100):
    """Of each target, from the next line for which the condition holds."""
    for _ in range(most):
        line = proxy.process.stdout.readline().decode()
        start = line.index("  to ")
        assert LINE.fullmatch(line[:start] + "\n"), line
        assert not TO.sub("", line[start:]).strip(), line
        found = [target.groupdict() for target in TO.finditer(line)]
        if condition(found):
            return found
    raise AssertionError(f"not within {most} lines: {line}")


def what_comes(proxy):
    """Of a new connection: its first byte, or "reset", which may be there before `connect` knows that it stands."""
    try:
        return proxy.connect().recv(1)
    except ConnectionResetError:
        return "reset"


class Spread(unittest.TestCase):
    def test_over_all_threads_each_target_gets_as_many_connections(self):
        for threads in ("1", "4"):
            with tool.Server() as a, tool.Server() as b, tool.Server() as c, \
                    tool.Proxy(a.address, b.address, c.address, options=("--threads", threads, "--stats", "0.1")) as proxy:
                for _ in range(60):
                    tool.echo(proxy.connect())
                for target in figures(proxy, lambda all: sum(int(one["open"]) for one in all) == 60):
                    self.assertEqual((target["open"], target["all"], target["failed"]), ("20", "20", "0"))

    def test_the_one_with_the_fewest_is_next(self):
        with tool.Target() as a, tool.Target() as b, tool.Proxy(a.address, b.address) as proxy:
            clients = [proxy.connect() for _ in range(6)]
            ends = [(one, target) for target in (a, b) for one in (target.accept(), target.accept(), target.accept())]
            for one, target in ends:
                if target is b:
                    one.close()  # and with it the connections of three clients
            gone = tool.eventually(lambda: [client for client in clients if self.has_ended(client)])
            tool.eventually(lambda: len([client for client in clients if self.has_ended(client)]) == 3)
            for client in clients:
                if self.has_ended(client):
                    client.close()
            self.assertTrue(gone)
            time.sleep(0.05)
            for _ in range(3):
                proxy.connect()
                b.accept()
            with self.assertRaises(TimeoutError):
                a.accept(timeout=0.1)

    @staticmethod
    def has_ended(client):
        if client.fileno() < 0:
            return True
        client.setblocking(False)
        try:
            return client.recv(1) == b""
        except BlockingIOError:
            return False

    def test_the_figures_name_each_target(self):
        with tempfile.TemporaryDirectory() as folder, tool.Server(listen=f"unix:{folder}/echo") as local, \
                tool.Server() as other, tool.Proxy(local.address, other.address, options=("--stats", "0.1")) as proxy:
            self.assertEqual([one["address"] for one in figures(proxy)], [local.address, other.address])


class Failures(unittest.TestCase):
    def test_clients_of_a_dead_target_are_served_by_another(self):
        dead = f"127.0.0.1:{unused_port()}"
        with tool.Server() as alive, tool.Proxy(dead, alive.address, options=("--stats", "0.1")) as proxy:
            for _ in range(30):
                tool.echo(proxy.connect(), random.randbytes(10_000))
            proxy.wait_said(f"warning: {dead} is set aside for 1 s: Connection refused\n")
            first, second = figures(proxy, lambda all: all[1]["open"] == "30")
            self.assertLessEqual(int(first["failed"]), 2)
            self.assertTrue(first["aside"])
            self.assertIsNone(second["aside"])

    def test_a_target_that_comes_back_is_used_again(self):
        port = unused_port()
        with tool.Server() as alive, tool.Proxy(f"127.0.0.1:{port}", alive.address, options=("--log", "debug")) as proxy:
            for _ in range(3):
                tool.echo(proxy.connect())
            with tool.Target(("127.0.0.1", port)) as back:
                before = time.monotonic()
                while not back.connections:
                    proxy.connect()
                    try:
                        back.accept(timeout=0.05)
                    except TimeoutError:
                        self.assertLess(time.monotonic() - before, 5)
                self.assertGreater(time.monotonic() - before, 0.5, "it is left alone for a second")
                proxy.wait_said(f"debug: a connection from [0-9.:]+ to 127.0.0.1:{port}\n")
                for _ in range(3):  # from then on it is like any other, and has the fewest
                    proxy.connect()
                    back.accept()
            self.assertEqual(proxy.said().count("set aside"), 1)

    def test_the_time_aside_doubles(self):
        dead = f"127.0.0.1:{unused_port()}"
        with tool.Server() as alive, tool.Proxy(dead, alive.address) as proxy:
            deadline = time.monotonic() + 4.5
            while time.monotonic() < deadline:
                connection = proxy.connect()
                tool.echo(connection)
                connection.close()
                time.sleep(0.02)
            self.assertEqual(re.findall("set aside for ([0-9]+) s", proxy.said()), ["1", "2", "4"])

    def test_one_that_does_not_answer_is_left_after_the_connect_timeout(self):
        with tool.FullTarget() as full, tool.Server() as alive, \
                tool.Proxy(full.address, alive.address, options=("--connect-timeout", "0.3")) as proxy:
            before = time.monotonic()
            first = proxy.connect()
            tool.echo(first, random.randbytes(100_000))
            elapsed = time.monotonic() - before
            self.assertGreater(elapsed, 0.28)
            self.assertLess(elapsed, 3)
            before = time.monotonic()
            tool.echo(proxy.connect())
            self.assertLess(time.monotonic() - before, 0.28, "nobody else waits for it")
            self.assertIn(f"{full.address} is set aside for 1 s: the connection was not established in time", proxy.said())

    def test_when_all_are_down_clients_are_reset(self):
        dead = [f"127.0.0.1:{unused_port()}" for _ in range(3)]
        with tool.Proxy(*dead, options=("--stats", "0.1")) as proxy:
            for _ in range(20):
                self.assertEqual(what_comes(proxy), "reset")
            said = proxy.said()
            self.assertRegex(said, "warning: the connection from 127.0.0.1:[0-9]+ is closed, for no target can be connected to: "
                                   "Connection refused\n")
            self.assertLessEqual(said.count("no target can be connected to"), 3, "once a second")
            for target in figures(proxy, lambda all: sum(int(one["failed"]) for one in all) == 60):
                self.assertTrue(target["aside"])
                self.assertEqual(target["open"], "0")

    def test_a_single_target_is_tried_though_it_is_aside(self):
        port = unused_port()
        with tool.Proxy(f"127.0.0.1:{port}") as proxy:
            for _ in range(5):
                self.assertEqual(what_comes(proxy), "reset")
            with tool.Server(listen=f"127.0.0.1:{port}"):
                connection = proxy.connect()
                tool.echo(connection)
                connection.close()

    def test_a_unix_target_without_a_file_is_set_aside(self):
        with tempfile.TemporaryDirectory() as folder, tool.Server() as alive, \
                tool.Proxy(f"unix:{folder}/none", alive.address) as proxy:
            tool.echo(proxy.connect())
            tool.echo(proxy.connect())
            self.assertIn(f"unix:{folder}/none is set aside for 1 s: No such file or directory", proxy.said())


LIMIT = 64


@unittest.skipIf(tool.SANITIZED, "UBSan opens a pipe to look at an object: with no descriptor left it takes it for garbage")
class Descriptors(unittest.TestCase):
    def test_without_descriptors_the_others_are_served_and_nothing_spins(self):
        with tool.Server() as echo, tool.Proxy(echo.address, descriptors=LIMIT) as proxy:
            held = []
            for _ in range(200):
                connection = proxy.connect()
                connection.settimeout(0.2)
                try:
                    tool.echo(connection)
                    held.append(connection)
                except (ConnectionResetError, BrokenPipeError, TimeoutError, AssertionError):
                    pass
                if len(held) > LIMIT // 2 - 12 and len(proxy.connections) > len(held) + 10:
                    break
            self.assertGreater(len(held), LIMIT // 2 - 12)
            proxy.wait_said("no socket can be opened: Too many open files|accepting at .* pauses: Too many open files")

            start, cpu = time.monotonic(), proxy.cpu_seconds()
            time.sleep(1)  # what it does with nothing to do is what is measured
            self.assertLess((proxy.cpu_seconds() - cpu) / (time.monotonic() - start), 0.05)
            for connection in held:
                connection.settimeout(10)
                tool.echo(connection)
            for connection in proxy.connections:
                connection.close()
            proxy.connections.clear()
            tool.eventually(lambda: proxy.descriptors() < 16)
            tool.echo(proxy.connect())
            self.assertNotIn("set aside", proxy.said(), "that is not the target's fault")

    def test_a_client_for_whom_no_socket_can_be_opened_is_reset_with_a_warning_once_a_second(self):
        with tool.Server() as echo, tool.Proxy(echo.address) as proxy:
            tool.echo(proxy.connect())
            hard = resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE)[1]
            start = time.monotonic()
            resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (proxy.descriptors() + 1, hard))  # one more, and not two
            came = collections.Counter(what_comes(proxy) for _ in range(50))
            self.assertEqual(came, {"reset": 50})
            elapsed = time.monotonic() - start
            told = re.findall(r"warning: the connection from 127.0.0.1:\d+ is closed, for no socket can be opened: Too many "
                              r"open files \(the limit is \d+, see ulimit -n\)", proxy.said())
            self.assertTrue(1 <= len(told) <= 1 + elapsed, (told, elapsed))
            resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (hard, hard))
            tool.echo(proxy.connect())


if __name__ == "__main__":
    tool.main()
