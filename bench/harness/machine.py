# weir: cores, limits, and what a process has used: the only module that asks the kernel.
# SPDX-License-Identifier: MIT
import ctypes
import os
import platform
import re
import resource
import signal
import time

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1  # prctl(2)


class Machine:
    """Where servers and generators run. The runner shares the generator's core.

    With `steady`, which needs root, two things make the figures repeatable:
    - The runner runs in real time: whenever it is awake, the generator on the same core is not. What the generator
      writes wakes the runner, so the generator stands still exactly where it wrote the line, until the runner has
      read the server's CPU time.
    - An idle core polls instead of halting. In a virtual machine, waking a halted core costs more than an echo.
    A higher priority for servers and generators was tried: it made single connections four times dearer, and erratic.
    """

    def __init__(self, steady):
        cores = sorted(os.sched_getaffinity(0))
        self.server_core = cores[0]
        self.generator_core = cores[1] if len(cores) > 1 else cores[0]
        self.one_core = len(cores) < 2
        self.descriptors = raise_descriptor_limit()
        os.sched_setaffinity(0, {self.generator_core})
        self.holds_generator = steady and not self.one_core and enter_real_time()
        self.awake = open_awake_request() if steady else None

    def on_server_core(self):
        """For a new process, before its program starts."""
        die_with_runner()
        os.sched_setaffinity(0, {self.server_core})

    def on_both_cores(self):
        """For a new process, before its program starts: the generator takes its share of one of them."""
        die_with_runner()
        os.sched_setaffinity(0, {self.server_core, self.generator_core})

    def on_generator_core(self):
        """For a new process, before its program starts."""
        die_with_runner()
        os.sched_setaffinity(0, {self.generator_core})

    def describe(self):
        with open("/proc/cpuinfo") as file:
            model = re.search(r"model name\s*: (.*)", file.read())
        return (f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} CPUs, Linux {platform.release()}; "
                f"servers on core {self.server_core}, load generator on core {self.generator_core}")


def die_with_runner():
    """Also when the runner is killed, no server is left behind."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def raise_descriptor_limit():
    """Children inherit the limit, so every subject has the same one. Returns it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1 << 20


def enter_real_time():
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        return False
    return True


def open_awake_request():
    """Cores do not halt while the file is open; see Documentation/power/pm_qos_interface.rst of the kernel."""
    try:
        file = open("/dev/cpu_dma_latency", "wb", buffering=0)
        file.write((0).to_bytes(4, "little"))
    except OSError:
        return None
    return file


def cpu_nanoseconds(pid):
    """CPU time of all threads of a process: the sum behind /proc/PID/task/*/schedstat, which is only brought up to
    date when a thread stops running; the clock is exact at any moment (see clock_getcpuclockid(3))."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def settled_cpu_nanoseconds(pid, quiet=0.0005, limit=0.9):
    """CPU time of a process once it has done nothing for `quiet` seconds. Spins: see Machine."""
    start = changed = time.monotonic()
    last = cpu_nanoseconds(pid)
    while True:
        current, now = cpu_nanoseconds(pid), time.monotonic()
        if current != last:
            last, changed = current, now
        if now - changed > quiet or now - start > limit:
            return last


def wait_until_idle(pid, quiet=0.02, limit=10.0):
    """Like settled_cpu_nanoseconds, but lets others run on this core."""
    start = changed = time.monotonic()
    last = cpu_nanoseconds(pid)
    while time.monotonic() - changed < quiet and time.monotonic() - start < limit:
        time.sleep(quiet / 10)
        current = cpu_nanoseconds(pid)
        if current != last:
            last, changed = current, time.monotonic()


def resident_bytes(pid):
    """Resident size, counted page by page (VmRSS of /proc/PID/status is only approximate)."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return int(re.search(r"^Rss:\s+(\d+) kB", file.read(), re.MULTILINE).group(1)) * 1024


def open_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
