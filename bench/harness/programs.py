# weir: builds the benchmark programs, finds them, and runs servers.
# SPDX-License-Identifier: MIT
import json
import os
import re
import signal
import subprocess
import tempfile
import time


class BenchError(Exception):
    """A benchmark could not run; the text is for the person at the terminal."""


def build(root):
    """Configures and builds build/bench; returns that directory."""
    directory = os.path.join(root, "build", "bench")
    run_build_step("configuring", ["cmake", "--preset", "release", "-S", root, "-B", directory, "-DWEIR_BENCH=ON",
                                   "-DWEIR_BENCH_PEERS=ON", "-DWEIR_TESTS=OFF", "-DWEIR_EXAMPLES=OFF"], root)
    run_build_step("building", ["cmake", "--build", directory, "--target", "bench_programs"], root)
    return directory


def run_build_step(name, command, root):
    print(f"{name}: {' '.join(command)}", flush=True)
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise BenchError(f"{name} failed:\n{done.stdout}")


def find_programs(directory):
    """What the build has made: subject -> path of its program."""
    path = os.path.join(directory, "bench", "programs.json")
    try:
        with open(path) as file:
            programs = json.load(file)
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}; was this directory built?") from error
    for subject, hint in (("libevent", "libevent-dev"), ("loop-libuv", "libuv1-dev"), ("asio", "libasio-dev"), ("buffer-cord", "libabsl-dev"), ("jemalloc", "libjemalloc2")):
        if subject not in programs:
            print(f"{subject}: left out, not built (needs {hint} and -DWEIR_BENCH_PEERS=ON)")
    if "weir" not in programs:
        raise BenchError("the weir tool is not built; it is also the load generator")
    missing = [path for path in programs.values() if not os.path.exists(path)]
    if missing:
        raise BenchError(f"{missing[0]}: not there; was this directory built?")
    return programs


class Server:
    """One echo server of a subject, from `with` to its end: on the server core, or where `placement` puts it."""

    def __init__(self, subject, program, machine, threads=1, placement=None):
        arguments = ["echo", "--listen", "127.0.0.1:0", "--log", "error"] if subject.startswith("weir") else ["--listen", "127.0.0.1:0"]
        if threads != 1:
            arguments += ["--threads", str(threads)]
        self.subject = subject
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, stdout=self.output,
                                        stderr=subprocess.STDOUT, preexec_fn=placement or machine.on_server_core)
        self.pid = self.process.pid

    def __enter__(self):
        try:
            self.address = self.wait_for_address()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_for_address(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r"listening on (\S+:\d+)", self.text())
            if found:
                return found.group(1)
            time.sleep(0.005)
        raise BenchError(f"{self.subject}: does not listen: {self.text().strip()}")

    def text(self):
        return os.pread(self.output.fileno(), 4096, 0).decode(errors="replace")

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.output.close()
        if status != 0 and not any(_):
            raise BenchError(f"{self.subject}: ended with {status} after SIGTERM instead of 0")
