# weir: the hazards that mutants name are those of the tests that must notice them.
# SPDX-License-Identifier: MIT
import fnmatch
import os
import re

from layers import sources

_TEST = re.compile(r"(?:TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P)\((\w+), (\w+)\)")
_HAZARDS = re.compile(r"\s*(?://|#) hazard: (.*)")
_ID = re.compile(r"[A-Z]+[0-9]+")
_IDS = re.compile(r"[A-Z]+[0-9]+(, [A-Z]+[0-9]+)*")


def check_mutants(root):
    """Each hazard in the head of a mutant stands above a test that the mutant names."""
    folder = os.path.join(root, "tests", "mutants")
    hazards = _hazards_of_tests(root)
    problems = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.endswith(".patch"):
            problems += [f"tests/mutants/{name}: {problem}" for problem in _problems(os.path.join(folder, name), hazards)]
    return problems


def _problems(path, hazards):
    head = _head(path)
    if "hazard" not in head:
        return []
    if not _IDS.fullmatch(head["hazard"]):
        return [f"no list of hazards: `{head['hazard']}`"]
    program_and_filter = head.get("test", "").split(None, 1)
    carried = set()
    for test, ids in hazards.items():
        if len(program_and_filter) == 2 and _is_selected(test, program_and_filter[1]):
            carried |= ids
    return [f"no test that it names carries `// hazard: {wanted}`" for wanted in _ID.findall(head["hazard"]) if wanted not in carried]


def _head(path):
    """The `# key: value` lines before the diff."""
    head = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith(("diff ", "--- ")):
                break
            found = re.match(r"# (\w+): *(.*)", line)
            if found:
                head.setdefault(found.group(1), found.group(2).strip())
    return head


def _hazards_of_tests(root):
    """The IDs in the comment directly above each test, by `Suite.name`."""
    hazards = {}
    for path in sources(root):
        if not path.endswith(".cc"):
            continue
        above = set()
        with open(os.path.join(root, path), encoding="utf-8") as file:
            for line in file:
                comment = _HAZARDS.match(line)
                test = _TEST.match(line)
                if comment:
                    above |= set(_ID.findall(comment.group(1)))
                elif test:
                    hazards.setdefault(f"{test.group(1)}.{test.group(2)}", set()).update(above)
                    above = set()
                elif not line.startswith("//"):
                    above = set()
    return hazards


def _is_selected(test, gtest_filter):
    """What the source calls `Suite.name` runs as `Suite.name`, `All/Suite.name/0` or `Suite/0.name`."""
    wanted, _, unwanted = gtest_filter.partition("-")
    return _matches(test, wanted) and not (unwanted and _matches(test, unwanted))


def _matches(test, patterns):
    for pattern in patterns.split(":"):
        suite, _, name = pattern.partition(".")
        suites = [suite] + suite.split("/")
        names = [name, name.split("/")[0]]
        if any(fnmatch.fnmatchcase(test, f"{a}.{b}") for a in suites for b in names):
            return True
    return False
