# weir: what the buffer and the loop are held to: which case against what, and by how much.
# SPDX-License-Identifier: MIT
import re
from dataclasses import dataclass

PEERS = ("evbuffer", "cord", "malloc", "jemalloc", "mutex-map")
BEST_PEER = "best peer"


@dataclass(frozen=True)
class Goal:
    """weir's cost in the cases that match is at most `ratio` times that of `against`; of nothing: at most `ratio` units."""
    identity: str
    pattern: str
    against: str | None
    ratio: float
    subject: str = "weir"
    than: str | None = None  # another case of the same subject, which it is held against


GOALS = (
    Goal("M1", r"append/(16|64)", "memcpy", 1.25),
    Goal("M1", r"append/(512|1024|4096)", "memcpy", 1.10),
    Goal("M3", r"bulk/.*", "memcpy", 1.10),
    Goal("M4", r"(split|cut)/.*", BEST_PEER, 0.5),
    Goal("M5", r"line/.*", BEST_PEER, 0.5),
    Goal("M7", r"(splice|hand-over)/.*", BEST_PEER, 0.5),
    Goal("M12", r"reference/.*", BEST_PEER, 0.5),
    Goal("M18", r"resident/.*", "evbuffer", 1.0),
    Goal("M19", r".*", "evbuffer", 1.0),
    Goal("M20", r"same-thread/(512|4096|65536)", None, 4.0),
    Goal("M20", r"two-threads/(pool|buffer)", None, 1 / 1.9),
    Goal("M20", r"two-threads/.*/processor", None, 1.05),
    Goal("M26", r"ring/.*", "ring", 1.0),
    Goal("M21", r"kept/512.*", "evbuffer", 1.0, "weir-compact"),
    Goal("L4", r"chain/1000/active=100", "libevent", 0.77),
    Goal("L5", r"add/1000000", None, 45),
    Goal("L5", r"cancel/1000000", None, 25),
    Goal("L5", r"fire/1000000", None, 100),
    *(Goal("L5", f"{what}/1000000", None, 1.5, than=f"{what}/4000") for what in ("add", "cancel", "touch", "fire")),
    Goal("L6", r"post/producers=1", "asio", 1 / 1.5),
    Goal("L6", r"post/producers=2", "asio", 1 / 2),
    Goal("L6", r"post-batch/64/producers=1", None, 1000 / 15),  # 15 million a second
    Goal(r"L8\.relay", r"relay/bulk/.*", "raw-splice", 1.25),
    Goal("L9", r"file/1048576", "raw-sendfile", 1.05),
    Goal("M.*", r".*", BEST_PEER, 1.0),  # whatever else a peer can do
)
# Not held to the best peer: weir copies and pins on purpose, keeps memory for a second or two after a burst, and a Cord is
# small because it can do less.
FREE = r"copied/.*|kept/512.*|resident/.*|empty/.*|one-byte-left/.*|.*at-once"


@dataclass(frozen=True)
class Verdict:
    """How a goal fared in one case. `ratio` is a Spread, or None where the costs themselves are compared."""
    case: str
    goal: Goal
    against: str | None
    value: float
    ratio: object

    @property
    def is_reached(self):
        return self.value <= self.goal.ratio

    def __str__(self):
        against = f" × {self.against}" if self.against else ""
        return f"{self.case}: {self.value:.3g}{against}, goal {self.goal.ratio:.3g}"


def verdicts(figures):
    """Of every case in which there is something to be held to: of several goals against the same subject the first."""
    found = []
    for case in figures.costs:
        seen = set()
        for goal in GOALS:
            if re.fullmatch(goal.identity, figures.identity) and re.fullmatch(goal.pattern, case) and (goal.against, goal.than) not in seen:
                verdict = judge(figures, case, goal)
                if verdict and not (goal.against == BEST_PEER and re.fullmatch(FREE, case)):
                    seen.add((goal.against, goal.than))
                    found.append(verdict)
    return found


def judge(figures, case, goal):
    cost = figures.cost(case, goal.subject)
    if not cost:
        return None
    if goal.than:
        ratio = figures.ratio_to_case(case, goal.than, goal.subject)
        return Verdict(case, goal, goal.than, ratio.median, ratio) if ratio else None
    if goal.against is None:
        return Verdict(case, goal, None, cost.median, None)
    against = best_peer(figures, case) if goal.against == BEST_PEER else goal.against
    other = figures.cost(case, against) if against else None
    if not other:
        return None
    ratio = figures.ratio(case, goal.subject, against)
    if ratio:
        return Verdict(case, goal, against, ratio.median, ratio)
    if cost.median == 0:  # nothing at all is never more than something
        return Verdict(case, goal, against, 0.0, None)
    return Verdict(case, goal, against, float("inf"), None)


def best_peer(figures, case):
    """The cheapest peer that can do it."""
    there = [(figures.cost(case, peer).median, peer) for peer in PEERS if peer in figures.subjects and figures.cost(case, peer)]
    return min(there)[1] if there else None
