# weir: checks that each header compiles alone. Results are kept, so only what changed is compiled again.
# SPDX-License-Identifier: MIT
import concurrent.futures
import hashlib
import os
import re
import subprocess

from layers import includes, sources

FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-x", "c++", "-"]
# Headers here are about other libraries, and cannot be compiled where those are not installed.
OPTIONAL = "bench/peers/"


def check_headers(root, compiler, cache, extra=()):
    """Compiles `#include "x.h"`, twice in one file, for every header of the tree."""
    os.makedirs(cache, exist_ok=True)
    command = [compiler, "-I", root, *extra, *FLAGS]
    headers = [path for path in sources(root) if path.endswith(".h")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda header: _check_one(root, header, command, cache), headers)
    return [problem for problem in results if problem]


def _check_one(root, header, command, cache):
    stamp = os.path.join(cache, _fingerprint(root, header, command))
    if os.path.exists(stamp):
        return None
    program = f'#include "{header}"\n#include "{header}"\n'
    result = subprocess.run(command, input=program, text=True, capture_output=True, check=False)
    missing = re.search(r"fatal error: (\S+): No such file", result.stderr)
    if missing and header.startswith(OPTIONAL) and not os.path.exists(os.path.join(root, missing[1])):
        return None
    if result.returncode != 0:
        return f"{header}: does not compile alone:\n{result.stderr.strip()}"
    open(stamp, "w").close()
    return None


def _fingerprint(root, header, command):
    """A hash over the header, all it includes from the tree, and the way it is compiled."""
    digest = hashlib.sha256(" ".join([header, *command]).encode())
    for path in sorted(_closure(root, header)):
        with open(os.path.join(root, path), "rb") as file:
            digest.update(path.encode() + b"\0" + file.read())
    return digest.hexdigest()


def _closure(root, header):
    seen, waiting = set(), [header]
    while waiting:
        path = waiting.pop()
        if path in seen or not os.path.isfile(os.path.join(root, path)):
            continue
        seen.add(path)
        waiting += [target for _, quoted, target in includes(root, path) if quoted]
    return seen
