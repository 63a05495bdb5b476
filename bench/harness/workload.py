# weir: what every workload of bench/run has: its cells, its order of subjects, and how its figures are shown.
# SPDX-License-Identifier: MIT
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """A case in a chart: (subject, ratio, goal or None) for each of its dots."""
    label: str
    ratios: list


@dataclass(frozen=True)
class Chart:
    title: str
    rows: list = field(default_factory=list)
    goal: float | None = None  # one line for all rows


class Workload:
    """Subclasses give identity, title, unit, reference, goal, cells, and `run`."""
    steady = True  # wants the machine steady: see Machine
    goal = None

    def finish(self):
        """After the last workload of a run."""

    def pairs(self, subjects):
        """Which ratios are written down: everything against the limit, and weir against everything."""
        yield from ((subject, "raw-epoll") for subject in subjects if subject != "raw-epoll")
        yield from (("weir", subject) for subject in subjects if not subject.startswith(("raw-epoll", "weir")))

    def summary(self, figures):
        """One sentence on how many goals were reached."""
        if not self.goal:
            return ""
        cells = [cell for cell in self.cells if cell.connections <= self.goal_up_to_connections]
        ratios = [figures.ratio(cell.case, "weir", self.reference) for cell in cells]
        ratios = [ratio for ratio in ratios if ratio]
        reached = sum(ratio.median <= self.goal for ratio in ratios)
        return (f"weir is within {self.goal} × of {self.reference} in {reached} of {len(ratios)} cells "
                f"up to {self.goal_up_to_connections} connections.")

    def charts(self, figures):
        """Every subject against the reference, and weir against every other one; a chart for each group of cells."""
        subjects = figures.subjects
        yield from self.charts_against(figures, self.reference, subjects)
        if "weir" in subjects:
            for peer in subjects:
                if not peer.startswith(("raw-epoll", "weir")) and peer != self.reference:
                    yield from self.charts_against(figures, peer, ["weir"])

    def charts_against(self, figures, reference, subjects):
        for group in dict.fromkeys(cell.group for cell in self.cells):
            rows = []
            for cell in self.cells:
                ratios = [(subject, figures.ratio(cell.case, subject, reference), None) for subject in subjects if subject != reference]
                ratios = [entry for entry in ratios if entry[1]]
                if cell.group == group and ratios:
                    rows.append(Row(cell.label, ratios))
            if rows:
                who = "" if len(subjects) > 1 else f"{subjects[0]} "
                yield Chart(f"{group}: {who}against {reference}", rows, self.goal if reference == self.reference else None)


def ordered(items, number):
    """Another order in each round, so that what drifts hits everyone."""
    turned = items[number % len(items):] + items[:number % len(items)]
    return turned if number % 2 else turned[::-1]
