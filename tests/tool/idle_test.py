# weir: tests of what idle connections cost `weir echo`.
# SPDX-License-Identifier: MIT
import resource
import time
import unittest

import tool

MOST_BYTES = 768  # of an idle connection, everything included
READER_BYTES = 48  # what the tool itself adds to each with --lines


def most_connections():
    return min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 300)


@unittest.skipIf(tool.SANITIZED, "a sanitizer's memory is its own")
class Idle(unittest.TestCase):
    # hazard: RE5
    def test_ten_thousand_idle_connections_cost_little_memory_and_no_time(self):
        count = most_connections()
        for options in ((), ("--lines",), ("--log", "debug")):
            most = MOST_BYTES + (READER_BYTES if "--lines" in options else 0)
            with self.subTest(options=options), tool.Server(*options) as server:
                for _ in range(64):  # so that what is needed once is there
                    tool.echo(server.connect())
                memory, descriptors = server.resident_bytes(), server.descriptors()
                connections = [server.connect() for _ in range(count)]
                tool.eventually(lambda: server.descriptors() - descriptors == count, 20, "accepting them all")
                accepted = (server.resident_bytes() - memory) / count
                for connection in connections:
                    tool.echo(connection)
                echoed = (server.resident_bytes() - memory) / count
                print(f"{count} idle connections, {options}: {accepted:.0f} B each, {echoed:.0f} B after an echo", flush=True)
                self.assertLessEqual(accepted, most)
                self.assertLessEqual(echoed, most)

                cpu = server.cpu_seconds()
                time.sleep(0.5)  # what it does with nothing to do is what is measured
                self.assertLess(server.cpu_seconds() - cpu, 0.005)
                for connection in connections:
                    tool.reset(connection)


if __name__ == "__main__":
    tool.main()
