"""Every job file of configs/ is a valid one, by `deit-coord config check`.

usage: configs_parse.py SOURCE_DIR DEIT_COORD
"""
import subprocess
import sys

import source_tree


def configs(root):
    return source_tree.files(root, ".textproto", folders=("configs",))


def problems(root, deit_coord):
    found = []
    for path in configs(root):
        result = subprocess.run([deit_coord, "config", "check", f"--config={path}"], cwd=root, capture_output=True, text=True)
        if result.returncode != 0:
            found.append(f"{path}: deit-coord config check: exit code {result.returncode}: {(result.stdout + result.stderr).strip()}")
    return found


if __name__ == "__main__":
    source_tree.finish(problems(*sys.argv[1:]), len(configs(sys.argv[1])))
