# weir: a test of how many system calls an echo costs.
# SPDX-License-Identifier: MIT
import collections
import re
import shutil
import tempfile
import unittest

import tool

REQUESTS = 500


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
@unittest.skipIf(tool.SANITIZED, "a sanitizer makes calls of its own")
class Calls(unittest.TestCase):
    def test_a_small_echo_makes_two_calls_beside_the_wait(self):
        for size in (1, 64, 1024, 8192):
            with tempfile.NamedTemporaryFile("r") as trace:
                wrapper = ("strace", "-D", "-f", "-e", "signal=none", "-o", trace.name)  # -D: the tool stays the child
                with tool.Server(wrapper=wrapper) as server:
                    connection = server.connect()
                    tool.echo(connection, b"x" * size)
                    tool.eventually(lambda: count_calls(trace.name)["sendto"] == 1, 10, "the first call")
                    before = count_calls(trace.name)
                    for _ in range(REQUESTS):
                        tool.echo(connection, b"y" * size)
                    # The last line may still be on its way into the file: it makes the count smaller by one at most.
                    calls = count_calls(trace.name) - before
            waits = sum(count for name, count in calls.items() if name.startswith("epoll_"))
            others = sum(calls.values()) - waits
            self.assertLessEqual(others, 2 * REQUESTS + 2, f"{size} B: {calls}")
            self.assertGreaterEqual(others, 2 * REQUESTS - 2, f"{size} B: {calls}")
            self.assertLessEqual(waits, REQUESTS + 2, f"{size} B: {calls}")


def count_calls(path):
    with open(path) as trace:
        return collections.Counter(re.findall(r"^\d+ +(\w+)\(", trace.read(), re.MULTILINE))


if __name__ == "__main__":
    tool.main()
