# weir: tests of the tool's command line: what is wrong is said in one line, with the right exit code.
# SPDX-License-Identifier: MIT
import os
import re
import socket
import tempfile
import unittest

import tool


class Arguments(unittest.TestCase):
    def fails(self, code, pattern, *arguments):
        status, output, errors = tool.run(*arguments)
        self.assertEqual((status, output), (code, ""), f"{arguments}: {errors}")
        self.assertEqual(errors.count("\n"), 1, f"{arguments}: not one line: {errors!r}")
        self.assertRegex(errors, pattern, arguments)

    def test_an_unparsable_address_is_wrong_usage(self):
        for address in ("foo", "127.0.0.1", "1.2.3.4:99999", "1.2.3.4:-1", "[::1:80", "example.com:80", "unix:", "", ":",
                        "300.0.0.1:80", "127.0.0.1:80 ", "[::1]80"):
            self.fails(2, "^weir echo: --listen: .* is not an address; use HOST:PORT", "echo", "--listen", address)
            self.fails(2, "^weir bench echo: --connect: .* is not an address", "bench", "echo", "--connect", address)

    def test_a_unix_path_that_is_too_long_is_told_how_long_it_may_be(self):
        for path in ("/" + "x" * 107, "@" + "x" * 108, "x" * 1000):
            for option in ("--listen", "--to"):
                self.fails(2, f"^weir proxy: {option}: 'unix:{path}' is a Unix path of more than 107 bytes, the most that",
                           "proxy", "--listen", ":0", "--to", ":1", option, f"unix:{path}")

    def test_an_address_with_line_ends_still_gives_one_line(self):
        self.fails(2, "not an address", "echo", "--listen", "a\nb\x1b[31m")

    def test_an_unbindable_address_is_a_failure(self):
        self.fails(1, "^weir echo: error: cannot listen on 203.0.113.1:7777: Cannot assign requested address",
                   "echo", "--listen", "203.0.113.1:7777")
        self.fails(1, "cannot listen on unix:/nonexistent/socket: No such file", "echo", "--listen", "unix:/nonexistent/socket")

    def test_a_port_in_use_is_a_failure(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.fails(1, f"cannot listen on :{port}: Address already in use", "echo", "--listen", f":{port}")

    def test_two_servers_do_not_share_a_port(self):
        with tool.Server() as server:
            self.fails(1, "Address already in use", "echo", "--listen", server.address)
            tool.echo(server.connect())

    def test_a_unix_socket_in_use_is_a_failure(self):
        with tempfile.TemporaryDirectory() as folder, tool.Server(listen=f"unix:{folder}/s") as server:
            self.fails(1, "Address already in use", "echo", "--listen", server.address)
            tool.echo(server.connect())

    def test_a_file_that_is_no_socket_is_left_alone(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"precious")
            file.flush()
            self.fails(1, "Address already in use", "echo", "--listen", f"unix:{file.name}")
            with open(file.name, "rb") as again:
                self.assertEqual(again.read(), b"precious")

    def test_an_unknown_option_is_wrong_usage(self):
        self.fails(2, "^weir: there is no option --frob ", "--frob")
        self.fails(2, "^weir echo: there is no option --to ", "echo", "--listen", ":0", "--to", ":2")
        self.fails(2, "^weir proxy: there is no option --lines ", "proxy", "--listen", ":0", "--to", ":2", "--lines")
        self.fails(2, "^weir bench echo: there is no option --lines ", "bench", "echo", "--connect", ":1", "--lines")

    def test_a_missing_option_or_command_is_wrong_usage(self):
        self.fails(2, "^weir echo: --listen is required", "echo")
        self.fails(2, "^weir echo: --listen: 1 required ADDR missing", "echo", "--listen")
        self.fails(2, "^weir proxy: --listen is required", "proxy", "--to", ":1")
        self.fails(2, "^weir proxy: --to is required", "proxy", "--listen", ":0")
        self.fails(2, "^weir bench echo: --connect is required", "bench", "echo")
        self.fails(2, "^weir: a command is missing", *())
        self.fails(2, "^weir bench: a command is missing", "bench")
        self.fails(2, "^weir: there is no command 'frob'", "frob")

    def test_a_value_that_makes_no_sense_is_wrong_usage(self):
        self.fails(2, "--log: 'loud' is none of debug, error, info, warning", "echo", "--listen", ":0", "--log", "loud")
        self.fails(2, "--backend: 'kqueue' is none of auto, epoll, poll", "echo", "--listen", ":0", "--backend", "kqueue")
        self.fails(2, "unexpected argument 'extra'", "echo", "--listen", ":0", "extra")
        for value in ("0", "-1", "x", ""):
            self.fails(2, f"--stats: '{value}' is not a number from 0.01 to", "echo", "--listen", ":0", "--stats", value)
        for value in ("0", "-1", "x", "2000"):
            self.fails(2, f"--threads: '{value}' is not a number from 1 to 1024", "echo", "--listen", ":0", "--threads", value)
        for option, value in (("connections", "0"), ("connections", "x"), ("size", "0"), ("size", "-4"), ("size", "1e99"),
                              ("pipeline", "0"), ("seconds", "0"), ("seconds", "-1"), ("seconds", "nan"), ("seconds", "inf")):
            self.fails(2, f"--{option}: '{value}' is not a number from", "bench", "echo", "--connect", ":1", f"--{option}", value)

    def proxy_fails(self, pattern, *arguments):
        self.fails(2, "^weir proxy: " + pattern, "proxy", "--listen", "127.0.0.1:0", "--to", ":1", *arguments)

    def test_a_target_that_nobody_can_be_connected_to_is_wrong_usage(self):
        self.proxy_fails("--to: 'example.com:80' is not an address; use HOST:PORT", "--to", "example.com:80")
        self.proxy_fails("--to: '192.0.2.1:0' has port 0", "--to", ":2", "192.0.2.1:0")
        self.proxy_fails("--to: ':0' has port 0", "--to", ":0")

    def test_a_target_that_is_the_proxy_itself_is_wrong_usage(self):
        for listen, target in ((":7070", "localhost:7070"), ("[::1]:7070", "[::1]:7070"), ("unix:/run/x", "unix:/run/x"),
                               ("unix:@x", "unix:@x")):
            self.fails(2, f"^weir proxy: --to: '{re.escape(target)}' is where it listens itself",
                       "proxy", "--listen", listen, "--to", ":1", "--to", target)

    def test_a_rate_that_makes_no_sense_is_wrong_usage(self):
        for rate in ("0", "-1", "fast", "10Q", "10 M", "10m", "10M/s", "10Mbit", "1e9", ""):
            self.proxy_fails(f"--limit: '{rate}' is not a rate; use bytes per second, at least 1, such as 512k, 10M, 1.5G or 64KiB",
                             "--limit", rate)

    def test_a_limit_that_makes_no_sense_is_wrong_usage(self):
        for option, value in (("max-connections", "0"), ("max-connections", "-1"), ("max-connections", "1.5"), ("timeout", "0"),
                              ("timeout", "x"), ("connect-timeout", "0"), ("connect-timeout", "-5"), ("stats", "0"), ("threads", "0")):
            self.proxy_fails(f"--{option}: '{value}' is not a number from", f"--{option}", value)
        self.proxy_fails("--user: a name is missing", "--user", "")

    def test_a_proxy_at_a_port_in_use_is_a_failure(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            for threads in ("1", "3"):
                self.fails(1, f"^weir proxy: error: cannot listen on :{port}: Address already in use",
                           "proxy", "--listen", f":{port}", "--to", ":9", "--threads", threads)

    def test_targets_may_be_given_at_once_or_one_by_one(self):
        with tool.Server() as first, tool.Server() as second:
            for arguments in (("--to", second.address), (second.address,)):
                with tool.Proxy(first.address, options=(*arguments, "--stats", "0.1")) as proxy:
                    line = proxy.process.stdout.readline().decode()
                    self.assertIn(f"to {first.address}: 0 open", line)
                    self.assertIn(f"to {second.address}: 0 open", line)

    def test_help_teaches_with_examples(self):
        for command in ((), ("echo",), ("proxy",), ("bench",), ("bench", "echo")):
            for option in ("--help", "-h"):
                status, output, errors = tool.run(*command, option)
                self.assertEqual((status, errors), (0, ""), command)
                self.assertIn("Usage: weir", output)
        self.assertIn("weir bench echo --connect :7777", tool.run("bench", "echo", "--help")[1])
        self.assertIn("128 + the number of the signal", tool.run("echo", "--help")[1])

    def test_the_version_is_one_line(self):
        status, output, errors = tool.run("--version")
        self.assertEqual((status, errors), (0, ""))
        self.assertRegex(output, r"^weir \d+\.\d+\.\d+\n$")

    def test_each_form_of_address_can_be_listened_at(self):
        forms = {":0": "127.0.0.1:", "localhost:0": "127.0.0.1:", "127.0.0.2:0": "127.0.0.2:", "0.0.0.0:0": "0.0.0.0:"}
        if os.path.exists("/proc/net/if_inet6"):
            forms["[::1]:0"] = "[::1]:"
        for form, start in forms.items():
            for backend in ("auto", "epoll", "poll"):
                with tool.Server("--backend", backend, listen=form) as server:
                    self.assertTrue(server.address.startswith(start), server.address)
                    self.assertNotEqual(server.address, start + "0")
                    tool.echo(server.connect())

    def test_readiness_is_told_whatever_the_log_level(self):
        for level in ("error", "warning", "info", "debug"):
            with tool.Server("--log", level) as server:
                tool.echo(server.connect())
                self.assertEqual("a connection from 127.0.0.1:" in server.said(), level == "debug")


if __name__ == "__main__":
    tool.main()
