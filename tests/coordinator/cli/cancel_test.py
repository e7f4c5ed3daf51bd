"""deit-coord cancel and wait: how a job's end is asked for, awaited and told."""
import json
import signal
import subprocess
import time

from coord import BOOT, CoordTest, await_handler, identity, main, poll

# Acts as an owner: at SIGUSR1 it records this end and goes.
OWNER = """
import json, os, pathlib, signal, sys, time
path, state = pathlib.Path({path!r}), {state!r}
def stop(*_):
    record = json.loads(path.read_text())
    assert path.with_suffix(".cancel").exists(), "the request comes before the signal"
    record.update(state=state, ended=time.time(), updated=time.time(), exit_code=75)
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(record))
    aside.rename(path)
    os._exit(0)
signal.signal(signal.SIGUSR1, stop)
print("ready", flush=True)
time.sleep(600)
"""

# Acts as a guardian, which holds the attempt's lock: at SIGUSR1 its attempt ends so.
GUARDIAN = """
import fcntl, json, os, pathlib, signal, time
path = pathlib.Path({path!r})
path.parent.mkdir(parents=True, exist_ok=True)
lock = open(path.with_name("alive"), "a")
fcntl.flock(lock, fcntl.LOCK_SH)
lock.write({boot!r} + " guardian\\n")
lock.flush()
def stop(*_):
    path.with_suffix(".new").write_text(json.dumps({exit!r}))
    path.with_suffix(".new").rename(path)
    os._exit(0)
signal.signal(signal.SIGUSR1, stop)
print("ready", flush=True)
time.sleep(600)
"""

STUBBORN = "import signal, time; signal.signal(signal.SIGUSR1, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
TITLE = "job aa000001 (student)"


class Cancel(CoordTest):
    job = "aa000001"

    @property
    def request(self):
        return self.jobs / f"{self.job}.cancel"

    def owned(self, state="CANCELED"):
        """A job whose owner will end in that state."""
        owner = self.process(OWNER.format(path=str(self.jobs / f"{self.job}.json"), state=state))
        self.record(self.job, owner=identity(owner.pid))
        return owner

    def check(self, ended, code, out="", err=""):
        self.assertEqual((ended.code, ended.out, ended.err), (code, out, err))

    def test_a_living_owner_is_asked_and_its_end_awaited(self):
        self.owned()
        self.check(self.coord("cancel", "aa", "--yes"), 0, f"{TITLE}: canceled; everything is saved\n")
        self.assertEqual(self.status()[self.job]["state"], "CANCELED")
        self.assertFalse(self.request.exists())
        self.check(self.coord("cancel", "aa"), 0, f"{TITLE}: is over already: CANCELED: canceled\n")

    def test_a_job_that_ends_otherwise_is_told(self):
        self.owned("SUCCEEDED")
        self.check(self.coord("cancel", "aa", "--yes"), 0, f"{TITLE}: completed before it could be canceled\n")
        self.owned("FAILED")
        self.check(self.coord("cancel", "aa", "--yes"), 1, "",
                   f"deit-coord: error: {TITLE}: failed instead of saving: FAILED: its owner gave no cause\n")
        self.assertFalse(self.request.exists())

    def test_without_a_terminal_yes_is_required(self):
        owner = self.owned()
        self.check(self.coord("cancel", "aa"), 2, "",
                   "deit-coord: error: cancel: cannot ask for confirmation: standard input is no terminal\nhint: add --yes\n")
        self.assertFalse(self.request.exists())
        self.assertIsNone(owner.poll())

    def test_a_terminal_asks_once(self):
        owner = self.owned()
        terminal = self.terminal("cancel", "aa")
        terminal.await_text(f"cancel {TITLE} for good? it saves first [y/N] ")
        terminal.type("n\n")
        self.assertEqual(terminal.wait(), 130)
        self.assertIn("cancel: nothing was done", terminal.text())
        self.assertIsNone(owner.poll())
        terminal = self.terminal("cancel", "aa")
        terminal.await_text("[y/N] ")
        terminal.type("y\n")
        self.assertEqual(terminal.wait(), 0)
        self.assertIn("canceled; everything is saved", terminal.text())

    def test_a_job_that_does_not_end_in_time_is_told_by_name(self):
        self.record(self.job, owner=identity(self.process(STUBBORN).pid))
        start = time.monotonic()
        ended = self.coord("cancel", "aa", "--yes", "--timeout=0.3")
        self.assertGreater(time.monotonic() - start, 0.3)
        self.check(ended, 5, "", f"deit-coord: error: cancel: {TITLE}: 300ms after it was asked to end still RUNNING\n"
                   "hint: it ends when its step is done; deit-coord wait aa000001\n")
        self.assertTrue(self.request.exists(), "it still holds")

    def test_ctrl_c_says_that_the_job_was_asked(self):
        self.record(self.job, owner=identity(self.process(STUBBORN).pid))
        cancel = self.start("cancel", "aa", "--yes")
        for _ in poll("the request"):
            if self.request.exists():
                break
        cancel.send_signal(signal.SIGINT)
        self.assertEqual(cancel.wait(10), 130)
        self.assertEqual(cancel.stderr.read(), f"deit-coord: {TITLE}: was asked to end, and will when its step is done\n")

    def test_a_job_of_another_host_is_left_to_it(self):
        self.record(self.job, owner={"host": "elsewhere", "boot_id": "x", "pid": 1, "start_time": 1})
        self.check(self.coord("cancel", "aa", "--yes"), 6, "",
                   f"deit-coord: error: cancel: {TITLE}: runs on elsewhere\nhint: on that host: deit-coord cancel aa000001\n")
        self.assertFalse(self.request.exists())

    # --- without an owner ---

    def started_run_dir(self):
        """A run folder as a first start makes it: who it is, and its job."""
        path = self.run_dir(self.job)
        self.write(path / "config.textproto", f'name: "student" run_dir: "{path}" model {{ name: "vit" }} data {{ format: SYNTHETIC }}\n')
        identity_file = path / "job.json"
        identity_file.touch()
        born = subprocess.run(["stat", "-c", "%W %w", identity_file], capture_output=True, text=True, check=True).stdout.split()
        created = f"{born[0]}.{born[2].split('.')[1]}" if len(born) > 2 else ""
        identity_file.write_text(json.dumps({"job": self.job, "spec_digest": "00112233aabbccdd", "inode": identity_file.stat().st_ino,
                                             "created": created}))
        return path

    def guarded(self, exit):
        path = self.started_run_dir()
        guardian = self.process(GUARDIAN.format(path=str(path / "logs/attempt_1/exit.json"), boot=BOOT, exit=exit))
        self.record(self.job, guardian=identity(guardian.pid), restarts=2, created=1000.5)
        return path

    def test_without_an_owner_the_guardian_is_asked_and_the_end_recorded_here(self):
        path = self.guarded({"attempt": 1, "exit_code": 75})
        self.write(path / "summary.json", {"job": self.job, "state": "RUNNING", "attempts": [{"attempt": 1, "workers": 2}]})
        self.write(path / "logs/attempt_1/result.json", {"attempt": 1, "exit_code": 75, "first_step": 4, "steps_executed": 12})
        self.check(self.coord("cancel", "aa", "--yes"), 0, f"{TITLE}: canceled; everything is saved\n")
        record = json.loads((self.jobs / f"{self.job}.json").read_text())
        self.assertEqual((record["state"], record["created"]), ("CANCELED", 1000.5))
        self.assertGreater(record["ended"], time.time() - 60)
        self.assertEqual(json.loads((path / "events.jsonl").read_text().splitlines()[-1])["reason"], "JobCanceled")
        self.assertFalse(self.request.exists())
        summary = json.loads((path / "summary.json").read_text())
        self.assertEqual((summary["state"], summary["steps"], summary["attempts"][0]["exit_code"]), ("CANCELED", 16, 75))
        self.check(self.coord("wait", "aa"), 6, f"{TITLE}: CANCELED: canceled\n")

    def test_a_stopped_job_is_ended_for_good(self):
        path = self.started_run_dir()
        self.write(path / "logs/attempt_1/start.json", {"attempt": 1, "first_step": 0})
        attempt = {"attempt": 1, "workers": 2, "exit_code": 75}
        self.write(path / "summary.json", {"job": self.job, "state": "STOPPED", "attempts": [attempt]})
        self.ended(self.job, "STOPPED", 75, restarts=2, created=1000.5)
        self.check(self.coord("cancel", "aa", "--yes"), 0, f"{TITLE}: canceled; everything is saved\n")
        record = json.loads((self.jobs / f"{self.job}.json").read_text())
        self.assertEqual((record["state"], record["exit_code"], record["created"]), ("CANCELED", 75, 1000.5))
        self.assertEqual(json.loads((path / "summary.json").read_text())["state"], "CANCELED")
        self.assertEqual(json.loads((path / "events.jsonl").read_text().splitlines()[-1])["reason"], "JobCanceled")
        self.check(self.coord("wait", "aa"), 6, f"{TITLE}: CANCELED: canceled\n")
        self.check(self.coord("cancel", "aa"), 0, f"{TITLE}: is over already: CANCELED: canceled\n")

    def test_the_exit_code_of_an_earlier_owner_is_not_the_canceled_jobs(self):
        path = self.guarded({"attempt": 1, "exit_code": 75})
        record = json.loads((self.jobs / f"{self.job}.json").read_text())
        (self.jobs / f"{self.job}.json").write_text(json.dumps({**record, "exit_code": 1}))
        self.write(path / "logs/attempt_1/result.json", {"attempt": 1, "exit_code": 75})
        self.check(self.coord("cancel", "aa", "--yes"), 0, f"{TITLE}: canceled; everything is saved\n")
        self.assertNotIn("exit_code", json.loads((self.jobs / f"{self.job}.json").read_text()))

    def test_a_lost_summary_keeps_nothing_from_being_recorded(self):
        path = self.guarded({"attempt": 1, "exit_code": 75})
        self.write(path / "logs/attempt_1/result.json", {"attempt": 1, "exit_code": 75})
        self.check(self.coord("cancel", "aa", "--yes"), 0, f"{TITLE}: canceled; everything is saved\n")
        self.assertEqual(self.status()[self.job]["state"], "CANCELED")

    def test_a_result_and_a_start_of_another_attempt_are_not_believed(self):
        path = self.guarded({"attempt": 1, "exit_code": 75})
        for name in ("start", "result"):
            self.write(path / f"logs/attempt_1/{name}.json", {"attempt": 2, "exit_code": 75})
        self.check(self.coord("cancel", "aa", "--yes"), 1, "",
                   f"deit-coord: error: {TITLE}: failed instead of saving: FAILED: exit 75, but worker 0 recorded no good end\n")

    def test_without_an_owner_an_attempt_that_fails_is_told(self):
        self.guarded({"attempt": 1, "exit_code": 70})
        self.check(self.coord("cancel", "aa", "--yes"), 1, "",
                   f"deit-coord: error: {TITLE}: failed instead of saving: FAILED: exit 70 (internal error)\n")

    def test_an_owner_that_dies_meanwhile_passes_the_request_to_nobody(self):
        path = self.started_run_dir()
        guardian = self.process(GUARDIAN.format(path=str(path / "logs/attempt_1/exit.json"), boot=BOOT, exit={"attempt": 1, "exit_code": 75}))
        self.write(path / "logs/attempt_1/result.json", {"attempt": 1, "exit_code": 75})
        owner = self.process(STUBBORN)
        self.record(self.job, owner=identity(owner.pid), guardian=identity(guardian.pid))
        cancel = self.start("cancel", "aa", "--yes")
        for _ in poll("the request"):
            if self.request.exists():
                break
        owner.kill()
        owner.wait()
        self.assertEqual(cancel.wait(10), 0, cancel.stderr)
        self.assertEqual(self.status()[self.job]["state"], "CANCELED")


class Wait(CoordTest):
    def test_the_exit_code_says_how_the_job_ended(self):
        self.ended("aa000001", "SUCCEEDED")
        self.ended("aa000002", "FAILED", 71, reason="worker 1 on n1: exit 71")
        self.ended("aa000003", "CANCELED", 75)
        self.ended("aa000004", "STOPPED", 75)
        self.record("aa000005")
        for job, code, said in (("aa000001", 0, "SUCCEEDED: all steps are done"), ("aa000002", 1, "FAILED: worker 1 on n1: exit 71"),
                                ("aa000003", 6, "CANCELED: canceled"), ("aa000004", 75, "STOPPED: saved: run it again to go on"),
                                ("aa000005", 1, "LOST: its processes are gone, and none of them recorded an end")):
            ended = self.coord("wait", job)
            self.assertEqual((ended.code, ended.out, ended.err), (code, f"job {job} (student): {said}\n", ""))

    def test_waits_no_longer_than_it_may(self):
        self.record("aa000001", owner=identity(self.process().pid))
        for timeout, said in (("0", "0ms"), ("0.2", "200ms"), ("300ms", "300ms")):
            ended = self.coord("wait", "aa", f"--timeout={timeout}")
            self.assertEqual((ended.code, ended.out), (5, ""))
            self.assertEqual(ended.err, f"deit-coord: error: wait: job aa000001 (student): after {said} still RUNNING\n")
        self.assertEqual(self.coord("wait", "aa", "--timeout=-1").code, 2)

    def test_returns_when_the_job_ends_and_at_ctrl_c(self):
        self.record("aa000001", owner=identity(self.process().pid))
        first, second = self.start("wait", "aa"), self.start("wait", self.run_dir("aa000001"))
        self.assertEqual(second.wait(10), 3, "a folder without an identity is no run folder")
        await_handler(first)
        first.send_signal(signal.SIGINT)
        self.assertEqual(first.wait(10), 130)
        third = self.start("wait", "aa")
        await_handler(third)
        self.ended("aa000001", "SUCCEEDED")
        self.assertEqual(third.wait(10), 0)

    def test_a_dead_pipe_does_not_end_it(self):
        self.record("aa000001", owner=identity(self.process().pid))
        wait = self.start("wait", "aa")
        wait.stdout.close()
        await_handler(wait)
        with self.assertRaises(subprocess.TimeoutExpired):
            wait.wait(0.5)


if __name__ == "__main__":
    main()
