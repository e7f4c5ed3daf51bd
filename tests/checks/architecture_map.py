"""The map of docs/architecture.md names every folder once, and only folders that exist.

The map is the first code block of "## The map". A line names one or more folders ("spec/ plan/  what a job is"), indented by two columns for
each level; configs/, docs/ and tests/ may follow on the last line. Folders of code are named to the second level.
usage: architecture_map.py SOURCE_DIR
"""
import pathlib
import re
import sys

import source_tree

MAP = "docs/architecture.md"
BLOCK = re.compile(r"^## The map\n.*?^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"( *)((?:[\w.-]+/ *)+)")
ALSO = re.compile(r"(?:^|[;,] )([\w.-]+)/(?= )")  # "configs/ jobs; docs/ this; tests/ mirrors the tree"
CODE = ("common", "worker", "coordinator", "launch")
TOP = ("proto", *CODE, "configs", "docs", "tests")


def listed(text):
    """[(line number within the map, folder)]; None without a map."""
    block = BLOCK.search(text)
    if block is None:
        return None
    found, above = [], []
    for number, line in enumerate(block[1].splitlines(), 1):
        match = LINE.match(line)
        if match is None:
            continue
        level = len(match[1]) // 2
        names = [name.rstrip("/") for name in match[2].split()]
        if level == 0:
            names += [name for name in ALSO.findall(line) if name not in names]
        above = above[:level] + [names[-1]]
        found += [(number, "/".join([*above[:level], name])) for name in names]
    return found


def folders(root):
    """The folders that the map must name: those at the top, and of code those below that hold sources, at any depth."""
    below = {"/".join(path.parts[:2]) for path in source_tree.files(root, ".h", ".cc", ".cu", folders=CODE) if len(path.parts) > 2}
    return {name for name in TOP if (pathlib.Path(root) / name).is_dir()} | below


def problems(root):
    root = pathlib.Path(root)
    named = listed((root / MAP).read_text(encoding="utf-8"))
    if named is None:
        return [f'{MAP}: has no map: a code block below the heading "## The map"']
    found, seen = [], set()
    for number, folder in named:
        if folder in seen:
            found.append(f"{MAP}: map line {number}: {folder}/ is named twice: remove one of the lines")
        elif not (root / folder).is_dir():
            found.append(f"{MAP}: map line {number}: {folder}/ does not exist: remove or rename it")
        seen.add(folder)
    return found + [f"{MAP}: map: {folder}/ is not named: add a line for it" for folder in sorted(folders(root) - seen)]


if __name__ == "__main__":
    source_tree.finish(problems(sys.argv[1]), len(folders(sys.argv[1])))
