# weir: checks on what files include: the arrows between the layers, and the third-party rule.
# SPDX-License-Identifier: MIT
import fnmatch
import os

from layers import LAYERS, includes, is_library, is_program, is_test, layer_of, sources
from system_headers import is_system_header

# The one public header that may show a third-party library to the user.
PUBLIC_EXCEPTION = "weir/buffer/format.h"


def check_arrows(root):
    """Each layer includes only itself and those below it, always by the full path."""
    problems = []
    for path in sources(root):
        for line, quoted, target in includes(root, path):
            if problem := _arrow_problem(root, path, quoted, target):
                problems.append(f"{path}:{line}: {problem}")
    return problems


def _arrow_problem(root, path, quoted, target):
    if not quoted:
        return f"write \"{target}\", not <{target}>" if target.startswith("weir/") and not path.startswith("examples/") else None
    if is_program(path) and os.path.isfile(os.path.join(root, os.path.dirname(path), target)):
        return None
    if not os.path.isfile(os.path.join(root, target)):
        return f"there is no {target}; includes are written from the root of the tree"
    layer = layer_of(path)
    if layer is not None and layer not in LAYERS:
        return f"the layer {layer} has no place in tests/structure/layers.py"
    if layer is None and path != "weir/weir.h":
        return None  # a program or a test that spans layers
    if path.endswith("_test.cc") and target.startswith("tests/"):
        return None
    if not target.startswith("weir/"):
        return f"a layer must not include {target}"
    if path == "weir/weir.h":
        return None
    if target == "weir/weir.h":
        return None if LAYERS[layer] == LAYERS["cli"] else "a layer must not include weir/weir.h: include what is used"
    below = layer_of(target)
    if below != layer and LAYERS.get(below, 99) >= LAYERS[layer]:
        return f"{layer} must not include {below}, which is not below it"
    return None


def check_third_party(root):
    """A third-party header is included only by the files listed for it, and by no header of the library but one."""
    rules = read_rules(os.path.join(root, "tests", "third_party_includes"))
    problems = []
    for path in sources(root):
        for line, quoted, target in includes(root, path):
            if quoted or is_system_header(target) or target.startswith("weir/"):
                continue
            if not any(fnmatch.fnmatch(target, header) and fnmatch.fnmatch(path, file) for header, file in rules):
                problems.append(f"{path}:{line}: <{target}> is not listed for this file in tests/third_party_includes")
            elif is_library(path) and path.endswith(".h") and path != PUBLIC_EXCEPTION:
                problems.append(f"{path}:{line}: a header of the library must not include <{target}>")
    return problems


def read_rules(path):
    """Lines of `header-pattern: file-pattern ...`, as pairs."""
    rules = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            header, _, files = line.split("#")[0].partition(":")
            rules += [(header.strip(), file) for file in files.split()]
    return rules


def check_file_heads(root):
    """Every file says in its first line what it gives, and its licence in the second; a header is guarded."""
    problems = []
    for path in sources(root):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text = file.read()
        head = text.split("\n", 2)
        if not head[0].startswith("// weir: "):
            problems.append(f"{path}:1: the first line is `// weir: <what this file gives>.`")
        if len(head) < 2 or head[1] != "// SPDX-License-Identifier: MIT":
            problems.append(f"{path}:2: the second line is `// SPDX-License-Identifier: MIT`")
        if path.endswith(".h") and "\n#pragma once\n" not in text:
            problems.append(f"{path}: no #pragma once")
    return problems


def long_files(root, limit=400):
    """Advice, not a failure: files that have grown past what reads well."""
    found = []
    for path in sources(root):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            lines = sum(1 for _ in file)
        if lines > limit:
            found.append(f"{path}: {lines} lines" + ("" if not is_test(path) else " (test)"))
    return found
