"""deit-coord status, logs, wait and cancel of real jobs: under a bare mpirun and under deit-coord run, alive, orphaned and dead."""
import contextlib
import itertools
import json
import os
import signal
import subprocess

from cluster import COORD, STOPPED, STUDENT, ClusterTest, Launch, Run, main, poll, run_dir

LONG = ("train.epochs=2000", "checkpoint.every_steps=20", "evaluate.every_epochs=1000")  # hours
FAILED, CONFLICT = 1, 6


class Seeing(ClusterTest):
    def setUp(self):
        super().setUp()
        self.config = self.job(STUDENT)

    # --- jobs ---

    def bare(self, run="bare"):
        return self.launch(f"--config={self.config}", f"--run_dir={run_dir(self.folder, run)}", *LONG, workers=2)

    def supervised(self, run="supervised"):
        words = ["run", f"--config={self.config}", "--np=2", f"--run_dir={run_dir(self.folder, run)}", *LONG]
        return Launch(self.folder, 1, words, program=COORD)

    # --- deit-coord ---

    def environment(self):
        return dict(os.environ, DEIT_STATE_DIR=str(self.folder / "state"))

    def coord(self, *words, code=0):
        ended = subprocess.run([COORD, *map(str, words)], env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True,
                               text=True, timeout=60, check=False)
        self.assertEqual(ended.returncode, code, f"{words}\n{ended.stdout}{ended.stderr}")
        return ended

    def watch(self, *words):
        child = subprocess.Popen([COORD, *map(str, words)], env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def look(self, run):
        jobs = json.loads(self.coord("status", "--json").stdout)["jobs"]
        return next((job for job in jobs if job["run_dir"].endswith("/" + run)), {"state": "", "attempt": 0, "workers": []})

    def await_look(self, run, what, wanted):
        for _ in poll(60, what):
            seen = self.look(run)
            if wanted(seen):
                return seen

    def await_training(self, run, attempt=1):
        """The job as it is seen once it trains with all workers."""
        return self.await_look(run, f"attempt {attempt} that trains", lambda job: job["state"] == "RUNNING" and job["attempt"] >= attempt
                               and job["workers_alive"] == 2 and job.get("step", 0) > 0)

    def await_steps(self, run):
        with contextlib.suppress(FileNotFoundError):
            before = len((self.folder / run / "metrics.jsonl").read_bytes())
        for _ in poll(60, "steps"):
            if len((self.folder / run / "metrics.jsonl").read_bytes()) > before + 1000:
                return

    def states(self, watch):
        """The states that a watch shows, each until another comes; two minutes of looks at most."""
        last = None
        for line in itertools.islice(watch.stdout, 2400):
            state = json.loads(line)["object"]["state"]
            if state != last:
                yield state
            last = state

    def check_canceled(self, run):
        seen = self.look(run)
        self.assertEqual(seen["state"], "CANCELED", seen)
        said = Run(self.folder / run)
        self.assertEqual(said.summary["state"], "CANCELED")
        self.assertEqual(said.sets()[-1], said.summary["steps"], "everything is saved")
        self.assertEqual(seen["step"], said.summary["steps"])
        self.coord("wait", self.folder / run, code=CONFLICT)
        self.assertIn("is over already: CANCELED", self.coord("cancel", self.folder / run).stdout)

    # --- cases ---

    def test_a_bare_mpirun_is_seen_followed_and_canceled(self):
        launch = self.bare()
        seen = self.await_training("bare")
        self.assertEqual((seen["name"], seen["workers_wanted"], seen["epochs"]), ("student", 2, 2000))
        self.assertEqual(sorted(worker["pid"] for worker in seen["workers"]), sorted(launch.workers(2)))
        self.coord("wait", seen["job"], "--timeout=0.1", code=5)
        logs = self.watch("logs", seen["job"], "-f", "--worker=all")
        said = self.coord("cancel", seen["job"], "--yes")
        self.assertEqual(said.stdout, f"job {seen['job']} (student): canceled; everything is saved\n")
        self.assertEqual(launch.wait().code, STOPPED)
        self.assertEqual(logs.wait(30), 0)
        self.assertRegex(logs.stdout.read(), r"\[worker 0\] .*everything is saved")
        self.check_canceled("bare")

    def test_a_bare_mpirun_whose_processes_vanish_is_lost_and_goes_on_when_run_again(self):
        launch = self.bare()
        self.await_training("bare")
        pids = launch.workers(2)
        for pid in (launch.pid, *pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        launch.wait()
        seen = self.await_look("bare", "LOST", lambda job: job["state"] == "LOST")
        self.assertIn("--run_dir=", seen["hint"])
        self.coord("wait", seen["job"], code=FAILED)
        again = self.bare()
        self.assertEqual(self.await_training("bare", attempt=2)["job"], seen["job"])
        self.coord("cancel", seen["job"], "--yes")
        self.assertEqual(again.wait().code, STOPPED)
        self.check_canceled("bare")

    def test_a_supervised_job_recovers_before_our_eyes(self):
        launch = self.supervised()
        seen = self.await_training("supervised")
        watch = self.watch("status", seen["job"], "--watch=0.05", "-o", "jsonl")
        logs = self.watch("logs", seen["job"], "-f", "--stream=err")
        states = self.states(watch)
        self.assertEqual(next(states), "RUNNING")
        os.kill(seen["workers"][1]["pid"], signal.SIGKILL)
        self.assertEqual([next(states), next(states)], ["RECOVERING", "RUNNING"])
        self.await_training("supervised", attempt=2)
        self.coord("cancel", seen["job"], "--yes")
        self.assertEqual(launch.wait().code, CONFLICT)
        self.assertEqual(next(state for state in states if state != "DRAINING"), "CANCELED")
        self.assertEqual(logs.wait(30), 0)
        self.check_canceled("supervised")
        self.assertEqual(self.look("supervised")["restarts"], 1)
        failed = Run(self.folder / "supervised").summary["attempts"][0]
        self.assertIn(f"worker {failed['worker']} failed first", self.coord("logs", seen["job"], "--attempt=1").stderr)

    def test_a_job_without_its_owner_is_seen_and_canceled(self):
        launch = self.supervised()
        seen = self.await_training("supervised")
        os.kill(launch.pid, signal.SIGKILL)
        launch.wait()
        orphan = self.await_look("supervised", "unsupervised", lambda job: job["reason"] == "unsupervised")
        self.assertEqual((orphan["state"], orphan["workers"][0]["pid"]), ("RUNNING", seen["workers"][0]["pid"]))
        self.await_steps("supervised")
        said = self.coord("cancel", seen["job"], "--yes")
        self.assertEqual(said.stdout, f"job {seen['job']} (student): canceled; everything is saved\n")
        self.check_canceled("supervised")

    def test_a_job_without_its_owner_that_fails_says_so(self):
        launch = self.supervised()
        seen = self.await_training("supervised")
        os.kill(launch.pid, signal.SIGKILL)
        launch.wait()
        os.kill(seen["workers"][0]["pid"], signal.SIGKILL)
        failed = self.await_look("supervised", "FAILED", lambda job: job["state"] == "FAILED")
        self.assertIn(" goes on from its last checkpoint", failed["hint"])
        self.coord("wait", seen["job"], code=FAILED)


if __name__ == "__main__":
    main()
