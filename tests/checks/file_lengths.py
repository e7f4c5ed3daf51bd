"""Files stay short: header 300 lines, source 500, test 700, proto 250. file_length_exemptions.txt lists exceptions with their reason.

usage: file_lengths.py SOURCE_DIR
"""
import pathlib
import sys

import source_tree

LIMITS = [("_test.cc", 700), (".h", 300), (".cc", 500), (".cu", 500), (".proto", 250)]
SUFFIXES = tuple(suffix for suffix, _ in LIMITS)
EXEMPTIONS = "tests/checks/file_length_exemptions.txt"


def exemptions(root):
    """{path: reason} from lines "PATH REASON"; an exemption without a reason has an empty one."""
    lines = (pathlib.Path(root) / EXEMPTIONS).read_text(encoding="utf-8").splitlines()
    return {path: reason.strip() for path, _, reason in (line.partition(" ") for line in lines if line and not line.startswith("#"))}


def problems(root):
    root = pathlib.Path(root)
    exempt = exemptions(root)
    found = [f"{EXEMPTIONS}: {path}: no reason given: write one behind the path" for path, reason in exempt.items() if not reason]
    too_long = set()
    for path in source_tree.files(root, *SUFFIXES):
        limit = next(limit for suffix, limit in LIMITS if path.name.endswith(suffix))
        lines = len((root / path).read_text(encoding="utf-8").splitlines())
        if lines > limit:
            too_long.add(str(path))
            if str(path) not in exempt:
                found.append(f"{path}: {lines} lines: at most {limit}: move its second noun to a file of its own")
    found += [f"{EXEMPTIONS}: {path}: is not too long: remove its line" for path in exempt if path not in too_long]
    return found


if __name__ == "__main__":
    source_tree.finish(problems(sys.argv[1]), len(source_tree.files(sys.argv[1], *SUFFIXES)))
