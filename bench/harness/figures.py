# weir: collects the cost of every run; medians, ranges and ratios of paired runs come from here.
# SPDX-License-Identifier: MIT
import json
import os
from collections import defaultdict
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """Median and range of some figures."""
    median: float
    low: float
    high: float
    count: int

    @staticmethod
    def of(values):
        return Spread(median(values), min(values), max(values), len(values))


class Figures:
    """Costs of one workload: costs[case][subject][round]. Rounds pair the runs of different subjects."""

    def __init__(self, identity, unit, subjects):
        self.identity = identity
        self.unit = unit
        self.subjects = list(subjects)  # in the order in which they are shown
        self.costs = defaultdict(lambda: {subject: {} for subject in self.subjects})
        self.units = {}
        self.runs = []

    def add(self, case, subject, number, cost, unit=None, **details):
        """`unit` where the case has another one than the workload."""
        self.costs[case][subject][number] = cost
        self.units[case] = unit or self.unit
        self.runs.append({"id": self.identity, "case": case, "subject": subject, "round": number,
                          "unit": self.units[case], "cost": rounded(cost), **details})

    def cost(self, case, subject):
        values = self.costs[case].get(subject)  # none of a subject that is not there
        return Spread.of(list(values.values())) if values else None

    def ratio(self, case, subject, reference):
        """Of runs of the same round; None when no round has both, or when there is nothing to divide."""
        return ratio_of(self.costs[case].get(subject, {}), self.costs[case].get(reference, {}))

    def ratio_to_case(self, case, other, subject):
        """The same for two cases of one subject, whose runs lie further apart."""
        return ratio_of(self.costs[case].get(subject, {}), self.costs[other].get(subject, {})) if other in self.costs else None


def ratio_of(over, under):
    ratios = [over[number] / under[number] for number in over if over[number] > 0 and under.get(number, 0) > 0]
    return Spread.of(ratios) if ratios else None


def rounded(number):
    return float(f"{number:.5g}")


def write_results(directory, workloads):
    """Of all (workload, figures) of a run."""
    with open(os.path.join(directory, "results.jsonl"), "w") as results, \
         open(os.path.join(directory, "ratios.jsonl"), "w") as ratios, \
         open(os.path.join(directory, "runs.jsonl"), "w") as runs:
        for workload, figures in workloads:
            for case in figures.costs:
                for subject in figures.subjects:
                    cost = figures.cost(case, subject)
                    if cost:
                        write_line(results, {"id": figures.identity, "case": case, "subject": subject,
                                             "unit": figures.units[case], **spread_fields(cost, "runs")})
                for subject, reference in workload.pairs(figures.subjects):
                    ratio = figures.ratio(case, subject, reference)
                    if ratio:
                        write_line(ratios, {"id": figures.identity, "case": case, "subject": subject,
                                            "against": reference, **spread_fields(ratio, "pairs")})
            for run in figures.runs:
                write_line(runs, run)


def spread_fields(spread, count_name):
    return {"median": rounded(spread.median), "min": rounded(spread.low), "max": rounded(spread.high),
            count_name: spread.count}


def write_line(file, fields):
    file.write(json.dumps(fields) + "\n")
