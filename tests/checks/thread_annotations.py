"""Shared state is guarded by common/base/mutex.h, and clang verifies its annotations in every source that sees it.

usage: thread_annotations.py SOURCE_DIR BUILD_DIR
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

import compile_commands
import source_tree

CLANG = "clang++-14"
WRAPPER = "common/base/mutex.h"
BARE = re.compile(r"\b(std::(?:\w*mutex|lock_guard|unique_lock|scoped_lock|shared_lock|condition_variable\w*)|absl::(?:Mutex|CondVar)\w*)\b")
ERROR = re.compile(r"error: ")


def sources(root, *suffixes):
    return source_tree.files(root, *suffixes, folders=compile_commands.PRODUCT)


def bare_primitives(root):
    """Uses of a mutex that clang cannot check. Tests are free to use them."""
    found = []
    for path in sources(root, ".h", ".cc", ".cu"):
        if str(path) == WRAPPER:
            continue
        for number, line in enumerate((pathlib.Path(root) / path).read_text(encoding="utf-8").splitlines(), 1):
            for name in BARE.findall(line.partition("//")[0]):
                found.append(f"{path}:{number}: {name}: use {WRAPPER}, whose annotations clang checks")
    return found


def users(root):
    """Sources that include the wrapper, directly or through a header of ours."""
    root = pathlib.Path(root)
    direct = {str(path): {name for _, name in source_tree.includes(root / path)} for path in sources(root, ".h", ".cc")}
    seeing, before = {WRAPPER}, set()
    while seeing != before:
        before = set(seeing)
        seeing |= {path for path, names in direct.items() if names & seeing}
    return sorted(path for path in seeing if path.endswith(".cc"))


def analyse(root, path, options):
    command = [CLANG, "-fsyntax-only", "-Wno-everything", "-Wthread-safety", "-Werror=thread-safety", *options, path]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if result.returncode == 0:
        return []
    return [line for line in result.stderr.splitlines() if ERROR.search(line)] or [f"{path}: {result.stderr.strip()}"]


def problems(root, commands):
    """`commands`: options by path, of compile_commands.read(). A user that this build does not compile is left to one that does."""
    found = bare_primitives(root)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for errors in pool.map(lambda path: analyse(root, path, commands[path]), [path for path in users(root) if path in commands]):
            found += errors
    return found


if __name__ == "__main__":
    source_dir, build_dir = sys.argv[1:]
    if not shutil.which(CLANG):
        bare = bare_primitives(source_dir)
        if bare:
            source_tree.finish(bare, len(sources(source_dir, ".h", ".cc")))
        compile_commands.finish_not_run("thread_annotations", CLANG)
    source_tree.finish(problems(source_dir, compile_commands.read(source_dir, build_dir)), len(users(source_dir)))
