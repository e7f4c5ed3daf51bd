"""Shell scripts pass shellcheck.

usage: scripts_pass_shellcheck.py SOURCE_DIR
"""
import pathlib
import subprocess
import sys

import source_tree

FOLDERS = source_tree.FOLDERS + (".ci",)


def scripts(root):
    """Files that end in .sh or .sbatch, and those that begin with a shell's "#!" line."""
    root = pathlib.Path(root)
    paths = source_tree.files(root, "", folders=FOLDERS)
    return [path for path in paths if path.suffix in (".sh", ".sbatch") or starts_a_shell(root / path)]


def starts_a_shell(path):
    with path.open("rb") as file:
        line = file.readline(80)
    return line.startswith(b"#!") and line.rstrip().endswith((b"bash", b"/sh"))


def problems(root):
    result = subprocess.run(["shellcheck", "--format=gcc", *scripts(root)], cwd=root, capture_output=True, text=True)
    return result.stdout.splitlines() + result.stderr.splitlines()


if __name__ == "__main__":
    source_tree.finish(problems(sys.argv[1]), len(scripts(sys.argv[1])))
