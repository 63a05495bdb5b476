# weir: checks that a built program, and the objects of the library in it, carry what the release build promises.
# SPDX-License-Identifier: MIT
import json
import os
import platform
import subprocess


def check_hardening(program, objects_folders, commands_file):
    """program: an executable; objects_folders: those of the libraries' objects; commands_file: compile_commands.json of their build."""
    headers = _readelf("--file-header", "--program-headers", "--wide", program)
    dynamic = _readelf("--dynamic", "--wide", program)
    symbols = _readelf("--symbols", "--wide", program)
    stack = [line for line in headers.splitlines() if "GNU_STACK" in line]
    wanted = {
        "is not a position independent executable": "DYN (Position-Independent Executable file)" in headers or "Type: DYN" in headers,
        "has no read-only relocations (RELRO)": "GNU_RELRO" in headers,
        "binds symbols lazily (no -z now), so RELRO is partial": "BIND_NOW" in dynamic or " NOW" in dynamic,
        "has an executable stack": bool(stack) and "RWE" not in stack[0],
        "has no stack protector": "__stack_chk_fail" in symbols,
    }
    problems = [f"{program}: {problem}" for problem, holds in wanted.items() if not holds]
    for folder in objects_folders:
        problems += _check_objects(folder)
    return problems + _check_commands(commands_file)


def _check_objects(folder):
    """Control-flow protection is a property of each object; the program only shows it if libc's start files have it too."""
    if platform.machine() not in ("x86_64", "i686"):
        return []
    problems = []
    for where, _, files in os.walk(folder):
        for path in (os.path.join(where, name) for name in sorted(files) if name.endswith(".o")):
            if "IBT, SHSTK" not in _readelf("--notes", "--wide", path):
                problems.append(f"{path}: compiled without -fcf-protection")
    return problems


def _check_commands(path):
    """FORTIFY_SOURCE leaves a trace only where it changes a call, so the command line is the witness."""
    problems = []
    with open(path, encoding="utf-8") as file:
        for entry in json.load(file):
            if "/weir/" in entry["file"] and "-D_FORTIFY_SOURCE=2" not in entry["command"]:
                problems.append(f"{entry['file']}: compiled without -D_FORTIFY_SOURCE=2")
    return problems


def _readelf(*arguments):
    return subprocess.run(["readelf", *arguments], text=True, capture_output=True, check=True).stdout
