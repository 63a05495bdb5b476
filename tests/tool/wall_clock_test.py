# weir: tests of `weir echo` on a machine whose wall clock jumps.
# SPDX-License-Identifier: MIT
import os
import subprocess
import time
import unittest

import tool

CLOCK = os.environ["WEIR_JUMPING_CLOCK"]


@unittest.skipIf(tool.SANITIZED, "a sanitizer must be loaded first")
class WallClock(unittest.TestCase):
    def test_jumps_for_programs_that_look_at_it(self):
        years = subprocess.run(["sh", "-c", "date +%Y; date +%Y; exec date +%Y"], env={**os.environ, "LD_PRELOAD": CLOCK},
                               capture_output=True, text=True, check=True).stdout.split()
        self.assertNotEqual(int(years[0]), time.gmtime().tm_year)

    # hazard: E14
    def test_moves_no_timer_forward_or_back(self):
        with tool.Server("--stats", "0.2", wrapper=("env", f"LD_PRELOAD={CLOCK}")) as server:
            with open(f"/proc/{server.pid}/maps") as maps:
                self.assertIn(os.path.basename(CLOCK), maps.read())
            begin = time.monotonic()
            connection = server.connect()
            for _ in range(5):  # of a timer that repeats
                self.assertIn("connections", server.process.stdout.readline().decode())
                tool.echo(connection)
            taken = time.monotonic() - begin
            self.assertGreater(taken, 0.7)
            self.assertLess(taken, 5)
            server.signal(15)  # which sets a limit of time to the streams that are open
            connection.close()
            self.assertEqual(server.wait(), 0)


if __name__ == "__main__":
    tool.main()
