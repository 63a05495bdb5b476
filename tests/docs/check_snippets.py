#!/usr/bin/env python3
# weir: programs shown in the documentation are the ones that the build compiles.
# SPDX-License-Identifier: MIT
"""Compares each code block that follows a line `<!-- PATH -->` with that file, without the file's two header lines.

Usage: check_snippets.py ROOT. Also checks that every relative link in the documentation leads somewhere, and that the
check itself notices a changed program.
"""
import pathlib
import re
import sys

SNIPPET = re.compile(r"<!-- (\S+) -->\n```\w+\n(.*?)```", re.S)
FENCED = re.compile(r"```.*?```", re.S)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def program(text):
    return text.split("\n", 2)[2] if text.startswith("// weir:") else text


def differences(text, read):
    return [path for path, code in SNIPPET.findall(text) if program(read(path)) != code]


def main(root):
    problems, snippets = [], 0
    documents = sorted([*root.glob("*.md"), *(root / "docs").glob("*.md"), root / "bench/README.md", root / "fuzz/README.md"])
    for document in documents:
        text = document.read_text()
        snippets += len(SNIPPET.findall(text))
        for path in differences(text, lambda name: (root / name).read_text()):
            problems.append(f"{document.relative_to(root)}: the program differs from {path}")
        for target in LINK.findall(FENCED.sub("", text)):
            if not (document.parent / target).exists():
                problems.append(f"{document.relative_to(root)}: the link to {target} leads nowhere")
    if snippets == 0:
        problems.append("no program was found in any document")
    if not differences("<!-- a.cc -->\n```cpp\nint a;\n```", lambda name: "// weir: a.\n// SPDX\nint b;\n"):
        problems.append("this check does not notice a changed program")
    for problem in problems:
        print(problem)
    print(f"{snippets} programs and the links of {len(documents)} documents checked")
    return 1 if problems else 0


sys.exit(main(pathlib.Path(sys.argv[1])))
