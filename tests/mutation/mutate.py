"""Measures what the tests notice: applies seeded mutations one at a time to a scratch copy of the tree, builds the nearest tests and runs them
until one fails.

usage: python3 tests/mutation/mutate.py [--count=100] [--seed=1] [--skip=0] [--at_least=PERCENT] [FOLDER or FILE ...]

The nearest tests of common/plan/permutation.cc are tests/common/plan/order_test, then the other tests of that folder. Nothing outside
build/mutation is written. Prints a line for each mutation as it ends and a table of the survivors, and exits 1 where fewer than --at_least
percent of those that compile were caught.
"""
import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys

from mutations import mutations

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRATCH = ROOT / "build/mutation/tree"  # as deep below its build folder as any tree: ccache finds what another has compiled
PRESET = "asan"
FOLDERS = ["common/plan", "common/spec", "common/dataset", "common/control", "coordinator/supervise", "worker/update", "worker/data"]


def copy_tree():
    """Brings the scratch copy to the state of this tree; what is equal keeps its time, and is not compiled again."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True, capture_output=True, check=True)
    names = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    for name in names:
        source, target = ROOT / name, SCRATCH / name
        if not target.is_file() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    for path in SCRATCH.rglob("*"):
        relative = path.relative_to(SCRATCH)
        if path.is_file() and relative.parts[0] != "build" and str(relative) not in names:
            path.unlink()


class Tests:
    """The scratch copy's tests: built one at a time, and only those taken at their word that pass without a mutation."""

    def __init__(self, limit):
        self.build, self.limit, self.sound = SCRATCH / "build" / PRESET, limit, {}
        subprocess.run(["cmake", "--preset", PRESET, "--log-level=WARNING"], cwd=SCRATCH, check=True, stdout=subprocess.DEVNULL)
        said = subprocess.run(["ctest", "--test-dir", self.build, "--show-only=json-v1"], text=True, capture_output=True, check=True)
        self.names = [test["name"] for test in json.loads(said.stdout)["tests"] if self.target(test["name"]).endswith("_test")]

    @staticmethod
    def target(name):
        return name.rsplit("/", 1)[-1].split(".")[0]

    def near(self, file):
        """Names of a source's nearest tests, the nearest first."""
        folder, own = file.parent.as_posix(), file.stem + "_test"
        names = [name for name in self.names if name.rsplit("/", 1)[0] == folder]
        return sorted(names, key=lambda name: (self.target(name) != own, not self.target(name).startswith(file.stem), name))

    def compiles(self, name):
        built = subprocess.run(["cmake", "--build", self.build, "--target", self.target(name)], capture_output=True, check=False)
        return built.returncode == 0

    def passes(self, name):
        command = ["ctest", "--test-dir", self.build, "-R", f"^{name}$", "--timeout", str(self.limit), "--no-tests=error"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def is_sound(self, name):
        """Whether it passes without a mutation; asked while none is applied."""
        if name not in self.sound:
            self.sound[name] = self.compiles(name) and self.passes(name)
            if not self.sound[name]:
                print(f"{name}: fails without a mutation; not asked", flush=True)
        return self.sound[name]


def judge(tests, file, text, mutation):
    """("caught", by which test), ("survived", ...) or ("did not compile", "")."""
    path = SCRATCH / file
    asked = []
    for name in tests.near(file):
        if not tests.is_sound(name):
            continue
        path.write_text(mutation.applied(text))
        try:
            if not tests.compiles(name):
                return "did not compile", ""
            asked.append(tests.target(name))
            if not tests.passes(name):
                return "caught", tests.target(name)
        finally:
            path.write_text(text)
    return "survived", f"{len(asked)} tests"


def described(text, mutation):
    """The lines before and after, in one."""
    begin, end = text.rfind("\n", 0, mutation.begin) + 1, text.find("\n", mutation.end)
    before = " ".join(text[begin:end].split())
    after = " ".join((text[begin:mutation.begin] + mutation.into + text[mutation.end:end]).split())
    return f"{before}  ->  {after or '(nothing)'}"


def draw(folders, seed):
    """(file, text, mutation) in the order of the seed: each kind is drawn as often as any other."""
    kinds = {}
    for folder in folders:
        path = ROOT / folder
        for file in sorted(path.rglob("*.cc")) if path.is_dir() else [path]:
            text = file.read_text()
            for mutation in mutations(text):
                kinds.setdefault(mutation.kind, []).append((file.relative_to(ROOT), text, mutation))
    generator = random.Random(seed)
    for sites in kinds.values():
        generator.shuffle(sites)
    while kinds:
        kind = generator.choice(sorted(kinds))
        yield kinds[kind].pop()
        if not kinds[kind]:
            del kinds[kind]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--skip", type=int, default=0, help="mutations of the seed that an earlier run has judged")
    parser.add_argument("--at_least", type=float, default=0)
    parser.add_argument("--limit", type=int, default=120, help="seconds of one test, which then counts as failed")
    parser.add_argument("folders", nargs="*", default=FOLDERS)
    arguments = parser.parse_args()
    copy_tree()
    tests = Tests(arguments.limit)
    counts, survivors = {"caught": 0, "survived": 0, "did not compile": 0}, []
    drawn = [site for site, _ in zip(draw(arguments.folders, arguments.seed), range(arguments.skip + arguments.count))]
    for number, (file, text, mutation) in enumerate(drawn[arguments.skip:], arguments.skip):
        result, by = judge(tests, file, text, mutation)
        counts[result] += 1
        line = f"{file}:{text.count(chr(10), 0, mutation.begin) + 1}: {mutation.kind}: {described(text, mutation)}"
        print(f"{number:4} {result:15} {by:24} {line}", flush=True)
        if result == "survived":
            survivors.append(line)
    compiled = counts["caught"] + counts["survived"]
    share = 100 * counts["caught"] / compiled if compiled else 0
    print(f"\n{counts['caught']} of {compiled} caught, {share:.0f} %; {counts['did not compile']} did not compile")
    for line in survivors:
        print(f"survived: {line}")
    return 0 if compiled and share >= arguments.at_least else 1


if __name__ == "__main__":
    sys.exit(main())
