"""Each folder with sources is exactly one library: one deit_library() in its CMakeLists.txt.

A folder without headers whose only source is main.cc is a program instead: one deit_program() and no library.
usage: each_folder_is_a_library.py SOURCE_DIR
"""
import pathlib
import re
import sys

import source_tree

FOLDERS = ("common", "worker", "coordinator", "launch")
CALL = re.compile(r"^\s*(deit_library|deit_program)\s*\(", re.MULTILINE)
EXEMPT = {}  # {folder: the reason why it is several libraries}


def folders(root):
    """{folder: names of its own sources and headers}"""
    found = {}
    for path in source_tree.files(root, ".h", ".cc", ".cu", folders=FOLDERS):
        found.setdefault(str(path.parent), set()).add(path.name)
    return found


def problems(root, exempt=None):
    exempt = EXEMPT if exempt is None else exempt
    found = []
    for folder, names in sorted(folders(root).items()):
        build_file = pathlib.Path(root) / folder / "CMakeLists.txt"
        calls = CALL.findall(build_file.read_text(encoding="utf-8")) if build_file.exists() else []
        libraries = calls.count("deit_library")
        alone = names == {"main.cc"} and calls == ["deit_program"]
        if libraries == 1 or alone:
            if folder in exempt:
                found.append(f"{folder}/CMakeLists.txt: is one library: remove {folder} from EXEMPT")
        elif not exempt.get(folder):
            found.append(f"{folder}/CMakeLists.txt: {libraries} libraries: each folder is one: move what is a library of its own to its own folder")
    return found


if __name__ == "__main__":
    source_tree.finish(problems(sys.argv[1]), len(folders(sys.argv[1])))
