"""The laws of docs/architecture.md are numbered, each names tests that exist, and code cites only laws that are there.

usage: laws_are_tested.py SOURCE_DIR
"""
import pathlib
import re
import sys

import source_tree

PAGE = "docs/architecture.md"
SECTION = re.compile(r"^## Laws\n(.*?)(?=^## )", re.MULTILINE | re.DOTALL)
LAW = re.compile(r"^(\d+)\. (.*?)(?=^\d+\. |\Z)", re.MULTILINE | re.DOTALL)
TEST = re.compile(r"`(tests/[\w./]+\.\w+)`")
CITATION = re.compile(r"\b[Ll]aw (\d+)\b")


def laws(root):
    """{number: text}"""
    section = SECTION.search((pathlib.Path(root) / PAGE).read_text(encoding="utf-8"))
    return {int(number): text for number, text in LAW.findall(section[1])} if section else {}


def problems(root):
    root = pathlib.Path(root)
    known = laws(root)
    if sorted(known) != list(range(1, len(known) + 1)) or not known:
        return [f'{PAGE}: "## Laws": the laws are not numbered 1, 2, ...']
    found = []
    for number, text in known.items():
        tests = TEST.findall(text)
        if not tests:
            found.append(f"{PAGE}: law {number}: names no test that holds it")
        found += [f"{PAGE}: law {number}: {test} does not exist" for test in tests if not (root / test).is_file()]
    for path in source_tree.files(root, ".h", ".cc", ".proto", ".py"):
        if str(path).startswith("tests/checks/"):
            continue
        cited = {int(number) for number in CITATION.findall((root / path).read_text(encoding="utf-8"))}
        found += [f"{path}: cites law {number}: {PAGE} has none of that number" for number in sorted(cited - set(known))]
    return found


if __name__ == "__main__":
    source_tree.finish(problems(sys.argv[1]), len(laws(sys.argv[1])))
