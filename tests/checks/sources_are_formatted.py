"""C++ sources are formatted as clang-format 14 does it with .clang-format.

usage: sources_are_formatted.py SOURCE_DIR
"""
import re
import subprocess
import sys

import source_tree

PROGRAM = "clang-format-14"  # each version formats in its own way
VIOLATION = re.compile(r"^(.+?):\d+:\d+: error: code should be clang-formatted", re.MULTILINE)


def sources(root):
    return source_tree.files(root, ".h", ".cc", ".cu")


def problems(root):
    result = subprocess.run([PROGRAM, "--dry-run", "-Werror", *sources(root)], cwd=root, capture_output=True, text=True)
    badly_formatted = sorted(set(VIOLATION.findall(result.stderr)))
    if result.returncode != 0 and not badly_formatted:
        return result.stderr.splitlines()
    return [f"{path}: not formatted: {PROGRAM} -i {path}" for path in badly_formatted]


if __name__ == "__main__":
    source_tree.finish(problems(sys.argv[1]), len(sources(sys.argv[1])))
