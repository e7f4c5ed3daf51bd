"""How each source is compiled, in the form that clang's tools take."""
import json
import pathlib
import re
import shlex

PRODUCT = ("common", "worker", "coordinator", "launch")
UNITY_GROUP = re.compile(r"unity_\d+_cxx\.cxx")
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
NOT_INSTALLED = 77  # ctest's SKIP_RETURN_CODE


def read(root, build):
    """{path relative to `root`: preprocessor options and -std} of the sources that `build` compiles, without generated ones."""
    root = pathlib.Path(root).resolve()
    commands = {}
    for command in json.loads((pathlib.Path(build) / "compile_commands.json").read_text(encoding="utf-8")):
        options = preprocessor_options(shlex.split(command["command"]))
        for path in sources_of(pathlib.Path(command["file"])):
            if path.is_relative_to(root) and not path.is_relative_to(pathlib.Path(build).resolve()):
                commands[str(path.relative_to(root))] = options
    return commands


def sources_of(path):
    """The source itself, or those that a unity group includes."""
    if not UNITY_GROUP.fullmatch(path.name) or not path.exists():
        return [path]
    return [pathlib.Path(name) for name in INCLUDE.findall(path.read_text(encoding="utf-8"))]


def preprocessor_options(words):
    """Warnings, optimization and machine flags are left out: gcc's are not all known to clang."""
    options = []
    for i, word in enumerate(words):
        if word in ("-I", "-isystem", "-D"):
            options += [word, words[i + 1]]
        elif word.startswith(("-I", "-D", "-std=")):
            options.append(word)
    return options


def finish_not_run(check, program):
    """Ends a check whose program is not installed; ctest shows it as skipped."""
    print(f"NOT RUN: {check}: {program} is not installed: launch/setup.sh --clang")
    raise SystemExit(NOT_INSTALLED)
