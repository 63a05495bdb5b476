# weir: tests of the limits of `weir proxy`: bytes a second, connections, idleness.
# SPDX-License-Identifier: MIT
import select
import socket
import threading
import time
import unittest

import tool


class Rate(unittest.TestCase):
    """Measured where the bytes arrive, in real time, after the first moments: within 5 %, as other tests may run beside this."""

    def received_a_second(self, connections, seconds=2.5, settle=0.5):
        stop = time.monotonic() + settle + seconds
        begin = None
        count = 0
        for connection in connections:
            connection.setblocking(False)
        while (now := time.monotonic()) < stop:
            if begin is None and now > stop - seconds:
                begin, count = now, 0
            for connection in select.select(connections, [], [], 0.05)[0]:
                count += len(connection.recv(1 << 16))
        return count / (time.monotonic() - begin)

    @staticmethod
    def send_without_end(connection):
        try:
            while True:
                connection.sendall(bytes(1 << 16))
        except OSError:
            pass

    def measures(self, forth, back, *options, connections=1):
        """Sends one way, or both, over some connections; returns the rates that arrived."""
        with tool.Target() as target, tool.Proxy(target.address, options=options) as proxy:
            clients = [proxy.connect() for _ in range(connections)]
            servers = [target.accept() for _ in range(connections)]
            rates = {}
            for is_on, senders, receivers in ((forth, clients, servers), (back, servers, clients)):
                if not is_on:
                    continue
                for sender in senders:
                    threading.Thread(target=self.send_without_end, args=(sender.dup(),), daemon=True).start()
                rates[receivers is servers] = receivers
            results = {}
            threads = [threading.Thread(target=lambda way=way: results.update({way: self.received_a_second(rates[way])}))
                       for way in rates]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for connection in clients + servers:
                connection.shutdown(socket.SHUT_RDWR)
            return results

    def test_each_way_by_itself(self):
        self.assertAlmostEqual(self.measures(True, False, "--limit", "4M")[True], 4e6, delta=0.2e6)
        self.assertAlmostEqual(self.measures(False, True, "--limit", "2MiB")[False], 2 << 20, delta=0.1e6)

    def test_both_ways_at_once_have_as_much_each_also_over_threads(self):
        rates = self.measures(True, True, "--limit", "3M", "--threads", "3", connections=6)
        self.assertAlmostEqual(rates[True], 3e6, delta=0.15e6)
        self.assertAlmostEqual(rates[False], 3e6, delta=0.15e6)

    def test_a_small_one(self):
        self.assertAlmostEqual(self.measures(False, True, "--limit", "50k")[False], 50e3, delta=3e3)

    def test_the_smallest_pass_what_they_bring(self):
        for limit, count in (("100", 79), ("1", 3)):
            with tool.Server() as echo, tool.Proxy(echo.address, options=("--limit", limit)) as proxy:
                client = proxy.connect()
                before = time.monotonic()
                client.sendall(b"x" * count)
                self.assertEqual(tool.receive_exactly(client, count), b"x" * count)
                self.assertLess(time.monotonic() - before, 5 if count == 3 else 3)


class Connections(unittest.TestCase):
    def test_who_comes_beyond_the_most_waits_until_one_has_ended(self):
        for threads in ("1", "3"):
            with tool.Server() as echo, \
                    tool.Proxy(echo.address, options=("--max-connections", "3", "--threads", threads)) as proxy:
                clients = [proxy.connect() for _ in range(8)]
                for client in clients:
                    client.sendall(b"x")
                served = tool.eventually(lambda: self.readable(clients, 3))
                time.sleep(0.2)
                self.assertEqual(len(self.readable(clients, 1)), 3)
                while served:
                    self.assertLessEqual(len(served), 3)
                    client = served[0]
                    self.assertEqual(client.recv(1), b"x")
                    client.close()
                    clients.remove(client)
                    served = tool.eventually(lambda: self.readable(clients, min(3, len(clients)))) if clients else []

    def test_that_there_are_as_many_as_may_be_is_told_each_time_once(self):
        with tool.Server() as echo, tool.Proxy(echo.address, options=("--max-connections", "3")) as proxy:
            for times in (1, 2):
                clients = [proxy.connect() for _ in range(2)]
                for client in clients:
                    tool.echo(client)
                self.assertEqual(proxy.said().count("--max-connections"), times - 1)
                clients += [proxy.connect() for _ in range(4)]
                for client in clients[:3]:
                    tool.echo(client)
                proxy.wait_said("warning: there are 3 connections, the most that --max-connections allows: who comes now waits\n")
                self.assertEqual(proxy.said().count("--max-connections"), times)
                for client in clients:
                    client.close()
                time.sleep(1.2)

    @staticmethod
    def readable(connections, at_least):
        ready = select.select(connections, [], [], 0)[0]
        return ready if len(ready) >= at_least else None


class Idleness(unittest.TestCase):
    def test_a_connection_on_which_nothing_moves_is_cut_on_both_sides(self):
        with tool.Target() as target, tool.Proxy(target.address, options=("--timeout", "0.5")) as proxy:
            before = time.monotonic()
            client = proxy.connect()
            server = target.accept()
            for end in (client, server):
                with self.assertRaises(ConnectionResetError):
                    end.recv(1)
            elapsed = time.monotonic() - before
            self.assertGreater(elapsed, 0.49)
            self.assertLess(elapsed, 2)
            proxy.wait_said("warning: the connection from [0-9.:]+ to [0-9.:]+ was cut after 0 B there and 0 B back: "
                            "nothing was sent or received within the idle limit")

    def test_one_on_which_something_moves_either_way_is_not(self):
        for number in range(2):
            with tool.Target() as target, tool.Proxy(target.address, options=("--timeout", "0.6")) as proxy:
                ends = [proxy.connect(), target.accept()]
                sender, receiver = ends if number else reversed(ends)
                for _ in range(12):
                    sender.sendall(b"x")
                    self.assertEqual(receiver.recv(1), b"x")
                    time.sleep(0.15)
                before = time.monotonic()
                with self.assertRaises(ConnectionResetError):
                    receiver.recv(1)
                self.assertGreater(time.monotonic() - before, 0.3)

    def test_a_slow_reader_is_not_idle_though_the_sender_has_to_wait_for_it(self):
        with tool.Target() as target, tool.Proxy(target.address, options=("--timeout", "0.8")) as proxy:
            client = proxy.connect(receive_buffer=4096)
            server = target.accept()
            server.setblocking(False)
            sent = 0
            still_since = time.monotonic()
            while time.monotonic() - still_since < 0.2:  # until every buffer on the way is full
                try:
                    sent += server.send(bytes(1 << 16))
                    still_since = time.monotonic()
                except BlockingIOError:
                    time.sleep(0.01)
            begin = time.monotonic()
            while time.monotonic() - begin < 2.5:  # takes too little for the proxy to read on from the server
                tool.receive_exactly(client, 10_000)
                time.sleep(0.1)
            self.assertEqual(proxy.said(), "")

    def test_who_takes_nothing_of_a_long_transfer_is_cut_little_after_the_time(self):
        for way in range(2):
            with tool.Target() as target, tool.Proxy(target.address, options=("--timeout", "1.6")) as proxy:
                ends = [proxy.connect(), target.accept()]
                sender, receiver = ends if way else reversed(ends)
                still_since = time.monotonic()
                with self.assertRaises(ConnectionResetError):
                    while True:
                        sender.send(bytes(1 << 16))
                        still_since = time.monotonic()
                elapsed = time.monotonic() - still_since
                self.assertGreater(elapsed, 1.3)
                self.assertLess(elapsed, 2.2)
                with self.assertRaises(ConnectionResetError):
                    tool.receive_all(receiver)
                proxy.wait_said("was cut after .*: nothing was sent or received within the idle limit")

    def test_the_time_to_connect_does_not_count(self):
        with tool.FullTarget() as full, tool.Server() as echo, \
                tool.Proxy(full.address, echo.address, options=("--timeout", "0.5", "--connect-timeout", "0.8")) as proxy:
            client = proxy.connect()
            tool.echo(client)
            time.sleep(0.3)
            tool.echo(client)

    def test_without_it_connections_stay(self):
        with tool.Server() as echo, tool.Proxy(echo.address) as proxy:
            client = proxy.connect()
            tool.echo(client)
            time.sleep(2)
            tool.echo(client)


if __name__ == "__main__":
    tool.main()
