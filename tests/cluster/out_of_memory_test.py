"""A worker that the kernel kills for want of memory is said to have died of that.

The job runs in a control group of this test's own with little memory. Where none can be made the test is NOT RUN (exit 77).
"""
import contextlib
import os
import pathlib
import sys

from cluster import COORD, STUDENT, ClusterTest, Launch, Run, main, run_dir

LIMIT = 80 << 20  # bytes; a worker alone needs more


def make_group():
    """The group's folder, limited; None where that is not possible (version 1 and 2 name things differently)."""
    for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        group = pathlib.Path(root) / f"deit_cluster_{os.getpid()}"
        with contextlib.suppress(OSError):
            group.mkdir()
            if (group / limit).exists():
                (group / limit).write_text(str(LIMIT))
                with contextlib.suppress(OSError):
                    (group / "memory.swap.max").write_text("0")
                return group
            group.rmdir()
    return None


class OutOfMemory(ClusterTest):
    def test_it_is_the_cause(self):
        self.addCleanup(GROUP.rmdir)
        words = ["run", f"--config={self.job(STUDENT)}", "--np=2", f"--run_dir={run_dir(self.folder, 'big')}"]
        enter = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
        ended = Launch(self.folder, 1, ["-c", enter, GROUP, COORD, *words], program="sh").wait()
        self.assertEqual(ended.code, 1, ended)
        self.assert_says(ended, "killed by signal 9 (Killed)", "the kernel ran out of memory", "hint: give it fewer workers")
        for attempt in Run(self.folder / "big").summary["attempts"]:
            self.assertEqual(attempt["signal"], 9)
            self.assertIn(attempt["worker"], (0, 1))


if __name__ == "__main__":
    GROUP = make_group()
    if GROUP is None:
        print("NOT RUN: out_of_memory_test: no control group can be made here")
        sys.exit(77)
    main()
