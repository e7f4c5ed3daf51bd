"""Lists and counts what the last run of ctest skipped, and fails where something was skipped that can run on this machine.

A test names each skipped case on a line "NOT RUN: CASE: reason" (tests/support/test_main.cc, tests/support/case_runner.py). ALLOWED lists
the skips that may be, each with the condition under which it may.
usage: skipped_tests.py BUILD_DIR
"""
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree

SECTION = re.compile(r"^\d+/\d+ Test: (\S+)\n(.*?)^\"\1\" end time:", re.MULTILINE | re.DOTALL)
NOT_RUN = re.compile(r"^(?:\d+: )?NOT RUN: (.*)$", re.MULTILINE)
GTEST_SKIPPED = re.compile(r"^\[  SKIPPED \] (\S+)$", re.MULTILINE)


class Machine:
    """What a condition may ask of this machine and this build."""

    def __init__(self, build):
        cache = (pathlib.Path(build) / "CMakeCache.txt").read_text(encoding="utf-8")
        found = re.search(r"^DEIT_SANITIZE:\w+=(.*)$", cache, re.MULTILINE)
        self.sanitized = bool(found and found[1])
        self.root = os.geteuid() == 0
        self.cores = len(os.sched_getaffinity(0))
        self.cpu_flags = set(re.findall(r"\S+", next((line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                                                      if line.startswith("flags")), "")))

    def can_mount(self):
        return subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0

    def can_make_namespaces(self):
        return subprocess.run(["unshare", "--uts", "--pid", "--fork", "--mount-proc", "true"], capture_output=True).returncode == 0

    def can_limit_memory(self):
        """Whether a control group with a memory limit can be made (version 1, version 2)."""
        for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
            group = pathlib.Path(root) / f"deit_probe_{os.getpid()}"
            with contextlib.suppress(OSError):
                group.mkdir()
                possible = (group / limit).exists()
                group.rmdir()
                if possible:
                    return True
        return False


# (ctest's name, words of the reason, the condition, when it holds)
ALLOWED = [
    (r"common/base/out_of_memory_test", r"sanitizers' own allocators", "a sanitized build", lambda machine: machine.sanitized),
    (r"common/control/token_file_test", r"only root can give files away", "not root", lambda machine: not machine.root),
    (r"cluster/bad_input_test", r"root may write everywhere", "root", lambda machine: machine.root),
    (r"cluster/bad_input_test", r"sanitizer needs the addresses", "a sanitized build", lambda machine: machine.sanitized),
    (r"cluster/disk_full_test", r"mounting a tmpfs", "no mount namespaces", lambda machine: not machine.can_mount()),
    (r"cluster/(hosts|liveness)_test", r"unshare", "no namespaces can be made", lambda machine: not machine.can_make_namespaces()),
    (r"cluster/out_of_memory_test", r"no control group", "no control group can limit memory", lambda machine: not machine.can_limit_memory()),
    # The test measures by itself what other processes used while it ran; a quiet machine does not skip it.
    (r"cluster/full_size_test", r"two cores that no other process uses", "other processes use the cores", lambda machine: True),
]


def not_run(junit):
    """Names of the tests that ctest counts as skipped, disabled or without a program, in its JUnit file."""
    return {case.get("name") for case in xml.etree.ElementTree.fromstring(junit).iter("testcase") if case.get("status") in ("notrun", "disabled")}


def skipped(log, names):
    """[(ctest's name, "CASE: reason")] of ctest's LastTest.log and not_run()."""
    found = []
    for name, output in SECTION.findall(log):
        named = NOT_RUN.findall(output)
        named += [f"{case}: no reason given" for case in sorted(set(GTEST_SKIPPED.findall(output)))
                  if not any(line.startswith(f"{case}:") for line in named)]
        found += [(name, line) for line in named]
    return found + [(name, "the whole test: no reason given") for name in sorted(names - {name for name, _ in found})]


def why_allowed(name, line, machine, allowed):
    """The condition that allows this skip here; None where it should have run."""
    for test, words, condition, holds in allowed:
        if re.fullmatch(test, name) and re.search(words, line) and holds(machine):
            return condition
    return None


def report(log, junit, machine, allowed=None):
    """(lines to print, whether each skip is allowed)."""
    lines, good = [], True
    found = skipped(log, not_run(junit))
    for name, line in found:
        condition = why_allowed(name, line, machine, ALLOWED if allowed is None else allowed)
        good = good and condition is not None
        lines.append(f"  {name}: {line} [{f'allowed: {condition}' if condition else 'SHOULD HAVE RUN HERE'}]")
    tests = len(SECTION.findall(log))
    return [f"skipped: {len(found)} cases of {len({name for name, _ in found})} tests; {tests} tests were started", *lines], good and tests > 0


if __name__ == "__main__":
    build_dir = pathlib.Path(sys.argv[1])
    ctest_log = (build_dir / "Testing/Temporary/LastTest.log").read_text(encoding="utf-8", errors="replace")
    text, all_allowed = report(ctest_log, (build_dir / "tests.xml").read_bytes(), Machine(build_dir))
    print("\n".join(text))
    if not all_allowed:
        print("error: tests were skipped that can run on this machine; tests/checks/skipped_tests.py lists the skips that are allowed")
        sys.exit(1)
