# weir: workloads of programs that measure themselves, every subject in turn on one core: M0 to M26, L4 to L6.
# SPDX-License-Identifier: MIT
from dataclasses import dataclass

from .case_programs import AGAIN, CasePrograms, Source
from .figures import Figures
from .goals import verdicts
from .programs import BenchError
from .workload import Chart, Row, Workload, ordered

BUFFER_TITLES = {
    "M0": "memcpy",
    "M1": "append small pieces, drain in steps of 16 KiB",
    "M2": "tiny message: create, append, read, destroy",
    "M3": "append in bulk, drain",
    "M4": "cut messages off a stream",
    "M5": "lines",
    "M6": "messages behind their length",
    "M7": "hand bytes from buffer to buffer",
    "M9": "write a message field by field behind its length",
    "M10": "put bodies between staged heads and tails",
    "M11": "one payload to a thousand outputs",
    "M12": "to copy or to share",
    "M13": "search across segments",
    "M14": "search on while bytes arrive",
    "M15": "describe a thousand segments for a system call",
    "M16": "make bytes contiguous at a border",
    "M17": "put headers in front",
    "M18": "requests and answers on ten thousand connections",
    "M19": "idle memory",
    "M20": "the pool",
    "M21": "a little kept of much",
    "M24": "append with an observer",
    "M25": "append formatted text",
    "M26": "a ring of 64 KiB",
}
LOOP_TITLES = {
    "L4": "a thousand pairs of sockets, a hundred active",
    "L5": "timers: add, cancel, arm again, fire",
    "L6": "posts from other threads, and how long a wake takes",
}
STREAM_TITLES = {
    "L8.relay": "what comes from one connection goes to another",
    "L9": "a head and a file to a socket",
    "L11": "one message to a thousand connections",
    "L12": "what a small echo waits for beside four firehoses",
}
WAKING = ("L6",)
ALTERNATIVES = {"slice-16": "slice-24", "weir-share": "weir-copy", "weir-writer": "weir", "weir-compact": "weir",
                "weir-precise": "weir"}  # two ways of one thing: this against that
WARM_SECONDS = 0.05  # what the first run of a case takes beside its own time, for the estimate of the time left
MEMORY_SECONDS = 0.1  # a figure that is no time


@dataclass(frozen=True)
class Cell:
    case: str
    unit: str
    sources: tuple
    seconds: float
    rounds: int

    label = property(lambda self: self.case)
    group = property(lambda self: self.unit)


class CaseWorkload(Workload):
    """The workload that a subclass names (see `case_workloads`). All of a family share the same processes."""
    steady = False  # processor time on one core: what the other core does is of no matter, except where threads wake each other
    reference = "weir"
    unit = "ns/op"
    shared = {}  # family -> its programs

    def __init__(self, programs, machine, options):
        if self.family not in CaseWorkload.shared:
            CaseWorkload.shared[self.family] = CasePrograms(self.family, programs, machine, options)
        self.programs = CaseWorkload.shared[self.family]
        self.seconds = 0.01 if options.quick else 0.02
        self.rounds = 1 if options.smoke else options.pairs or (9 if options.quick else 15)
        self.warm_up = not options.smoke
        self.cells = [self.make_cell(case, sources) for case, sources in self.programs.cases.get(self.identity, {}).items()]
        self.subjects = list(dict.fromkeys(["weir", AGAIN] + [source.subject for cell in self.cells for source in cell.sources]))

    def make_cell(self, case, sources):
        return Cell(case, sources[0].unit, tuple(sources), self.seconds, self.rounds)

    def planned_seconds(self):
        return sum(self.planned_for(cell) for cell in self.cells)

    def planned_for(self, cell):
        return sum(cell.seconds * (cell.rounds + 1) + WARM_SECONDS if source.kind == "time" else MEMORY_SECONDS * cell.rounds
                   for source in cell.sources)

    def run(self, progress):
        figures = Figures(self.identity, self.unit, self.subjects)
        failures = []
        for cell in self.cells:
            try:
                self.run_cell(cell, figures, progress)
            except BenchError as error:
                failures.append(f"{self.identity} {cell.case}: {error}")
                progress.say(failures[-1])
            else:
                progress.say(self.row(cell, figures))
            progress.advance(self.planned_for(cell))
        for verdict in verdicts(figures):
            if self.warm_up and not verdict.is_reached:
                progress.say(f"missed: {self.identity} {verdict}")
        for sentence in crossovers(figures):
            progress.say(sentence)
        return figures, failures

    def run_cell(self, cell, figures, progress):
        """Round 0 makes what the case needs, finds out how many operations fill the time, and is not counted."""
        for number in range(0 if self.warm_up else 1, cell.rounds + 1):
            for source in ordered(cell.sources, number):
                if number == 0 and source.kind != "time":
                    continue
                progress.show(f"{self.identity} {cell.case}", f"round {number} of {cell.rounds}, {source.subject}")
                cost = self.programs.ask(source, cell.seconds)
                if number:
                    figures.add(cell.case, source.subject, number, cost, unit=source.unit)

    def finish(self):
        self.programs.end()

    def heading(self):
        return f"{'case':<34} {'weir':>13}    ratio of weir to each, and of weir again to weir"

    def row(self, cell, figures):
        """The cost of weir or whoever else the others are compared with, and the ratios."""
        there = [source.subject for source in cell.sources]
        base = "weir" if "weir" in there else ALTERNATIVES.get(there[-1], there[0])
        text = f"{cell.case:<34} {cost_text(figures.cost(cell.case, base), cell.unit):>13}    {'' if base == 'weir' else base + '   '}"
        for subject, reference in self.compared(cell):
            ratio = figures.ratio(cell.case, subject, reference)
            other = reference if subject == "weir" else subject
            text += f"{other} {ratio.median:.3f}   " if ratio else f"{other} ({cost_text(figures.cost(cell.case, other), cell.unit)})   "
        return text.rstrip()

    def compared(self, cell):
        """Which ratios are shown: (subject, reference)."""
        there = [source.subject for source in cell.sources]
        if "weir" in there:
            yield from (("weir", subject) for subject in there if subject not in ("weir", AGAIN, *ALTERNATIVES, *ALTERNATIVES.values()))
        if AGAIN in there:
            yield AGAIN, "weir"
        yield from ((subject, reference) for subject, reference in ALTERNATIVES.items() if subject in there)

    def pairs(self, subjects):
        cell = Cell("", "", tuple(Source(subject, "", 0, "", "") for subject in subjects), 0, 0)
        yield from self.compared(cell)

    def summary(self, figures):
        found = verdicts(figures)
        if not found:
            return ""
        missed = [str(verdict) for verdict in found if not verdict.is_reached]
        text = f"{len(found) - len(missed)} of {len(found)} goals reached" + (f"; missed: {'; '.join(missed)}" if missed else "") + "."
        return text + "".join(f" {sentence}" for sentence in crossovers(figures))

    def charts(self, figures):
        """One chart for each unit: weir against every other subject."""
        goals = {(verdict.case, verdict.against): verdict.goal.ratio for verdict in verdicts(figures)}
        for unit in dict.fromkeys(cell.unit for cell in self.cells):
            rows = []
            for cell in (cell for cell in self.cells if cell.unit == unit):
                ratios = [(name_of(subject, reference), figures.ratio(cell.case, subject, reference), goals.get((cell.case, reference)))
                          for subject, reference in self.compared(cell)]
                rows.append(Row(cell.case, [entry for entry in ratios if entry[1]]))
            yield Chart(f"{unit}: weir against each", [row for row in rows if row.ratios])


def name_of(subject, reference):
    return reference if subject == "weir" else subject if subject == AGAIN else f"{subject} / {reference}"


def crossovers(figures):
    """Of cases NAME/SIZE… that were done by copying and by sharing: from which size on sharing is cheaper."""
    sizes = {}
    for case in figures.costs:
        ratio = figures.ratio(case, "weir-share", "weir-copy")
        if ratio:
            name, size, *rest = case.split("/")
            sizes.setdefault("/".join([name, *rest]), {})[int(size)] = ratio.median
    for name, ratios in sizes.items():
        dearer = [size for size, ratio in ratios.items() if ratio > 1]
        cheaper = [size for size in ratios if size > max(dearer, default=0)]
        yield f"{name}: sharing is cheaper " + (f"from {min(cheaper)} bytes on." if cheaper else "nowhere.")


def cost_text(cost, unit):
    return f"{cost.median:.4g} {unit.removesuffix('/op')}" if cost else "-"


def case_workloads():
    """One class for each workload, so that each can be chosen by its ID."""
    return tuple(type(f"Case{identity}", (CaseWorkload,), {"identity": identity, "title": title, "family": family, "steady": identity in WAKING})
                 for family, titles in (("buffer", BUFFER_TITLES), ("loop", LOOP_TITLES), ("stream", STREAM_TITLES)) for identity, title in titles.items())
