"""The quick start, in full: interrupted, gone on with, started again when all is done, and the commands that it says to try next.

usage: quickstart_test.py (with DEIT_SOURCE: the clone whose build/release is built)
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

SOURCE = pathlib.Path(os.environ["DEIT_SOURCE"])
sys.path.insert(0, str(SOURCE / "tests/cluster"))

from cluster import DONE, ClusterTest, Launch, Run, main, poll  # noqa: E402

INTERRUPTED = 130
LONGEST = 600  # seconds of the whole quick start beside whatever else the machine does
ROW = re.compile(r"^  +(\S.*?)  +(\d+\.\d\d) %(?:  +(\d+) s  +(\d+)  ([0-9a-f]{16}))?$", re.M)
JOBS = {"teacher: a convnet": "teacher", "student, taught: both heads": "student", "student, alone": "student_alone"}


class QuickStart(ClusterTest):
    def start(self):
        return Launch(self.folder, 1, [f"--runs={self.runs}"], program=SOURCE / "launch/quickstart.sh")

    def finish(self, launch, code=DONE, limit=LONGEST):
        ended = launch.wait(limit)
        self.assertEqual(ended.code, code, ended)
        return ended

    def run_folder(self, job):
        return Run(self.runs / job)

    def interrupt(self, launch, job, steps):
        """Ctrl-C, which a terminal sends to the whole group, once the job has done some steps."""
        for _ in poll(LONGEST, f"{steps} steps of {job}"):
            path = self.runs / job / "metrics.jsonl"
            if path.exists() and path.read_bytes().count(b"\n") >= steps or launch.process.poll() is not None:
                break
        os.killpg(launch.pid, signal.SIGINT)
        return self.finish(launch, INTERRUPTED, limit=60)

    def check_table(self, text):
        rows = ROW.findall(text)
        self.assertEqual([title for title, *_ in rows],
                         ["teacher: a convnet", "student, taught: both heads", "class head", "distillation head", "student, alone"], text)
        for title, accuracy, seconds, rate, digest in rows:
            if title in JOBS:
                summary = self.run_folder(JOBS[title]).summary
                self.assertEqual((float(accuracy), digest), (round(summary["val_acc1"], 2), summary["weights_digest"]), text)
                self.assertGreater(int(seconds), 0)
                self.assertAlmostEqual(int(rate), summary["images_per_second"], delta=1)
        gain = float(re.search(r"is worth (\S+) points to the taught one", text, re.M)[1])
        accuracy = {title: float(accuracy) for title, accuracy, *_ in rows}
        self.assertAlmostEqual(gain, accuracy["student, taught: both heads"] - accuracy["student, alone"], delta=0.06)
        self.assertGreater(gain, 1, "the case that the quick start shows")

    def try_next(self, commands):
        """Types what the quick start ends with; the run that loses a worker comes back, and is stopped there."""
        status, train, kill = commands
        environment = dict(os.environ, DEIT_STATE_DIR=str(self.folder / "state"))
        shown = subprocess.run(["bash", "-c", status], cwd=SOURCE, env=environment, text=True, capture_output=True, timeout=60)
        self.assertEqual(shown.stdout.count("SUCCEEDED"), len(JOBS), shown)
        launch = Launch(self.folder, 1, ["-c", f"cd '{SOURCE}' && exec {train}"], program=shutil.which("bash"))
        again = self.runs / "again"
        for _ in poll(120, "steps of the run whose worker is to be killed"):
            if (again / "metrics.jsonl").exists() and (again / "metrics.jsonl").read_bytes().count(b"\n") > 3:
                break
        killed = subprocess.run(["bash", "-c", kill], cwd=SOURCE, env=environment, text=True, capture_output=True, timeout=60)
        self.assertEqual(killed.returncode, 0, killed)
        for _ in poll(60, "the second attempt's first step"):
            if (again / "logs/attempt_2").exists() and Run(again).json("progress.json")["attempt"] == 2:
                break
        os.killpg(launch.pid, signal.SIGINT)
        self.assertEqual(launch.wait(60).code, INTERRUPTED)
        self.assertEqual(Run(again).summary["restarts"], 1)

    def test_from_start_to_table(self):
        self.runs = self.folder / "my runs"
        changes = subprocess.run(["git", "status", "--porcelain"], cwd=SOURCE, text=True, capture_output=True, timeout=60).stdout
        stopped = self.interrupt(self.start(), "teacher", 30)
        self.assert_says(stopped, "stopped: what was trained is saved", f"hint: start it again and it goes on: {SOURCE}/launch/quickstart.sh --runs=",
                         "/my\\ runs")
        done = self.finish(self.start())
        attempts = self.run_folder("teacher").summary["attempts"]
        self.assertEqual((len(attempts), attempts[1]["first_step"]), (2, attempts[0]["steps_executed"]), "no step was lost")
        self.check_table(done.out)

        again = self.finish(self.start(), limit=60)
        self.assertEqual(again.out.count("trained already"), len(JOBS), again)
        self.assertEqual(ROW.findall(again.out), ROW.findall(done.out))
        self.assertLess(again.seconds, 30)

        commands = re.findall(r"^  ((?:build/|kill ).*)$", again.out, re.M)
        self.assertEqual(len(commands), 3, again)
        self.try_next(commands)
        self.assertEqual(subprocess.run(["git", "status", "--porcelain"], cwd=SOURCE, text=True, capture_output=True, timeout=60).stdout,
                         changes, "tracked files changed")

    def test_mistakes(self):
        ended = self.finish(Launch(self.folder, 1, ["--rums=x"], program=SOURCE / "launch/quickstart.sh"), code=2)
        self.assert_says(ended, "quickstart: error: argument: --rums=x: not known", "hint: launch/quickstart.sh --help lists them")


if __name__ == "__main__":
    main()
