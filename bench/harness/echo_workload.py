# weir: L1, echo: the server's CPU time per request, every subject against raw epoll.
# SPDX-License-Identifier: MIT
import contextlib
import json
import os
import select
import subprocess
import time
from dataclasses import dataclass

from .figures import Figures
from .machine import cpu_nanoseconds, settled_cpu_nanoseconds, wait_until_idle
from .programs import BenchError, Server
from .workload import Workload, ordered

SUBJECTS = ("raw-epoll", "raw-epoll again", "weir", "libevent", "asio")
SIZE_NAMES = {64: "64 B", 1024: "1 KiB", 16384: "16 KiB", 65536: "64 KiB"}
SET_UP_SECONDS = 0.04  # a run's time beside the timed phase, for the estimate of the time left


@dataclass(frozen=True)
class Cell:
    """One load: so many connections, each with one request of `size` bytes in flight."""
    connections: int
    size: int
    seconds: float  # of one run
    rounds: int

    @property
    def case(self):
        return f"{self.connections}/{self.size}"

    @property
    def group(self):
        return f"{self.connections} connection{'s' if self.connections > 1 else ''}"

    @property
    def label(self):
        return SIZE_NAMES[self.size]


class EchoWorkload(Workload):
    identity = "L1"
    title = "echo: server CPU per request"
    unit = "us/request"
    reference = "raw-epoll"
    goal = 1.05
    goal_up_to_connections = 1000

    def __init__(self, programs, machine, options):
        self.machine = machine
        self.programs = {subject: programs[subject.removesuffix(" again")] for subject in SUBJECTS
                         if subject.removesuffix(" again") in programs}
        self.generator = programs["weir"]
        self.warm_up = not options.smoke
        self.cells = self.choose_cells(options)

    def choose_cells(self, options):
        if options.smoke:
            return [Cell(1, 64, 0.1, 1), Cell(8, 65536, 0.1, 1)]
        cells = [make_cell(count, size, options) for count in (1, 50, 1000, 10000) for size in SIZE_NAMES]
        most = 1000 if options.quick else self.machine.descriptors - 100
        return [cell for cell in cells if cell.connections <= most]

    def planned_seconds(self):
        return sum(self.planned_for(cell) * (cell.rounds + self.warm_up) for cell in self.cells)

    def planned_for(self, cell):
        return len(self.programs) * (cell.seconds + SET_UP_SECONDS * (1 + cell.connections / 500))

    def run(self, progress):
        figures = Figures(self.identity, self.unit, self.programs)
        failures = []
        with contextlib.ExitStack() as stack:
            servers = [self.open_server(stack, subject) for subject in self.programs]
            for cell in self.cells:
                progress.cell(f"{self.identity} {cell.group}, {cell.label}")
                try:
                    self.run_cell(cell, servers, figures, progress)
                except BenchError as error:
                    failures.append(f"{self.identity} {cell.case}: {error}")
                    progress.say(failures[-1])
                else:
                    progress.say(self.row(cell, figures))
        return figures, failures

    def open_server(self, stack, subject):
        return stack.enter_context(Server(subject, self.programs[subject], self.machine))

    def run_cell(self, cell, servers, figures, progress):
        """One run of every subject in each round; the order changes from round to round, so that drift cancels."""
        for number in range(0 if self.warm_up else 1, cell.rounds + 1):  # round 0 warms up and is not counted
            for server in ordered(servers, number):
                detail = f"round {number} of {cell.rounds}" if number else "warming up"
                progress.show(f"{self.identity} {cell.group}, {cell.label}", f"{detail}, {server.subject}")
                cost, details = self.run_once(cell, server)
                if number:
                    figures.add(cell.case, server.subject, number, cost, **details)
            progress.advance(self.planned_for(cell))

    def run_once(self, cell, server):
        command = [self.generator, "bench", "echo", "--connect", server.address, "--connections", str(cell.connections),
                   "--size", str(cell.size), "--seconds", str(cell.seconds), "--json"]
        with Generator(command, self.machine) as generator:
            generator.wait_for("connected", 60)
            before = self.server_cpu(server)
            generator.wait_for("measured", cell.seconds + 60)
            after = self.server_cpu(server)
            report = generator.report()
        wait_until_idle(server.pid)
        if report["errors"]:
            raise BenchError(f"{server.subject}: the load generator met {report['errors']} errors")
        requests = self.served_requests(cell, report)
        if requests < 1:
            raise BenchError(f"{server.subject}: no request was served")
        details = {"requests": requests, "requests_per_second": report["requests_per_second"], "latency_us": report["latency_us"]}
        return (after - before) / 1000 / requests, details

    def server_cpu(self, server):
        """While the generator is held: not before the server has done all that it was given, at the start accepting
        the connections, at the end answering what was in flight."""
        return settled_cpu_nanoseconds(server.pid) if self.machine.holds_generator else cpu_nanoseconds(server.pid)

    def served_requests(self, cell, report):
        """Those that the server has answered between the two samples: the counted ones, and those still in flight."""
        if not self.machine.holds_generator:
            return report["requests"]
        return report["requests"] + report.get("in_flight", cell.connections * report.get("pipeline", 1))

    def heading(self):
        columns = "".join(f"{subject:<22}" for subject in self.programs if subject != self.reference)
        return f"{'connections':>11} {'size':>7} {'pairs':>5}  {self.reference:>10}    {columns}".rstrip()

    def row(self, cell, figures):
        text = f"{cell.connections:>11} {cell.label:>7} {cell.rounds:>5}  {figures.cost(cell.case, self.reference).median:>7.2f} us    "
        for subject in self.programs:
            if subject != self.reference:
                ratio = figures.ratio(cell.case, subject, self.reference)
                text += f"{ratio.median:.3f} ({ratio.low:.2f}-{ratio.high:.2f})".ljust(22)
        return text.rstrip()


def make_cell(connections, size, options):
    """Many short runs, because that is what tells a drifting machine from a difference; but each long enough that every
    connection gets a few requests through with the slowest subject."""
    base = 0.1 if options.quick else 0.2
    request = {65536: 0.0005, 16384: 0.0002}.get(size, 0.00005)
    rounds = options.pairs or (15 if options.quick else 25 if connections <= 1000 else 9)
    return Cell(connections, size, round(base + connections * request, 3), rounds)


class Generator:
    """A load generator that tells on stderr when it begins and ends measuring, and on stdout what came out."""

    def __init__(self, command, machine):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, preexec_fn=machine.on_generator_core)
        self.said = b""

    def __enter__(self):
        return self

    def wait_for(self, line, seconds):
        """Returns as soon as the line is there."""
        deadline = time.monotonic() + seconds
        descriptor = self.process.stderr.fileno()
        while line.encode() not in self.said.split(b"\n"):
            if not select.select([descriptor], [], [], max(0, deadline - time.monotonic()))[0]:
                raise BenchError(f"the load generator did not say '{line}' within {seconds:.0f} s")
            data = os.read(descriptor, 4096)
            if not data:
                raise BenchError(f"the load generator ended without '{line}': {self.said.decode(errors='replace').strip()}")
            self.said += data

    def report(self):
        try:
            output, rest = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired as error:
            raise BenchError("the load generator does not end") from error
        if self.process.returncode != 0:
            said = (self.said + rest).decode(errors="replace").strip()
            raise BenchError(f"the load generator ended with {self.process.returncode}: {said}")
        return json.loads(output)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
