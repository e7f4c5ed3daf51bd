"""The kernel tells which attempt lives: whatever a folder, a host's name or a process number looks like, there is one writer."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from cluster import COORD, STUDENT, Launch, Run, main, marked, poll, run_dir
from faults import ENDLESS, LIMIT, Supervised, SupervisedTest

CONFLICT, STOPPED = 6, 75


def can_unshare(*words):
    return subprocess.run(["unshare", *words, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0


class Inside(Supervised):
    """One that a program starts which makes a namespace for it."""

    def __init__(self, before, *args, **options):
        self.before = before
        super().__init__(*args, **options)

    def start(self):
        program, *words = [*self.before, COORD, *self.words]
        self.launch = Launch(self.test.folder, 1, words, program=program)


class Liveness(SupervisedTest):
    def setUp(self):
        super().setUp()
        self.config = self.job(STUDENT)

    def coord(self, *words, before=(), code=0):
        program, *rest = [*before, COORD, *words]
        ended = Launch(self.folder, 1, rest, program=program).wait(LIMIT)
        self.assertEqual(ended.code, code, ended)
        return ended

    def begin(self, name="run", *words):
        job = Supervised(self, self.config, name, *ENDLESS, *words, workers=1)
        return job, job.await_training(5)

    def orphan(self, name="run"):
        """A job whose owner was killed; its attempt goes on."""
        job, record = self.begin(name)
        os.kill(job.launch.pid, signal.SIGKILL)
        job.launch.wait()
        return job, record

    def check_goes_on(self, job):
        goal = job.steps() + 5
        for _ in poll(LIMIT, f"step {goal}"):
            if job.steps() >= goal:
                break
        self.assertEqual([path.name for path in (job.run.path / "logs").iterdir()], ["attempt_1"], "one attempt")

    def stop_attempt(self, job):
        """Without an owner: what a guardian is sent by the machine's shutdown."""
        guardian = job.guardian(1)["guardian"]["pid"]
        os.kill(guardian, signal.SIGTERM)
        for _ in poll(LIMIT, "the guardian's end"):
            if not any(pid == guardian for pid, _ in marked()):
                break
        self.assertEqual(job.run.json("logs/attempt_1/exit.json")["exit_code"], STOPPED)
        steps = job.run.steps_logged()
        self.assertEqual(steps, list(range(len(steps))), "one writer")

    def test_a_copy_is_another_job(self):
        job, record = self.begin("original", "checkpoint.every_steps=1000000")
        # A file that is being written has another name when the copy comes to it.
        unfinished = shutil.ignore_patterns("*.tmp")
        shutil.copytree(self.folder / "original", self.folder / "copy", ignore=unfinished)
        ended = self.coord("run", f"--run_dir={run_dir(self.folder, 'copy')}", "--np=1", f"train.max_steps={job.steps() + 5}")
        self.assertNotIn("takes attempt", ended.text)
        self.assertNotEqual(Run(self.folder / "copy").summary["job"], record["job"])
        self.check_goes_on(job)
        os.kill(job.launch.pid, signal.SIGTERM)
        self.finish(job, STOPPED)

    def test_a_folder_that_is_moved_is_not_made_again(self):
        job, _ = self.begin()
        (self.folder / "run").rename(self.folder / "moved")
        self.finish(job, 1)
        self.assertFalse((self.folder / "run").exists())
        steps = Run(self.folder / "moved").steps_logged()
        self.assertEqual(steps, list(range(len(steps))))

    def test_another_job_neither_takes_a_living_attempt_over_nor_starts_fresh(self):
        job, _ = self.orphan()
        before = (job.run.path / "config.textproto").read_text(), job.run.json("job.json")
        where = f"--run_dir={run_dir(self.folder, 'run')}"
        other = self.coord("run", where, "--np=1", "optimizer.lr=0.01", "--allow_config_change", code=CONFLICT)
        self.assert_says(other, "attempt 1 of another job is still training", "deit-coord cancel")
        never = self.coord("run", where, "--np=1", "--resume=never", code=CONFLICT)
        self.assert_says(never, "--resume=never: attempt 1 is still training")
        self.assertEqual(((job.run.path / "config.textproto").read_text(), job.run.json("job.json")), before)
        self.check_goes_on(job)
        self.stop_attempt(job)

    def test_sigterm_for_all_processes_saves(self):
        job, record = self.begin("run", "checkpoint.every_steps=1000000")
        guardian = job.guardian(1)
        pids = [job.launch.pid, guardian["guardian"]["pid"], guardian["launcher"]["pid"], *(w["process"]["pid"] for w in record["workers"])]
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        self.finish(job, STOPPED)
        self.assertEqual(job.run.sets(), [job.run.summary["steps"]])
        self.assertEqual(len(job.run.steps_logged()), job.run.summary["steps"])

    @unittest.skipUnless(can_unshare("--uts"), "no UTS namespace can be made here: unshare needs root")
    def test_a_machine_of_another_name_is_the_same(self):
        self.orphan()
        renamed = ("unshare", "--uts", "sh", "-c", 'hostname login-b && exec "$@"', "sh")
        job = Inside(renamed, self, self.config, "run", *ENDLESS, workers=1)
        job.await_record("the new owner", lambda r: r.get("owner", {}).get("pid") == job.launch.pid and len(r["workers"]) == 1)
        self.check_goes_on(job)
        os.kill(job.launch.pid, signal.SIGTERM)
        self.finish(job, STOPPED)

    @unittest.skipUnless(can_unshare("--pid", "--fork", "--mount-proc"), "no pid namespace can be made here: unshare needs root")
    def test_a_container_is_seen_from_outside(self):
        where = f"--run_dir={run_dir(self.folder, 'run')}"
        contained = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", '"$@" & wait; sleep 1000', "sh")
        job = Inside(contained, self, self.config, "run", *ENDLESS, workers=1)
        job.await_training(5)
        record = job.record()

        def check(reason):
            status = self.coord("status", self.folder / "run", "--json")
            self.assert_says(status, '"RUNNING"', reason)
            self.assert_says(self.coord("cancel", self.folder / "run", "--yes", code=CONFLICT), "in another container?")

        check("")
        self.assert_says(self.coord("run", where, code=CONFLICT), "in use by")
        owners = [pid for pid, _ in marked() if self.inner_pid(pid) == record["owner"]["pid"]]
        self.assertEqual(len(owners), 1)
        os.kill(owners[0], signal.SIGKILL)
        for _ in poll(LIMIT, "the owner's end"):
            if not any(pid == owners[0] for pid, _ in marked()):
                break
        check("unsupervised")
        self.assert_says(self.coord("run", where, code=CONFLICT), "is still training", "in another container?")
        self.check_goes_on(job)
        os.kill(job.launch.pid, signal.SIGKILL)  # and all of the container's processes with it
        job.launch.wait()
        for _ in poll(LIMIT, "the container's end"):
            if not marked():
                break
        self.assert_says(self.coord("status", self.folder / "run", "--json"), '"LOST"')
        shutil.rmtree(self.folder / "tmp")  # a container's temporary folders go with it
        (self.folder / "tmp").mkdir()

    def test_output_that_is_not_read_holds_no_supervision_up(self):
        os.mkfifo(self.folder / "unread")
        unread = os.open(self.folder / "unread", os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, unread)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(unread, b"x" * 4096)
        job = Inside(("sh", "-c", 'exec "$@" > unread 2>&1', "sh"), self, self.config, "run", *ENDLESS, workers=1)
        record = job.await_training(5)
        os.kill(record["workers"][0]["process"]["pid"], signal.SIGKILL)
        job.await_training(5, after=1)
        os.kill(job.launch.pid, signal.SIGTERM)
        job.await_record("its end", lambda r: r["state"] == "STOPPED")
        said = b""
        for _ in poll(LIMIT, "the last line"):
            with contextlib.suppress(BlockingIOError):
                said += os.read(unread, 65536)
            if b"stopped with everything saved" in said:
                break
        self.assertIn(b"killed by signal 9", said)
        self.finish(job, STOPPED)

    def test_an_allocation_of_several_nodes_is_used_on_this_one(self):
        (self.folder / "deit.textproto").write_text(STUDENT)
        slurm = {"SLURM_JOBID": "1", "SLURM_JOB_ID": "1", "SLURM_NODELIST": f"{os.uname().nodename},other", "SLURM_TASKS_PER_NODE": "1(x2)",
                 "SLURM_NNODES": "2"}
        ended = Launch(self.folder, 1, ["run", "--np=2", "train.max_steps=2"], env=slurm, program=COORD).wait(LIMIT)
        self.assertEqual(ended.code, 0, ended)
        self.assertEqual(ended.text.count("the batch system has given 2 nodes: deit-coord run uses this one alone"), 1)
        self.assertEqual(Run(self.folder / "runs/student").summary["attempts"][0]["workers"], 2)

    @staticmethod
    def inner_pid(pid):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("NSpid:") and len(line.split()) > 2:
                    return int(line.split()[-1])
        return 0


if __name__ == "__main__":
    main()
