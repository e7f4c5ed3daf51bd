"""deit-coord status as people and scripts see it: states, forms, terminals, watching."""
import json
import os
import re
import signal
import statistics
import subprocess
import time

from coord import COORD, CoordTest, Screen, identity, main

ESCAPE = "\x1b"


class Status(CoordTest):
    def alive(self, job, **fields):
        owner = identity(self.process().pid)
        return self.record(job, owner=owner, guardian=owner, workers=[self.worker(k, owner) for k in range(2)], **fields)

    @staticmethod
    def worker(number, process):
        return {"worker": number, "process": process, "step": 12, "phase": "forward", "heard": time.time()}

    def progress(self, job, step, **fields):
        self.write(self.run_dir(job) / "progress.json",
                   {"time": time.time(), "attempt": 1, "step": step, "steps": 100, "epoch": 1, "epochs": 4, "loss": 1.2345,
                    "val_acc1": 61.23, "images_per_second": 812.4, "eta_seconds": 90, **fields})

    # --- once ---

    def test_without_a_job_it_says_so_and_what_to_do(self):
        ended = self.coord("status")
        self.assertEqual((ended.code, ended.err), (0, ""))
        self.assertEqual(ended.out, "no job of this user is known on this machine\n"
                         "next: deit-coord run --config=FILE --np=2 starts a job\n")
        self.assertEqual(self.status(), {})
        self.assertEqual(self.coord("status", "-o", "jsonl").out, "")
        nowhere = {"DEIT_STATE_DIR": str(self.folder / "nowhere")}
        self.assertEqual(self.coord("status", env=nowhere).out, ended.out)
        self.assertFalse((self.folder / "nowhere").exists(), "looking makes nothing")

    def test_states_of_jobs_that_live_and_died(self):
        self.alive("aa000001")
        self.progress("aa000001", 12)
        self.alive("aa000002", state="RECOVERING", reason="worker 1 on n1: killed by signal 9; attempt 2 starts")
        self.ended("aa000003", "STOPPED", 75)
        self.ended("aa000004", "SUCCEEDED")
        guarded = self.record("aa000005", guardian=identity(self.process().pid))
        failed = self.record("aa000006")
        self.write(self.run_dir("aa000006") / "logs/attempt_1/exit.json", {"attempt": 1, "exit_code": 69})
        self.record("aa000007")
        jobs = self.status()
        self.assertEqual({job: (seen["state"], seen["reason"]) for job, seen in jobs.items()}, {
            "aa000001": ("RUNNING", ""),
            "aa000002": ("RECOVERING", "worker 1 on n1: killed by signal 9; attempt 2 starts"),
            "aa000003": ("STOPPED", "saved: run it again to go on"),
            "aa000004": ("SUCCEEDED", "all steps are done"),
            "aa000005": ("RUNNING", "unsupervised"),
            "aa000006": ("FAILED", "exit 69 (a peer was lost or stalled)"),
            "aa000007": ("LOST", "its processes are gone, and none of them recorded an end"),
        })
        running = jobs["aa000001"]
        self.assertEqual((running["step"], running["epoch"], running["loss"], running["images_per_second"]), (12, 1, 1.2345, 812.4))
        self.assertEqual((running["workers_alive"], [w["alive"] for w in running["workers"]]), (2, [True, True]))
        self.assertEqual(jobs["aa000005"]["hint"], f"deit-coord run --run_dir={guarded['run_dir']} takes it over")
        self.assertEqual(jobs["aa000006"]["hint"], f"deit-coord run --run_dir={failed['run_dir']} goes on from its last checkpoint")
        for job in ("aa00000", "", "aa000008", "nowhere"):
            self.assertIn(self.coord("status", job).code, (2, 3), job)
        self.assertEqual(list(self.status("aa000003")), ["aa000003"])
        self.assertEqual(sorted(self.coord("status", "-o", "name").out.split()), sorted(jobs))
        lines = self.coord("status", "-o", "jsonl").out.splitlines()
        self.assertEqual(sorted(json.loads(line)["job"] for line in lines), sorted(jobs))

    def test_a_job_that_is_killed_is_lost_at_the_next_look(self):
        worker = self.process()
        self.record("aa000001", owner=identity(worker.pid))
        self.assertEqual(self.status()["aa000001"]["state"], "RUNNING")
        worker.kill()
        worker.wait()
        self.assertEqual(self.status()["aa000001"]["state"], "LOST")

    def test_records_that_cannot_be_read_are_named_and_the_others_shown(self):
        self.ended("aa000001", "SUCCEEDED")
        self.write(self.jobs / "aa000002.json", "{ torn")
        ended = self.coord("status")
        self.assertEqual(ended.code, 0)
        self.assertIn("aa000001", ended.out)
        self.assertRegex(ended.err, r"^deit-coord: warning: record skipped: .*/aa000002.json: not the JSON of a JobRecord: byte 2: .*\n$")
        report = json.loads(self.coord("status", "--json").out)
        self.assertEqual(len(report["unreadable"]), 1)

    def test_a_pipe_gets_all_columns_and_no_control_characters(self):
        self.alive("aa000001", name="\x1b[2Jx" * 30)
        self.progress("aa000001", 12)
        for env in ({}, {"TERM": "xterm-256color", "COLUMNS": "20"}):
            out = self.coord("status", env=env).out
            titles = "JOB NAME STATE REASON WORKERS EPOCH STEP LOSS ACC1 IMG/S RESTARTS AGE ETA"
            self.assertEqual(out.splitlines()[0].split(), titles.split())
            self.assertFalse(set(out) & {ESCAPE, "\r"})
            self.assertEqual(out.splitlines()[1].split()[2:], "RUNNING - 2/2 1/4 12 1.234 61.2 812 0/3 1m 1m".split())

    def test_a_terminal_gets_what_fits_and_colour(self):
        self.alive("aa000001", reason="a long story " * 20)
        self.progress("aa000001", 12)
        for columns in (80, 200):
            terminal = self.terminal("status", columns=columns)
            self.assertEqual(terminal.wait(), 0)
            lines = Screen(terminal.text()).lines
            self.assertTrue(all(len(line) <= columns for line in lines), lines)
            self.assertTrue(lines[1].startswith("aa000001  student  RUNNING  a long story"), lines)
            self.assertEqual("ETA" in lines[0], columns == 200)
            self.assertIn("\x1b[33mRUNNING\x1b[0m", terminal.text())
        for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            terminal = self.terminal("status", env=env)
            self.assertEqual(terminal.wait(), 0)
            self.assertNotIn(ESCAPE, terminal.text())

    # --- again and again ---

    def test_watch_redraws_in_place_until_ctrl_c(self):
        owner = self.process()
        self.record("aa000001", owner=identity(owner.pid))
        self.progress("aa000001", 12)
        terminal = self.terminal("status", "--watch=0.1", columns=120)
        terminal.await_text("  12  ")
        self.progress("aa000001", 13)
        terminal.await_text("  13  ")
        self.ended("aa000002", "SUCCEEDED")
        terminal.await_text("aa000002")
        owner.kill()
        owner.wait()
        terminal.await_text("LOST")
        terminal.type("\x03")
        self.assertEqual(terminal.wait(), 130)
        lines = [line for line in Screen(terminal.text()).lines if line]
        self.assertEqual([line.split()[0] for line in lines], ["JOB", "aa000002", "aa000001", "next:"], lines)
        self.assertIn("LOST", lines[2])
        self.assertNotIn("?25", terminal.text(), "the cursor was never hidden, so nothing has to be restored")

    def test_watch_on_a_dumb_terminal_or_in_a_pipe_appends(self):
        self.ended("aa000001", "SUCCEEDED")
        terminal = self.terminal("status", "--watch=0.05", env={"TERM": "dumb"})
        terminal.await_text("SUCCEEDED")
        terminal.type("\x03")
        self.assertEqual(terminal.wait(), 130)
        self.assertNotIn("\x1b[A", terminal.text())

    def lines_of(self, watch, count):
        return [watch.stdout.readline() for _ in range(count)]

    def test_watch_in_a_pipe_appends_what_changed(self):
        self.ended("aa000001", "SUCCEEDED")
        watch = self.start("status", "--watch=0.05")
        title, first = self.lines_of(watch, 2)
        self.assertEqual((title.split()[0], first.split()[0]), ("JOB", "aa000001"))
        owner = identity(self.process().pid)
        self.record("aa000002", "STARTING", owner=owner)
        self.assertEqual(watch.stdout.readline().split()[::2][:2], ["aa000002", "STARTING"])
        self.record("aa000002", "RUNNING", owner=owner)
        self.assertEqual(watch.stdout.readline().split()[::2][:2], ["aa000002", "RUNNING"])
        watch.send_signal(signal.SIGINT)
        self.assertEqual(watch.wait(), 130)
        self.assertEqual((watch.stdout.read(), watch.stderr.read()), ("", ""))

    def test_watch_in_json_lines_says_what_came_changed_and_went(self):
        owner = identity(self.process().pid)
        self.record("aa000001", owner=owner)
        watch = self.start("status", "--watch=0.05", "-o", "jsonl")
        said = [json.loads(watch.stdout.readline())]
        self.record("aa000001", "DRAINING", owner=owner)
        said.append(json.loads(watch.stdout.readline()))
        (self.jobs / "aa000001.json").unlink()
        said.append(json.loads(watch.stdout.readline()))
        self.assertEqual([(change["type"], change["object"]["job"], change["object"]["state"]) for change in said],
                         [("ADDED", "aa000001", "RUNNING"), ("MODIFIED", "aa000001", "DRAINING"), ("DELETED", "aa000001", "DRAINING")])

    def test_watch_ends_quietly_when_its_reader_goes_although_nothing_changes(self):
        self.ended("aa000001", "SUCCEEDED")
        watch = self.start("status", "--watch=0.05")
        self.lines_of(watch, 2)
        watch.stdout.close()
        self.assertEqual(watch.wait(timeout=10), -signal.SIGPIPE)
        self.assertEqual(watch.stderr.read(), "")

    def test_what_cannot_be_watched_is_refused(self):
        for words, message in ((("--watch=0",), "--watch: 0: want at least 50ms"),
                               (("--watch=x",), "--watch: x: want seconds, such as 5 or 0.5"),
                               (("--watch", "--json"), "--watch: json: cannot be watched")):
            ended = self.coord("status", *words)
            self.assertEqual((ended.code, ended.out), (2, ""))
            self.assertTrue(ended.err.startswith(f"deit-coord: error: {message}\n"), ended)

    # --- the figure ---

    def test_200_ended_jobs_are_shown_in_50_ms(self):
        for i in range(200):
            job = f"{i * 7919 + 1:08x}"
            process = identity(os.getpid())
            workers = [self.worker(k, process) for k in range(4)]
            self.ended(job, "SUCCEEDED", owner=process, guardian=process, workers=workers)
            self.progress(job, 12)
        wall, processor = [], []
        for _ in range(15):
            before, start = os.times(), time.monotonic()
            subprocess.run([COORD, "status"], env=self.environment, stdout=subprocess.DEVNULL, check=True)
            wall.append(time.monotonic() - start)
            after = os.times()
            processor.append(after.children_user + after.children_system - before.children_user - before.children_system)
        print(f"status of 200 ended jobs: median {1e3 * statistics.median(wall):.0f} ms, best {1e3 * min(wall):.0f} ms, "
              f"of processor time {1e3 * statistics.mean(processor):.0f} ms")
        # It waits for nothing, so this is what it takes where nothing else computes.
        if re.search(r"^sanitizers +none$", self.coord("version", "--build").out, re.MULTILINE):
            self.assertLess(statistics.mean(processor), 0.05)


if __name__ == "__main__":
    main()
