# weir: checks in the machine code that a block out of a thread's cache, and back into it, costs no lock and no atomic operation.
# SPDX-License-Identifier: MIT
import platform
import re
import shutil
import subprocess

FUNCTIONS = ("weir::Pool::acquire(", "weir::Pool::release(")
SLOW_PATHS = ("weir::Pool::acquire_slow(", "weir::Pool::release_slow(", "weir::PoolCenter::relieve(")


# hazard: PL12
def check_fast_path(object_file):
    """object_file: pool.cc of a release build. Whatever these functions do beyond calling a slow path is what every block pays for."""
    if platform.machine() != "x86_64" or not shutil.which("objdump"):
        print("not checked: needs x86-64 and objdump")
        return []
    listing = subprocess.run(["objdump", "--disassemble", "--reloc", "--demangle", "--no-show-raw-insn", object_file],
                             text=True, capture_output=True, check=True).stdout
    problems = []
    for name in FUNCTIONS:
        bodies = [body for head, body in _functions(listing) if head.startswith(name)]
        if not bodies:
            problems.append(f"{object_file}: has no {name})")
        for body in bodies:
            problems += [f"{name}): {problem}" for problem in _problems(name, body)]
    return problems


def _functions(listing):
    for part in re.split(r"\n\n", listing):
        head = re.match(r"\s*[0-9a-f]+ <(.*)>:\n", part)
        if head:
            yield head.group(1), part[head.end():]


def _problems(name, body):
    for line in re.sub(r"\n\s+[0-9a-f]+: R_X86_64_\S+\s+", " @ ", body).splitlines():  # a relocation belongs to its instruction
        _, _, text = line.partition(":")
        text = text.strip()
        operation = text.split(" ")[0]
        if operation == "lock" or (operation == "xchg" and "(" in text):
            yield f"an atomic read-modify-write: {text}"
        elif operation in ("syscall", "mfence"):
            yield f"{text}"
        elif operation.startswith(("call", "j")):
            target = re.search(r"@ (.*)", text) or re.search(r"<(.*)>", text)
            if target is None or not target.group(1).startswith((name, *SLOW_PATHS)):
                yield f"a call to something else: {text}"
