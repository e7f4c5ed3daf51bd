"""deit-coord run brings a job back after every kind of failure, names its cause, and nothing of it shows in the weights."""
import os
import random
import signal
import socket

from cluster import COORD, STUDENT, Launch, Run, main
from faults import ENDLESS, EXIT_ON_SIGNAL, LIMIT, LONG, Supervised, SupervisedTest, await_moment, hurt

INTERRUPTED, FAILED, STOPPED, CONFLICT = 130, 1, 75, 6

# (fault, worker, moment): a few of each, in an order that each seed draws. Never three in a row at one step: that ends a job.
FAULTS = [("kill", 0, "train"), ("kill", 1, "start"), ("segv", 1, "train"), ("stop", 0, "train"), ("mpirun", 0, "train"), ("abort", 0, "train"),
          ("exit", 1, "train"), ("guardian", 0, "train"), ("kill", 1, "save"), ("not finite", 1, "train"), ("stop", 1, "train")]


class Supervise(SupervisedTest):
    def check_cause(self, job, attempt, expected, text):
        found = next(a for a in job.run.summary["attempts"] if a["attempt"] == attempt)
        self.assertIn(text, found["cause"], found)
        for key, value in expected.items():
            self.assertEqual(found.get(key), value, found)
        self.assertNotEqual(found["node"], "", found)

    def check_faults(self, seed):
        generator = random.Random(seed)
        faults = FAULTS[:]
        generator.shuffle(faults)
        config = self.job(STUDENT)
        expected = self.reference(config)
        job = Supervised(self, config, f"seed{seed}", *LONG, env={"LD_PRELOAD": EXIT_ON_SIGNAL})
        attempt, injected = 0, []
        for fault, worker, moment in faults:
            attempt = await_moment(job, moment, attempt, generator) if attempt or moment != "start" else await_moment(job, "train", 0, generator)
            injected.append((attempt, fault, *hurt(job, attempt, fault, worker)))
        ended = self.finish(job)
        for number, fault, keys, text in injected:
            with self.subTest(seed=seed, attempt=number, fault=fault):
                self.check_cause(job, number, keys, text)
        self.check_same(job, expected)
        self.assertEqual(job.run.summary["restarts"], len(faults), ended)
        recoveries = [a["recovery"] for a in job.run.summary["attempts"] if "first_step_seconds" in a.get("recovery", {})]
        self.assertGreaterEqual(len(recoveries), len(faults) - 3, "those that were hurt again before their first step have no end")
        for number, fault, _, _ in injected:
            after = next((a for a in job.run.summary["attempts"] if a["attempt"] == number + 1), {}).get("recovery", {})
            if fault == "stop" and "detect_seconds" in after:
                self.assertLess(after["detect_seconds"], 3.0, "a stopped worker is noticed within 3 s")

    def test_faults_of_every_kind_in_one_order(self):
        self.check_faults(1)

    def test_faults_of_every_kind_in_another_order(self):
        self.check_faults(2)

    def test_two_at_once_and_again_while_recovering(self):
        config = self.job(STUDENT)
        expected = self.reference(config)
        job = Supervised(self, config, "two", *LONG, workers=3)
        first = job.await_training()["attempt"]
        for pid in job.worker_pids(first)[1:]:
            os.kill(pid, signal.SIGKILL)
        second = await_moment(job, "start", first, random.Random(7))
        keys = hurt(job, second, "kill", 2)
        self.finish(job)
        self.assertIn(job.run.summary["attempts"][first - 1]["worker"], (1, 2))
        self.check_cause(job, second, *keys)
        self.check_same(job, expected)

    def test_a_worker_that_is_stopped_before_it_spoke_is_named(self):
        config = self.job(STUDENT)
        expected = self.reference(config)
        job = Supervised(self, config, "unborn", *LONG, "fault.start_timeout=10")
        first = job.await_training()["attempt"]
        hurt(job, first, "kill", 0)
        second = job.await_record("the next attempt", lambda r: r["attempt"] > first)["attempt"]
        keys = hurt(job, second, "stop", 1)
        self.finish(job)
        self.check_cause(job, second, *keys)
        self.check_same(job, expected)

    def test_a_job_that_always_fails_in_the_same_way_is_given_up(self):
        config = self.job(STUDENT)
        job = Supervised(self, config, "hopeless", *LONG, "optimizer.lr=1e6", "optimizer.clip_grad=0")
        ended = self.finish(job, FAILED)
        self.assert_says(ended, "not finite", "3 times in a row with the same cause and no new step", "hint: lower optimizer.lr")
        attempts = job.run.summary["attempts"]
        self.assertEqual([a["exit_code"] for a in attempts], [76, 76, 76])
        self.assertEqual(job.record()["state"], "FAILED")

    def test_a_job_that_cannot_be_right_is_not_tried_twice(self):
        config = self.job(STUDENT)
        pictures = ("data.format=IMAGE_FOLDER", f"data.root={self.folder}", "model.in_chans=3")
        for name, words, code, text in (("no_data", pictures, 3, "train"), ("bad_word", ("train.batch_size=7",), 7, "lanes"),
                                        ("no_workers", ("--np=9",), 2, "more workers than the job has lanes")):
            with self.subTest(name):
                job = Supervised(self, config, name, *words)
                self.assert_says(self.finish(job, code), text)
                self.assertFalse((job.run.path / "logs/attempt_1").exists())

    def test_signals_stop_it_with_everything_saved(self):
        config = self.job(STUDENT)
        expected = self.reference(config)
        job = Supervised(self, config, "stopped", *LONG)
        for number, code in ((signal.SIGINT, INTERRUPTED), (signal.SIGTERM, STOPPED), (signal.SIGUSR1, STOPPED)):
            job.await_training(after=job.record()["attempt"] if job.record()["state"] == "STOPPED" else 0)
            os.kill(job.launch.pid, number)
            ended = self.finish(job, code)
            self.assertEqual(job.record()["state"], "STOPPED")
            self.assertEqual(job.run.sets()[-1], job.run.summary["steps"], ended)
            self.assertRegex(job.run.events("StopRequested")[-1]["message"], ": (deit-coord|another worker was asked)$")  # by the control channel
            self.check_nothing_left()
            job.start()
        self.finish(job)
        self.assertEqual((job.run.summary["restarts"], job.run.summary["steps_lost"]), (0, 0))
        self.check_same(job, expected)
        job.start()
        self.assert_says(self.finish(job), "finished already")
        self.assertEqual(len(job.run.summary["attempts"]), 4, "nothing is started")

    def test_a_stop_may_come_as_soon_as_anybody_can_see_the_job(self):
        job = Supervised(self, self.job(STUDENT), "early", *ENDLESS)
        for attempts in range(6):
            job.await_record("the owner", lambda r: r.get("owner", {}).get("pid") == job.launch.pid and r["attempt"] >= attempts + attempts % 2)
            os.kill(job.launch.pid, signal.SIGTERM)
            ended = self.finish(job, STOPPED)
            self.assertEqual((job.record()["state"], job.record()["attempt"]), ("STOPPED", attempts + 1), ended)
            job.start()
        os.kill(job.await_training()["owner"]["pid"], signal.SIGTERM)
        self.finish(job, STOPPED)
        self.assertEqual((job.run.summary["restarts"], job.run.summary["steps_lost"]), (0, 0))

    def test_a_second_interrupt_does_not_wait(self):
        job = Supervised(self, self.job(STUDENT), "impatient", *ENDLESS)
        record = job.await_training()
        os.kill(record["workers"][1]["process"]["pid"], signal.SIGSTOP)  # so that a graceful stop would take long
        os.kill(job.launch.pid, signal.SIGINT)
        job.await_record("the stop", lambda r: r["state"] == "DRAINING")
        os.kill(job.launch.pid, signal.SIGINT)
        ended = self.finish(job, INTERRUPTED)
        saved = (job.run.sets() or [0])[-1]
        self.assertEqual(job.record()["saved_step"], saved, ended)
        self.assert_says(ended, f"saved up to step {saved} of {job.steps()}" if saved < job.steps() else "everything saved")

    def test_two_owners_of_one_folder(self):
        job = Supervised(self, self.job(STUDENT), "one", *ENDLESS)
        job.await_training()
        second = Launch(self.folder, 1, job.words, program=COORD).wait()
        self.assertEqual(second.code, CONFLICT, second)
        self.assert_says(second, "in use")
        bare = self.launch(*(word for word in job.words[1:] if not word.startswith("--np"))).wait()
        self.assertEqual(bare.code, 73, bare)
        os.kill(job.launch.pid, signal.SIGTERM)
        self.finish(job, STOPPED)

    def test_strangers_on_the_control_channel_are_refused_and_counted(self):
        job = Supervised(self, self.job(STUDENT), "strangers", *ENDLESS)
        attempt = job.await_training()["attempt"]
        host, port = job.run.json("control.json")["address"].rsplit(":", 1)
        for _ in range(3):
            with socket.create_connection((host, int(port)), timeout=10) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
                connection.settimeout(10)
                while connection.recv(4096):
                    pass
        record = job.await_record("the count", lambda r: sum(refused["count"] for refused in r["refused"]) >= 3)
        self.assertEqual(record["attempt"], attempt)
        os.kill(job.launch.pid, signal.SIGTERM)
        self.assert_says(self.finish(job, STOPPED), "control channel: 1 connection refused")

    def test_a_job_beside_is_never_touched(self):
        config = self.job(STUDENT)
        beside = Supervised(self, config, "beside", *LONG)
        job = Supervised(self, config, "hurt", *LONG)
        other = beside.await_training()
        for fault in ("kill", "guardian", "stop"):
            hurt(job, job.await_training(after=job.record()["attempt"] - 1)["attempt"], fault, 1)
            job.await_record("its end", lambda r: r["state"] != "RUNNING")
        self.finish(job)
        self.finish(beside)
        self.assertEqual(beside.run.summary["restarts"], 0)
        self.assertEqual(beside.record()["attempt"], other["attempt"])


if __name__ == "__main__":
    main()
