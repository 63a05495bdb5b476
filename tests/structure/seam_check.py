# weir: the seam: outside weir/sys/ the library imports only its own symbols and those in tests/allowed_symbols.
# SPDX-License-Identifier: MIT
import os
import re
import subprocess

from layers import PROGRAM_LAYERS


def check_seam(objects_folders, allowed_file):
    """Each folder holds weir/<layer>/*.o of one of the libraries. Programs (cli, bench, tests, examples) are not bound by the seam."""
    own, imports = set(), []
    for folder in objects_folders:
        objects = _objects(folder)
        if not objects:
            return [f"no object of the library under {folder}: is it built?"]
        for path in objects:
            defined, undefined = _symbols(os.path.join(folder, path))
            own |= defined
            if path.split("/")[1] != "sys":
                imports += [(path, symbol) for symbol in undefined]
    allowed = _read_allowed(allowed_file)
    names = _demangled(sorted({symbol for _, symbol in imports if symbol not in own}))
    return [
        f"{path}: imports {names[symbol]}"
        for path, symbol in imports
        if symbol not in own and not _is_allowed(path.removesuffix(".o"), names[symbol], allowed)
    ]


def _objects(folder):
    found = []
    for where, _, files in os.walk(os.path.join(folder, "weir")):
        found += [os.path.relpath(os.path.join(where, name), folder) for name in files if name.endswith(".o")]
    return sorted(path for path in found if path.split("/")[1] not in PROGRAM_LAYERS)


def _symbols(path):
    """(defined, undefined) names of an object; only what other objects can see or must give."""
    defined, undefined = set(), set()
    listing = subprocess.run(["nm", "--extern-only", "--format=posix", path], text=True, capture_output=True, check=True).stdout
    for line in listing.splitlines():
        name, kind = line.split()[:2]
        (undefined if kind in "Uvw" else defined).add(name)
    return defined, undefined


def _demangled(symbols):
    result = subprocess.run(["c++filt"], input="\n".join(symbols), text=True, capture_output=True, check=True)
    return dict(zip(symbols, result.stdout.splitlines()))


def _is_allowed(file, name, allowed):
    return any(pattern.fullmatch(name) and (not files or file in files) for pattern, files in allowed)


def _read_allowed(path):
    """One demangled name in each line, `*` for anything; after ` @ ` the only files that may use it; `#` begins a comment."""
    rules = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, _, files = line.split("#")[0].partition(" @ ")
            if name.strip():
                rules.append((re.compile(re.escape(name.strip()).replace(r"\*", ".*")), files.split()))
    return rules
