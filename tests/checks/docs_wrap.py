"""Documents wrap at 100 columns. Code blocks, tables and lines of one word (addresses) may be longer.

usage: docs_wrap.py SOURCE_DIR
"""
import pathlib
import sys

import source_tree

COLUMNS = 100


def documents(root):
    root = pathlib.Path(root)
    return sorted(path.relative_to(root) for pattern in ("*.md", "docs/*.md", "*/README.md") for path in root.glob(pattern))


def problems(root):
    found = []
    for path in documents(root):
        in_code = False
        for number, line in enumerate((pathlib.Path(root) / path).read_text(encoding="utf-8").splitlines(), 1):
            if line.lstrip().startswith("```"):
                in_code = not in_code
            elif not in_code and len(line) > COLUMNS and not line.lstrip().startswith("|") and " " in line.strip():
                found.append(f"{path}:{number}: {len(line)} columns: wrap at {COLUMNS}")
    return found


if __name__ == "__main__":
    source_tree.finish(problems(sys.argv[1]), len(documents(sys.argv[1])))
