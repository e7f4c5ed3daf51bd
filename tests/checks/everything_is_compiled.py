"""Each source belongs to a target, and each header is compiled alone.

A header is compiled alone by x.cc beside x.h, whose first include it is, or by the unit that deit_library() generates for it. In a tree
with unity groups the former holds only for the first source of a group: the trees without (asan, debug) compile all of them alone.
usage: everything_is_compiled.py SOURCE_DIR BUILD_DIR
"""
import json
import pathlib
import sys

import compile_commands
import source_tree


def compiled_sources(commands):
    """The absolute paths of the sources in a compilation database. Of a unity group: the sources that it includes."""
    sources = set()
    for command in commands:
        sources.update(map(str, compile_commands.sources_of(pathlib.Path(command["file"]))))
    return sources


def problems(root, compiled, build):
    """`compiled`: the absolute paths that the build compiles."""
    root = pathlib.Path(root)
    found = []
    for source in source_tree.files(root, ".cc"):
        if str(root / source) not in compiled:
            found.append(f"{source}: no target compiles it: name it in its folder's CMakeLists.txt")
    for header in source_tree.files(root, ".h"):
        own_source = root / header.with_suffix(".cc")
        if own_source.exists():
            first = next((name for _, name in source_tree.includes(own_source)), "nothing")
            if first != str(header):
                found.append(f'{header.with_suffix(".cc")}: its first include is {first}: include "{header}" first')
        elif header.parts[0] != "tests" and str(pathlib.Path(build) / "headers" / f"{header}.cc") not in compiled:
            found.append(f"{header}: not compiled alone: its folder has no deit_library()")
    return found


if __name__ == "__main__":
    source_dir, build_dir = sys.argv[1:]
    commands = json.loads((pathlib.Path(build_dir) / "compile_commands.json").read_text(encoding="utf-8"))
    source_tree.finish(problems(source_dir, compiled_sources(commands), build_dir), len(source_tree.files(source_dir, ".cc", ".h")))
