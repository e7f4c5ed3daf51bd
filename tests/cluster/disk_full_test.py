"""A disk that is full during a save: training goes on, the next save tries again, and only an end without a durable set exits 74.

The run folder lies on a small tmpfs, in a mount namespace of this test's own. Where that is not allowed the test is NOT RUN (exit 77).
"""
import os
import shutil
import signal
import subprocess
import sys

from cluster import NOT_SAVED, STEPS, STOPPED, STUDENT, ClusterTest, Run, main, poll

SMALL, LARGE = "3m", "40m"  # room for one set of 1.7 MB, or for all


def mount(folder, *options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "deit_cluster_test", str(folder)], check=True)


class DiskFull(ClusterTest):
    def setUp(self):
        super().setUp()
        self.config = self.job(STUDENT)
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        mount(self.disk, f"size={SMALL}")
        self.addCleanup(subprocess.run, ["umount", str(self.disk)], check=True)

    def grow(self):
        mount(self.disk, "remount", f"size={LARGE}")

    def test_an_end_without_a_durable_set_exits_74_and_a_larger_disk_continues(self):
        words = ("checkpoint.every_steps=2",)
        whole = self.train(self.config, "whole", *words).result()
        for workers in (1, 2):
            with self.subTest(workers=workers):
                name = f"disk/run_{workers}"
                run = self.train(self.config, name, *words, workers=workers, code=NOT_SAVED)
                self.assertEqual(run.sets(), [2])
                self.assert_says(run.ended, "checkpoint of step 4", "no space left on device", "training goes on with the older one")
                self.assertEqual(list(run.path.glob("checkpoints/*/*.tmp")), [])
                self.grow()
                run = self.train(self.config, name, *words, workers=3 - workers)
                last = run.summary["attempts"][-1]
                self.assertEqual((last["first_step"], last["steps_executed"]), (2, STEPS - 2))
                self.assertEqual(run.result(), whole)
                self.assertEqual(run.steps_logged(), list(range(STEPS)))
                shutil.rmtree(run.path)
                mount(self.disk, "remount", f"size={SMALL}")

    def test_the_next_save_tries_again(self):
        run = Run(self.disk / "run")
        words = (f"--run_dir=../{self.folder.name}/disk/run", "train.epochs=10000", "checkpoint.every_steps=2")
        launch = self.launch(f"--config={self.config}", *words, workers=2)
        for _ in poll(60, "a save that fails"):
            if (run.path / "checkpoints").exists() and run.sets() == [2] and len(self.saves(run)) >= 1 and self.full():
                break
        self.grow()
        for _ in poll(60, "a save that succeeds"):
            if run.sets() and run.sets()[-1] > 2:
                break
        os.kill(launch.pid, signal.SIGUSR1)
        ended = launch.wait(60)
        self.assertEqual(ended.code, STOPPED, ended)
        self.assert_says(ended, "no space left on device")
        saves = self.saves(run)
        self.assertIn("CheckpointFailed", saves)
        self.assertEqual((saves[0], saves[-1]), ("CheckpointCommitted", "CheckpointCommitted"))
        self.assertEqual(run.sets()[-1], run.summary["steps"])
        self.assertEqual(run.steps_logged(), list(range(run.summary["steps"])))

    def saves(self, run):
        try:
            return [event["reason"] for event in run.lines("events.jsonl") if event["reason"].startswith("Checkpoint")]
        except (OSError, ValueError):
            return []

    def full(self):
        """Whether a save has failed by now: its event may not have found room."""
        return "CheckpointFailed" in self.saves(Run(self.disk / "run")) or shutil.disk_usage(self.disk).free < 600_000


def enter_own_namespace():
    """Starts this program again where mounts are its own; ends with 77 where that is not allowed."""
    probe = "mount -t tmpfs -o size=1m deit_cluster_test /mnt"
    if os.environ.get("DEIT_DISK_FULL_TEST"):
        return
    if subprocess.run(["unshare", "-m", "sh", "-c", probe], capture_output=True, check=False).returncode != 0:
        print("NOT RUN: disk_full_test: mounting a tmpfs of its own is not allowed here (needs root or CAP_SYS_ADMIN)", file=sys.stderr)
        sys.exit(77)
    os.environ["DEIT_DISK_FULL_TEST"] = "1"
    os.execvp("unshare", ["unshare", "-m", sys.executable, "-B", *sys.argv])


if __name__ == "__main__":
    enter_own_namespace()
    main()
