# weir: tells the person at the terminal what is running and how long it still takes.
# SPDX-License-Identifier: MIT
import sys
import time


class Progress:
    """One line that is rewritten on a terminal; elsewhere a line for each cell."""

    def __init__(self, planned_seconds):
        self.planned = planned_seconds
        self.done = 0.0
        self.start = time.monotonic()
        self.terminal = sys.stdout.isatty()

    def show(self, what, detail):
        text = f"[{100 * self.done / self.planned:3.0f} %] {what}, {detail}; about {self.left()} left"
        if self.terminal:
            print(f"\r\033[K{text}", end="", flush=True)

    def cell(self, what):
        if not self.terminal:
            print(f"[{100 * self.done / self.planned:3.0f} %] {what}; about {self.left()} left", flush=True)

    def advance(self, planned_seconds):
        self.done += planned_seconds

    def left(self):
        pace = (time.monotonic() - self.start) / self.done if self.done else 1.0
        seconds = round(pace * (self.planned - self.done))
        return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"

    def say(self, text):
        print(f"\r\033[K{text}" if self.terminal else text, flush=True)
