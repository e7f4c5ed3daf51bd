"""Test scripts run their cases by tests/support/case_runner.py, so that ctest shows a skipped case as skipped.

usage: skips_are_seen.py SOURCE_DIR
"""
import pathlib
import re
import sys

import source_tree

RUNNER = "tests/support/case_runner.py"
DIRECT = re.compile(r"\bunittest\.(main|TextTestRunner)\(")


def scripts(root):
    return source_tree.files(root, ".py", folders=("tests",))


def problems(root):
    found = []
    for path in scripts(root):
        for number, line in enumerate((pathlib.Path(root) / path).read_text(encoding="utf-8").splitlines(), 1):
            if str(path) != RUNNER and DIRECT.search(line):
                found.append(f"{path}:{number}: runs its cases itself: call case_runner.run_cases(), which shows what was skipped")
    return found


if __name__ == "__main__":
    source_tree.finish(problems(sys.argv[1]), len(scripts(sys.argv[1])))
