"""A supervised job and the ways to hurt it from outside, none of which the programs know of."""
import contextlib
import json
import os
import pathlib
import random
import signal
import struct
import time

from cluster import COORD, STUDENT, ClusterTest, Launch, Run, marked, parent, poll, run_dir

EXIT_ON_SIGNAL = os.environ.get("DEIT_EXIT_ON_SIGNAL", "")
LIMIT = 60  # seconds for anything that is waited for; it includes a machine that is busy with other things

SAVES = ("checkpoint.every_steps=25", "evaluate.every_epochs=500")
LONG = ("train.epochs=700", *SAVES)  # 2,188 steps: on an idle machine still longer than all that is done to it
ENDLESS = ("train.epochs=1000000", *SAVES)  # for jobs that are stopped


class SupervisedTest(ClusterTest):
    """What must hold of supervised jobs whatever is done to them."""

    def check_nothing_left(self):
        super().check_nothing_left()
        self.assertEqual([path.name for path in (self.folder / "tmp").iterdir()], [], "temporary folders were left")

    def reference(self, config):
        """What the job comes to when nothing happens to it."""
        run = self.train(config, "undisturbed", *LONG)
        return run.result()

    def check_same(self, job, expected):
        """The job's end is the undisturbed one's, and each step stands in the metrics once."""
        self.assertEqual(job.run.result(), expected)
        self.assertEqual(job.run.steps_logged(), list(range(expected["steps"])))
        summary = job.run.summary
        self.assertEqual(summary["state"], "SUCCEEDED")
        trained = [a for a in summary["attempts"] if "train_start_time" in a]
        for before, after in zip(trained, trained[1:]):
            self.assertLessEqual(after["first_step"], before["first_step"] + before["steps_executed"])
            self.assertGreater(after["first_step"], before["first_step"] + before["steps_executed"] - 26, "only missing steps are executed")
        self.assertEqual(sum(a["steps_executed"] for a in trained), expected["steps"] + summary["steps_lost"])

    def finish(self, job, code=0):
        ended = job.launch.wait(LIMIT * 2)
        self.assertEqual(ended.code, code, ended)
        return ended


class Supervised:
    """`deit-coord run` on a folder, and what can be seen of it."""

    def __init__(self, test, config, run, *words, workers=2, env=None):
        self.test, self.run = test, Run(test.folder / run)
        self.words = ["run", f"--config={config}", f"--np={workers}", f"--run_dir={run_dir(test.folder, run)}", *words]
        self.count = workers
        self.env = env
        self.start()

    def start(self):
        self.launch = Launch(self.test.folder, 1, self.words, program=COORD, env=self.env)

    def record(self):
        for path in (self.test.folder / "state/jobs").glob("*.json"):
            with contextlib.suppress(OSError, ValueError):
                record = json.loads(path.read_text())
                if pathlib.Path(record["run_dir"]).name == self.run.path.name:
                    return record
        return {"state": "", "attempt": 0, "workers": []}

    def guardian(self, attempt):
        return json.loads((self.run.path / f"logs/attempt_{attempt}/guardian.json").read_text())

    def steps(self):
        with contextlib.suppress(FileNotFoundError):
            return (self.run.path / "metrics.jsonl").read_bytes().count(b"\n")
        return 0

    def await_record(self, what, wanted):
        for _ in poll(LIMIT, what):
            record = self.record()
            if wanted(record):
                return record

    def await_training(self, steps=20, after=0):
        """An attempt later than `after` that trains, `steps` steps further than now; its record with all workers."""
        record = self.await_record(f"an attempt after {after} that trains",
                                   lambda r: r["attempt"] > after and r["state"] == "RUNNING" and len(r["workers"]) == self.count)
        goal = self.steps() + steps
        for _ in poll(LIMIT, f"step {goal}"):
            if self.steps() >= goal:
                return record

    def worker_pids(self, attempt):
        """By number, as soon as they are all there, whether they have spoken or not."""
        for _ in poll(LIMIT, f"workers of attempt {attempt}"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                launcher = self.guardian(attempt)["launcher"]["pid"]
                found = {int(environment["OMPI_COMM_WORLD_RANK"]): pid for pid, environment in marked()
                         if "OMPI_COMM_WORLD_RANK" in environment and parent(pid) == launcher}
                if len(found) == self.count:
                    return [found[k] for k in range(self.count)]


def largest_shared_mapping(pid):
    """(begin, end) of the node's memory in worker `pid`."""
    ranges = []
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        if "/memfd:deit-" in line:
            begin, end = (int(text, 16) for text in line.split()[0].split("-"))
            ranges.append((end - begin, begin, end))
    return max(ranges)[1:]


def poison_gradients(pid, until):
    """Writes not-a-number over the end of the last worker's last gradient slot, until a worker noticed. Weights are never touched."""
    poison = struct.pack("<f", float("nan")) * 4096
    begin, end = largest_shared_mapping(pid)
    with contextlib.suppress(OSError), open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        for _ in poll(LIMIT, "a loss that is not finite"):
            if until():
                return
            memory.seek(end - len(poison))
            memory.write(poison)


# What a fault does, and what the attempt's summary must say of it: (key, value) pairs, and a text of its cause.
def hurt(job, attempt, fault, worker):
    pids = job.worker_pids(attempt)
    if fault == "mpirun":
        os.kill(job.guardian(attempt)["launcher"]["pid"], signal.SIGKILL)
        return {"signal": 9}, "mpirun: killed by signal 9"
    if fault == "guardian":
        os.kill(job.guardian(attempt)["guardian"]["pid"], signal.SIGKILL)
        return {}, "guardian was killed"
    if fault == "not finite":
        poison_gradients(pids[worker], lambda: job.record()["attempt"] != attempt or job.record()["state"] != "RUNNING")
        return {"exit_code": 76}, "not finite"
    if fault == "stop":
        os.kill(pids[worker], signal.SIGSTOP)
        return {"worker": worker}, "(stopped by a signal)"
    if fault == "exit":
        os.kill(pids[worker], signal.SIGUSR2)
        return {"worker": worker, "exit_code": 3}, "exit 3"
    number = {"kill": signal.SIGKILL, "segv": signal.SIGSEGV, "abort": signal.SIGABRT}[fault]
    os.kill(pids[worker], number)
    return {"worker": worker, "signal": int(number)}, f"killed by signal {int(number)}"


def await_moment(job, moment, attempt, generator):
    """The attempt to hurt, at a moment of its life."""
    if moment == "start":  # of the next attempt, from its workers' birth on
        record = job.await_record("the next attempt", lambda r: r["attempt"] > attempt)
        job.worker_pids(record["attempt"])
        time.sleep(generator.uniform(0, 0.3))
        return record["attempt"]
    record = job.await_training(after=attempt)
    if moment == "save":
        for _ in poll(LIMIT, "a set that is being written"):
            if any(not (path / "manifest.json").exists() for path in job.run.path.glob("checkpoints/step_*")):
                break
    else:
        time.sleep(generator.uniform(0, 0.2))
    return record["attempt"]
