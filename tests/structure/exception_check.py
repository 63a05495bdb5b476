# weir: where the library throws and catches, and what in its tests does not compile without exceptions.
# SPDX-License-Identifier: MIT
import os
import re

from layers import is_library, layer_of, sources

# The library's sources that throw, and those that catch and may let go on what they caught.
THROWS = {"weir/sys/throw.cc"}
CATCHES = {"weir/loop/turn_guard.cc", "weir/sim/swarm_guard.cc"}
# The one place where what tests share does.
SUPPORT = "tests/support/throws.cc"

_NO_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'(?!\w)', re.DOTALL)
_WORD = re.compile(r"\b(throw|try|catch|dynamic_cast|typeid|(?:EXPECT|ASSERT)_(?:ANY_|NO_)?THROW)\b(?:\s*(;))?")
_THROWING_TESTS = re.compile(r"\bTHROWING_TESTS((?:\s+[\w./]+\.cc)+)")


def check_exceptions(root):
    """Sources throw and catch only where a build without exceptions has another file; tests, where it has none."""
    problems = []
    throwing_tests = _throwing_tests(root)
    for path in sources(root):
        if not _is_bound(path) or path in throwing_tests or path == SUPPORT:
            continue
        for line, word, is_alone in _words(root, path):
            if not _may(path, word, is_alone):
                problems.append(f"{path}:{line}: {word}: {_advice(path, word)}")
    return problems


def _is_bound(path):
    """What a build without exceptions compiles: the library and its unit tests, with what they share."""
    return is_library(path) or path.startswith("tests/support/") or (path.endswith("_test.cc") and layer_of(path) not in (None, "cli"))


def _may(path, word, is_alone):
    if word == "throw":
        return path in THROWS or (path in CATCHES and is_alone)
    return word in ("try", "catch") and path in CATCHES


def _advice(path, word):
    if word in ("dynamic_cast", "typeid"):
        return "there may be no run-time type information"
    if is_library(path):
        return "call throw_bad_alloc() or throw_error(); what catches is listed in tests/structure/exception_check.py"
    return "use tests/support/throws.h, or list the file under THROWING_TESTS"


def _words(root, path):
    """(line, word, does a semicolon follow) of all that needs exceptions, outside of comments and literals."""
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    code = _NO_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for match in _WORD.finditer(code):
        yield code.count("\n", 0, match.start()) + 1, match[1], match[2] is not None


def _throwing_tests(root):
    found = set()
    for where, _, files in os.walk(os.path.join(root, "weir")):
        if "CMakeLists.txt" in files:
            with open(os.path.join(where, "CMakeLists.txt"), encoding="utf-8") as file:
                for match in _THROWING_TESTS.finditer(file.read()):
                    found |= {os.path.relpath(os.path.normpath(os.path.join(where, name)), root) for name in match[1].split()}
    return found
