# weir: the layers of the tree, its files and what they include; the ground of every structure check.
# SPDX-License-Identifier: MIT
import os
import re

# A layer may include those with a smaller number and itself, never one above or beside it.
LAYERS = {
    "base": 1,
    "sys": 2,
    "buffer": 3,
    "loop": 4,
    "net": 5,
    "stream": 6,
    "task": 7,
    "http": 8,
    "server": 9,
    "sim": 10,
    "compat": 10,
    "cli": 11,
}
# Programs: they may include everything, and the seam does not bind them.
PROGRAM_LAYERS = {"cli"}
PROGRAM_FOLDERS = ("bench", "examples", "fuzz", "tests")

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def sources(root):
    """Every C++ file of the tree, as a path relative to root."""
    found = []
    for folder in ("weir",) + PROGRAM_FOLDERS:
        for where, folders, files in os.walk(os.path.join(root, folder)):
            folders.sort()
            found += [os.path.relpath(os.path.join(where, name), root) for name in files if name.endswith((".h", ".cc"))]
    return sorted(found)


def includes(root, path):
    """The includes of a file, as (line number, is_quoted, what)."""
    with open(os.path.join(root, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if match := _INCLUDE.match(line):
                yield number, match[1] == '"', match[2]


def layer_of(path):
    """`buffer` for weir/buffer/x.h; None for what belongs to no layer, such as weir/weir.h or a test."""
    parts = path.split("/")
    return parts[1] if parts[0] == "weir" and len(parts) > 2 else None


def is_program(path):
    return path.startswith(PROGRAM_FOLDERS)


def is_test(path):
    return path.endswith("_test.cc") or path.startswith("tests/")


def is_library(path):
    """A file that becomes part of the library: neither a program nor a test."""
    layer = layer_of(path)
    return path == "weir/weir.h" or (layer is not None and layer not in PROGRAM_LAYERS and not path.endswith("_test.cc"))
