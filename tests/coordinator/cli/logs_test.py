"""deit-coord logs: what workers wrote, of which attempt and worker, and following it through restarts."""
import json
import signal

from coord import CoordTest, identity, main


class Logs(CoordTest):
    def log(self, job, attempt, worker, stream, text):
        path = self.run_dir(job) / f"logs/attempt_{attempt}/worker_{worker}/{stream}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(text)

    def error(self, job, attempt, worker, time):
        self.write(self.run_dir(job) / f"logs/attempt_{attempt}/worker_{worker}/error.json",
                   {"time": time, "worker": worker, "attempt": attempt})

    def two_attempts(self, job="aa000001"):
        for attempt in (1, 2):
            for worker in (0, 1):
                self.log(job, attempt, worker, "stdout", f"out {attempt}.{worker} a\nout {attempt}.{worker} b\n")
                self.log(job, attempt, worker, "stderr", f"err {attempt}.{worker}\n")
        return job

    def check(self, words, out, err="", code=0):
        ended = self.coord("logs", *words)
        self.assertEqual((ended.code, ended.out, ended.err), (code, out, err), words)

    def test_of_the_last_attempt_worker_0_each_stream_where_it_belongs(self):
        job = self.two_attempts()
        self.ended(job, "SUCCEEDED")
        self.check([job], "out 2.0 a\nout 2.0 b\n", "err 2.0\n")
        self.check(["aa"], "out 2.0 a\nout 2.0 b\n", "err 2.0\n")
        self.check([job, "-f"], "out 2.0 a\nout 2.0 b\n", "err 2.0\n")
        self.check([job, "--worker=1", "--attempt=1"], "out 1.1 a\nout 1.1 b\n", "err 1.1\n")
        self.check([job, "--stream=err"], "", "err 2.0\n")
        self.check([job, "--stream=out", "--tail=1"], "out 2.0 b\n")
        self.check([job, "--tail", "0"], "")

    def test_several_workers_are_told_apart(self):
        job = self.two_attempts()
        self.ended(job, "SUCCEEDED")
        self.check([job, "--worker=all", "--tail=1"], "[worker 0] out 2.0 b\n[worker 1] out 2.1 b\n",
                   "[worker 0] err 2.0\n[worker 1] err 2.1\n")

    def test_of_an_attempt_that_failed_the_worker_that_failed_first(self):
        job = self.two_attempts()
        self.ended(job, "FAILED", 1)
        said = "deit-coord: attempt {}: worker 1 failed first; --worker=all shows all\n"
        self.error(job, 2, 0, 20.5)
        self.error(job, 2, 1, 20.25)
        self.check([job], "out 2.1 a\nout 2.1 b\n", said.format(2) + "err 2.1\n")
        self.check([job, "--worker=0", "--stream=out"], "out 2.0 a\nout 2.0 b\n")
        self.check([job, "--attempt=1", "--stream=out"], "out 1.0 a\nout 1.0 b\n")
        self.write(self.run_dir(job) / "summary.json", {"attempts": [{"attempt": 1, "worker": 1}, {"attempt": 2, "worker": 0}]})
        self.check([job, "--stream=out"], "out 2.0 a\nout 2.0 b\n", said.format(2).replace("worker 1", "worker 0"))
        self.check([job, "--attempt=1", "--stream=out"], "out 1.1 a\nout 1.1 b\n", said.format(1))

    def test_what_is_not_there_is_named(self):
        job = self.two_attempts()
        self.ended(job, "SUCCEEDED")
        title = "deit-coord: error: job aa000001 (student)"
        self.check([job, "--worker=7"], "", f"{title}: attempt 2: worker 7: has no log\nhint: its workers: 0, 1\n", 3)
        self.check([job, "--attempt=3"], "", f"{title}: attempt 3: there is no such attempt\n", 3)
        self.ended("bb000001", "FAILED")
        self.check(["bb"], "", "deit-coord: error: job bb000001 (student): there is no such attempt\n", 3)
        launcher = self.run_dir("bb000001") / "logs/attempt_1/launcher.stderr.log"
        self.write(launcher, "mpirun: no slots\n")
        self.check(["bb"], "", "deit-coord: error: job bb000001 (student): attempt 1: none of its workers came so far as to write a log\n"
                   f"hint: see {launcher}\n", 3)
        self.check(["cc"], "", "deit-coord: error: job: cc: neither the beginning of a job's id nor a run folder\n"
                   "hint: deit-coord status lists the jobs\n", 3)
        self.check([], "", "deit-coord: error: logs: no job given\nhint: deit-coord status lists the jobs\n", 2)
        self.check([job, "x"], "", "deit-coord: error: logs: unexpected argument: x\n", 2)
        self.check([job, "--worker=x"], "", "deit-coord: error: --worker: x: want a whole number, at least 0\n", 2)
        self.check([job, "--attempt=0"], "", "deit-coord: error: --attempt: 0: want a whole number, at least 1\n", 2)
        self.check([job, "--stream=ot"], "", 'deit-coord: error: --stream: ot: want out or err, did you mean "out"\n', 2)

    def test_a_run_folder_is_enough_where_its_record_is_gone(self):
        folder = self.run_dir(self.two_attempts())
        self.write(folder / "summary.json", {"name": "student", "state": "FAILED", "attempts": [{"attempt": 2, "cause": "disk full"}]})
        self.check([folder, "--stream=out"], "out 2.0 a\nout 2.0 b\n")
        title = f"job of {folder} (student)"
        ended = self.coord("wait", folder)
        self.assertEqual((ended.code, ended.out), (1, f"{title}: FAILED: disk full\n"))
        status = self.coord("status", folder, "--json")
        self.assertEqual([(job["job"], job["state"]) for job in json.loads(status.out)["jobs"]], [("", "FAILED")])

    # --- following ---

    def follow(self, *words):
        """A job that runs, and deit-coord logs -f of it."""
        self.owner = identity(self.process().pid)
        self.record("aa000001", owner=self.owner)
        return self.start("logs", "aa000001", "-f", *words)

    def test_follows_through_a_restart_to_the_end(self):
        self.log("aa000001", 1, 0, "stdout", "one\ntw")
        logs = self.follow()
        self.assertEqual(logs.stdout.readline(), "one\n")
        self.log("aa000001", 1, 0, "stdout", "o\n")
        self.assertEqual(logs.stdout.readline(), "two\n")
        self.log("aa000001", 1, 0, "stdout", "torn")
        self.log("aa000001", 2, 0, "stdout", "three\n")
        self.assertEqual([logs.stdout.readline() for _ in range(2)], ["torn\n", "three\n"])
        self.assertEqual(logs.stderr.readline(), "deit-coord: job aa000001 (student): attempt 2\n")
        self.log("aa000001", 2, 0, "stderr", "alas\n")
        self.assertEqual(logs.stderr.readline(), "alas\n")
        self.log("aa000001", 2, 0, "stdout", "last\n")
        self.ended("aa000001", "STOPPED", 75)
        self.assertEqual(logs.wait(10), 0)
        self.assertEqual(logs.stdout.read(), "last\n")
        self.assertEqual(logs.stderr.read(), "deit-coord: job aa000001 (student): STOPPED: saved: run it again to go on\n")

    def test_follows_a_job_that_has_not_written_yet_and_workers_that_come_late(self):
        logs = self.follow("--worker=all", "--tail=1")
        self.log("aa000001", 1, 1, "stdout", "one\ntwo\n")
        self.assertIn(logs.stdout.readline(), ("[worker 1] one\n", "[worker 1] two\n"))
        self.log("aa000001", 1, 0, "stdout", "three\nfour\n")
        said = [logs.stdout.readline() for _ in range(2)]
        if "two" in said[0]:
            said = [said[1], logs.stdout.readline()]
        self.assertEqual(said, ["[worker 0] three\n", "[worker 0] four\n"])

    def test_of_one_attempt_it_ends_when_the_next_begins(self):
        self.log("aa000001", 1, 0, "stdout", "one\n")
        logs = self.follow("--attempt=1")
        self.assertEqual(logs.stdout.readline(), "one\n")
        self.log("aa000001", 2, 0, "stdout", "two\n")
        self.assertEqual((logs.wait(10), logs.stdout.read(), logs.stderr.read()), (0, "", ""))

    def test_ctrl_c_leaves_the_job_alone_and_says_so(self):
        self.log("aa000001", 1, 0, "stdout", "one\n")
        logs = self.follow()
        self.assertEqual(logs.stdout.readline(), "one\n")
        logs.send_signal(signal.SIGINT)
        self.assertEqual(logs.wait(10), 130)
        self.assertEqual(logs.stderr.read(), "deit-coord: job aa000001 (student): goes on; deit-coord cancel aa000001 stops it\n")
        self.assertEqual(self.status()["aa000001"]["state"], "RUNNING")

    def test_a_reader_that_goes_ends_it_quietly(self):
        self.log("aa000001", 1, 0, "stdout", "one\n")
        logs = self.follow()
        self.assertEqual(logs.stdout.readline(), "one\n")
        logs.stdout.close()
        self.assertEqual(logs.wait(10), -signal.SIGPIPE)
        self.assertEqual(logs.stderr.read(), "")


if __name__ == "__main__":
    main()
