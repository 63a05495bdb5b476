# weir: tests of --user: the tool's servers become another user, for good.
# SPDX-License-Identifier: MIT
import os
import pwd
import subprocess
import unittest

import tool

NOBODY = pwd.getpwnam("nobody")


def may_run_as_nobody():
    return subprocess.run([tool.TOOL, "--version"], user="nobody", capture_output=True).returncode == 0


class User(unittest.TestCase):
    def fails(self, pattern, *arguments, **settings):
        for command in (("echo",), ("proxy", "--to", ":9")):
            done = subprocess.run([tool.TOOL, *command, "--listen", "127.0.0.1:0", *arguments], capture_output=True, text=True,
                                  timeout=15, preexec_fn=tool.die_with_test, **settings)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1), done.stderr)
            self.assertRegex(done.stderr, pattern)

    def test_one_that_does_not_exist_is_a_failure(self):
        self.fails("^weir (echo|proxy): error: cannot become the user nonesuch: there is no such user", "--user", "nonesuch")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_it_has_that_users_ids_and_groups_and_no_privileges(self):
        with tool.Server("--user", "nobody", "--log", "info", "--threads", "2") as echo, \
                tool.Proxy(echo.address, options=("--user", "nobody")) as proxy:
            connection = proxy.connect()
            tool.echo(connection)
            self.assertIn("info: runs as the user nobody", echo.said())
            for server in (echo, proxy):
                for thread in os.listdir(f"/proc/{server.pid}/task"):
                    with open(f"/proc/{server.pid}/task/{thread}/status") as file:
                        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
                    self.assertEqual(status["Uid"].split(), [str(NOBODY.pw_uid)] * 4)
                    self.assertEqual(status["Gid"].split(), [str(NOBODY.pw_gid)] * 4)
                    self.assertEqual({int(group) for group in status["Groups"].split()},
                                     set(os.getgrouplist("nobody", NOBODY.pw_gid)))
                    self.assertEqual(int(status["CapEff"], 16), 0)
                    self.assertEqual(int(status["CapPrm"], 16), 0)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_the_port_is_bound_before(self):
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as file:
            if int(file.read()) == 0:
                self.skipTest("any user may bind any port here")
        with tool.Server("--user", "nobody", listen="127.0.0.1:919") as server:
            tool.echo(server.connect())

    def test_to_become_somebody_else_without_being_root_is_a_failure(self):
        if os.geteuid() != 0:
            self.fails("cannot become the user root: Operation not permitted", "--user", "root")
        elif may_run_as_nobody():
            self.fails("cannot become the user root: Operation not permitted", "--user", "root", user="nobody")
            self.fails("cannot become the user daemon: Operation not permitted", "--user", "daemon", user="nobody")
        else:
            self.skipTest("nobody may not run the tool where it was built")

    def test_to_become_who_one_is_needs_nothing(self):
        with tool.Server("--user", pwd.getpwuid(os.geteuid()).pw_name) as server:
            tool.echo(server.connect())


if __name__ == "__main__":
    tool.main()
