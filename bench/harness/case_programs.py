# weir: the programs that measure their workloads by themselves: what cases they have, and asking for figures.
# SPDX-License-Identifier: MIT
import json
import os
import select
import subprocess
from dataclasses import dataclass

from .programs import BenchError, find_programs

PATIENCE = 120  # seconds for one figure
AGAIN = "weir again"
BEFORE = "weir before"
JEMALLOC = "jemalloc"


@dataclass(frozen=True)
class Source:
    """Where the figure of one subject in one case comes from."""
    subject: str
    process: str  # which of the processes
    index: int    # of the case in that program
    unit: str
    kind: str     # time, mallocs or once: see bench/measure/cases.h


class CasePrograms:
    """Those of one family (`buffer`, `loop`). All run all the time, pinned to the server core, and wait until they are asked."""

    def __init__(self, family, programs, machine, options):
        main = f"{family}-weir"
        self.machine = machine
        self.arguments = ["--smoke"] if options.smoke else []
        self.malloc_count = programs.get("malloc-count")
        self.paths = {name: path for name, path in programs.items() if name.startswith(f"{family}-")}
        self.preloaded = {}
        if not options.smoke:
            self.paths[AGAIN] = self.paths[main]
        if options.before:
            self.paths[BEFORE] = program_before(options.before, main)
        if JEMALLOC in programs and "buffer-std" in self.paths:
            self.paths[JEMALLOC] = self.paths["buffer-std"]
            self.preloaded[JEMALLOC] = programs[JEMALLOC]
        self.processes = {}
        self.cases = {}  # workload -> case -> sources
        for process in sorted(self.paths, key=lambda name: (name != main, name)):
            self.list_cases(process)

    def list_cases(self, process):
        done = subprocess.run([self.paths[process], "--list"], stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise BenchError(f"{self.paths[process]} --list ended with {done.returncode}")
        for line in done.stdout.splitlines():
            entry = json.loads(line)
            if process == AGAIN and (entry["kind"] != "time" or entry["subject"] != "weir"):
                continue
            if process == BEFORE and entry["subject"] != "weir":
                continue
            if process == JEMALLOC and entry["subject"] != "malloc":
                continue
            subject = process if process in (AGAIN, BEFORE, JEMALLOC) else entry["subject"]
            sources = self.cases.setdefault(entry["id"], {}).setdefault(entry["case"], [])
            sources.append(Source(subject, process, entry["index"], entry["unit"], entry["kind"]))

    def ask(self, source, seconds):
        """The figure; what is not a time comes from a process that did nothing else before."""
        if source.kind == "time":
            if source.process not in self.processes:
                self.processes[source.process] = self.start(source)
            return self.processes[source.process].ask(source.index, seconds)
        process = self.start(source)
        try:
            return process.ask(source.index, seconds)
        finally:
            process.end()

    def start(self, source):
        preloaded = self.malloc_count if source.kind == "mallocs" else self.preloaded.get(source.process)
        return Process(self.paths[source.process], self.arguments, self.machine, preloaded)

    def end(self):
        for process in self.processes.values():
            process.end()
        self.processes = {}


def program_before(directory, name):
    programs = find_programs(directory)
    if name not in programs:
        raise BenchError(f"{directory}: has no program {name} to compare with")
    return programs[name]


class Process:
    def __init__(self, path, arguments, machine, preloaded=None):
        self.path = path
        environment = dict(os.environ, LD_PRELOAD=preloaded) if preloaded else None
        self.process = subprocess.Popen([path, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                                        env=environment, preexec_fn=machine.on_server_core)

    def ask(self, index, seconds):
        try:
            self.process.stdin.write(f"{index} {seconds}\n".encode())
        except BrokenPipeError:
            self.fail("has ended")
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            self.fail(f"gave no figure within {PATIENCE} s")
        answer = self.process.stdout.readline()
        if not answer:
            self.fail("ended instead of giving a figure")
        return float(answer)

    def fail(self, what):
        self.end()
        raise BenchError(f"{os.path.basename(self.path)} {what} (status {self.process.returncode})")

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
