"""What the checks of this folder share: which files there are, what they include, and how a check ends.

A check is a module with `problems(...)`, which returns one line for each violation ("path: what is wrong: what to do"), and a
`main` that prints them. checks_test.py plants a violation for each.
"""
import pathlib
import re
import sys

FOLDERS = ("proto", "common", "worker", "coordinator", "launch", "tests")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def files(root, *suffixes, folders=FOLDERS):
    """Paths below `root`, relative to it and sorted, of the files with one of these endings."""
    root = pathlib.Path(root)
    found = (path for folder in folders for path in (root / folder).rglob("*") if path.is_file() and path.name.endswith(suffixes))
    return sorted(path.relative_to(root) for path in found)


def includes(path):
    """[(quote, name)] of the file's #include lines, in order; quote is '<' or '"'."""
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def finish(problems, checked):
    """Prints the outcome and exits: 0 if there is no problem and something was checked at all."""
    for problem in problems:
        print(problem)
    if checked == 0:
        print("nothing was found to check")
    print(f"{checked} checked, {len(problems)} problems")
    sys.exit(1 if problems or checked == 0 else 0)
