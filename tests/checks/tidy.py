"""clang-tidy has nothing to say about sources that changed (or, with --all, about all).

Changed means: since the merge base with the main branch, else since the last commit's parent; a clone without a parent commit has nothing to
compare with, and the slow label checks it.
Without --all the sources that include LibTorch are left out, no source is begun after BUDGET seconds, and the order follows the commit, so that
different commits check different sources where there are too many. What was not checked is listed.
usage: tidy.py SOURCE_DIR BUILD_DIR [--all]
"""
import concurrent.futures
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import compile_commands
import source_tree

TIDY = "clang-tidy-14"
BUDGET = 120  # seconds
FINDING = re.compile(r"^(\S+?:\d+:\d+: (?:error|warning): .*)$", re.MULTILINE)
MAIN = ("origin/HEAD", "origin/main", "main")


def git(root, *words):
    """Lines of git's answer; None where it has none."""
    result = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    return result.stdout.splitlines() if result.returncode == 0 else None


def changed(root):
    """(paths, since which commit); (None, None) where there is no earlier commit to compare with."""
    head = git(root, "rev-parse", "HEAD")
    bases = [git(root, "merge-base", "HEAD", branch) for branch in MAIN] + [git(root, "rev-parse", "--verify", "--quiet", "HEAD^")]
    base = next((found[0] for found in bases if found and found != head), None)
    if base is None:
        return None, None
    untracked = git(root, "ls-files", "--others", "--exclude-standard") or []
    return set(git(root, "diff", "--name-only", "--relative", base) + untracked), base


def sources_of(paths, commands, root):
    """The sources that show the changed paths to clang-tidy: each source itself, and for each header x.cc or the first source that includes it."""
    found = {path for path in paths if path in commands}
    for header in (path for path in paths if path.endswith(".h")):
        own = header.removesuffix(".h") + ".cc"
        if own in commands:
            found.add(own)
        else:
            includers = (path for path in sorted(commands) if header in {name for _, name in source_tree.includes(pathlib.Path(root) / path)})
            found |= set(list(includers)[:1])
    return found


def needs_torch(options):
    return any("torch" in option for option in options)


def in_order_of(commit, paths):
    return sorted(paths, key=lambda path: hashlib.sha256(f"{commit} {path}".encode()).hexdigest())


def tidy(root, path, options):
    result = subprocess.run([TIDY, "--quiet", path, "--", *options], cwd=root, capture_output=True, text=True)
    findings = [line.replace(f"{pathlib.Path(root).resolve()}/", "") for line in FINDING.findall(result.stdout)]
    bad_configuration = "Error parsing" in result.stderr  # clang-tidy goes on with its defaults
    if (result.returncode != 0 or bad_configuration) and not findings:
        findings = [f"{path}: {TIDY}: exit code {result.returncode}: {(result.stdout + result.stderr).strip()}"]
    return findings


def check(root, commands, paths, budget):
    """(findings, paths that the budget left out). Sources are begun in the given order."""
    end = time.monotonic() + budget

    def one(path):
        return tidy(root, path, commands[path]) if time.monotonic() < end else None

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(one, paths))
    findings = {finding: None for found in results if found for finding in found}  # a header's finding comes with each of its users
    return list(findings), [path for path, found in zip(paths, results) if found is None]


def say_not_checked(reason, paths):
    if paths:
        print(f"not checked ({reason}): {len(paths)}: {' '.join(sorted(paths))}")


def main(root, build, everything):
    commands = compile_commands.read(root, build)
    if everything:
        chosen, budget, commit = set(commands), float("inf"), ""
    else:
        paths, commit = changed(root)
        print(f"changed since {commit}" if commit else "no earlier commit to compare with: the slow label checks all sources")
        chosen, budget = set() if paths is None else sources_of(paths, commands, root), BUDGET
        torch = {path for path in chosen if needs_torch(commands[path])}
        say_not_checked("includes LibTorch; the slow label checks it", torch)
        chosen -= torch
    findings, left_out = check(root, commands, in_order_of(commit, chosen), budget)
    say_not_checked(f"the budget of {BUDGET} s is used up; the slow label checks it", left_out)
    if not chosen:
        print("no source to check")
        sys.exit(0)
    checked = len(chosen) - len(left_out)
    source_tree.finish(findings, checked)


if __name__ == "__main__":
    if not shutil.which(TIDY):
        compile_commands.finish_not_run("tidy", TIDY)
    main(*[word for word in sys.argv[1:] if word != "--all"], everything="--all" in sys.argv)
