"""A job of two workers under deit-coord run, looked at from outside as a benchmark does."""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

LIMIT = 60  # seconds for anything that is waited for


def wait_for(what, look, pause=0.002):
    """What `look` returns, once that is something."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError):  # a file that is not there yet, or only in part
            found = look()
            if found:
                return found
        time.sleep(pause)
    sys.exit(f"error: {what}: not within {LIMIT} s")


class SupervisedJob:
    """Endless; with ... as job: starts it, and stops it gracefully."""

    def __init__(self, binaries, config, *words):
        self.command = [pathlib.Path(binaries) / "deit-coord", "run", f"--config={config}", "--np=2", "train.epochs=1000", *words]

    def __enter__(self):
        self.home = tempfile.TemporaryDirectory()
        self.state, self.run = pathlib.Path(self.home.name) / "state", pathlib.Path(self.home.name) / "run"
        self.process = subprocess.Popen([*self.command, f"--run_dir={self.run}"], env=dict(os.environ, DEIT_STATE_DIR=str(self.state)),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.stop()
        self.home.cleanup()

    def stop(self):
        self.process.terminate()
        self.process.wait(LIMIT)

    def await_training(self, after=0):
        """The record of an attempt later than `after` whose workers train."""
        def look():
            for path in self.state.glob("jobs/*.json"):
                record = json.loads(path.read_text())
                if record["attempt"] > after and record["state"] == "RUNNING" and len(record["workers"]) == 2:
                    return record
        return wait_for(f"an attempt after {after} that trains", look)

    def steps(self):
        """metrics.jsonl, newest first."""
        lines = (self.run / "metrics.jsonl").read_text().splitlines(keepends=True)
        return [json.loads(line) for line in reversed(lines) if line.endswith("\n")]

    def await_steps(self, more):
        """Until so many more steps are done."""
        goal = wait_for("a step", self.steps)[0]["step"] + more
        wait_for(f"step {goal}", lambda: self.steps()[0]["step"] >= goal)

    def summary(self):
        return json.loads((self.run / "summary.json").read_text())
