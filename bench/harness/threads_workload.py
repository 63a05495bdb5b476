# weir: L13, two loops against one: what the second loop costs each request of an echo server.
# SPDX-License-Identifier: MIT
from dataclasses import dataclass

from .echo_workload import SIZE_NAMES, EchoWorkload
from .machine import cpu_nanoseconds
from .programs import Server
from .workload import Chart, Row

# (name, program, threads). Of two threads each has a listener, an epoll and connections of its own.
SUBJECTS = (("raw-epoll", "raw-epoll", 1), ("raw-epoll 2", "raw-epoll", 2), ("weir", "weir", 1), ("weir again", "weir", 1),
            ("weir 2", "weir", 2))
RATIOS = (("weir again", "weir"), ("weir 2", "weir"), ("raw-epoll 2", "raw-epoll"))


@dataclass(frozen=True)
class Cell:
    """One load, and where the server's threads run."""
    place: str
    connections: int
    size: int
    seconds: float
    rounds: int

    case = property(lambda self: f"{self.place}/{self.connections}/{self.size}")
    group = property(lambda self: "both cores, the generator on one of them" if self.place == "two-cores" else "one core")
    label = property(lambda self: f"{self.connections} connections, {SIZE_NAMES[self.size]}")


class ThreadsWorkload(EchoWorkload):
    """The load generator needs a core too, and here are only two. So there are two places, and in both all subjects run in
    the same: on both cores, where it takes its share of one; and both loops on one core, which it leaves alone."""
    identity = "L13"
    title = "two loops against one: server CPU per request"
    reference = "weir"
    goal = 1.05

    def __init__(self, programs, machine, options):
        self.machine = machine
        self.subjects = {name: (programs[program], threads) for name, program, threads in SUBJECTS}
        self.programs = {name: program for name, (program, _) in self.subjects.items()}
        self.generator = programs["weir"]
        self.warm_up = not options.smoke
        self.cells = self.choose_cells(options)

    def choose_cells(self, options):
        if options.smoke:
            return [Cell("two-cores", 8, 64, 0.05, 1)]
        seconds, rounds = (0.25, options.pairs or 15) if options.quick else (0.5, options.pairs or 25)
        return [Cell(place, connections, size, seconds, rounds) for place in ("two-cores", "one-core")
                for connections, size in ((50, 64), (50, 16384), (500, 64))]

    def run(self, progress):
        figures, failures = None, []
        cells = self.cells
        for place, placement in (("two-cores", self.machine.on_both_cores), ("one-core", self.machine.on_server_core)):
            self.placement = placement
            self.cells = [cell for cell in cells if cell.place == place]
            found, failed = super().run(progress)
            figures = found if figures is None else merged(figures, found)
            failures += failed
        self.cells = cells
        return figures, failures

    def open_server(self, stack, subject):
        program, threads = self.subjects[subject]
        return stack.enter_context(Server(subject, program, self.machine, threads, self.placement))

    def server_cpu(self, server):
        """The generator is not held: whoever holds it keeps the loop on its core from running too."""
        return cpu_nanoseconds(server.pid)

    def served_requests(self, cell, report):
        return report["requests"]

    def pairs(self, subjects):
        return RATIOS

    def heading(self):
        return f"{'place':>9} {'connections':>11} {'size':>7} {'pairs':>5}  {'weir':>10}    " + "".join(
            f"{over + ' : ' + under:<26}" for over, under in RATIOS).rstrip()

    def row(self, cell, figures):
        text = f"{cell.place:>9} {cell.connections:>11} {SIZE_NAMES[cell.size]:>7} {cell.rounds:>5}  {figures.cost(cell.case, 'weir').median:>7.2f} us    "
        for over, under in RATIOS:
            ratio = figures.ratio(cell.case, over, under)
            text += f"{ratio.median:.3f} ({ratio.low:.2f}-{ratio.high:.2f})".ljust(26)
        return text.rstrip()

    def summary(self, figures):
        ratios = [figures.ratio(cell.case, "weir 2", "weir") for cell in self.cells]
        reached = sum(ratio.median <= self.goal for ratio in ratios if ratio)
        return f"two loops cost at most {self.goal} × what one does in {reached} of {len(ratios)} cells."

    def charts(self, figures):
        for group in dict.fromkeys(cell.group for cell in self.cells):
            rows = []
            for cell in self.cells:
                ratios = [(over, figures.ratio(cell.case, over, under), None) for over, under in RATIOS]
                ratios = [entry for entry in ratios if entry[1]]
                if cell.group == group and ratios:
                    rows.append(Row(cell.label, ratios))
            if rows:
                yield Chart(f"{group}: two loops against one", rows, self.goal)


def merged(figures, others):
    """The cases of both, which have none in common."""
    figures.costs.update(others.costs)
    figures.units.update(others.units)
    figures.runs += others.runs
    return figures
