"""A launch never waits for ever: with a worker stopped or killed, a bare mpirun ends by itself, and the next one goes on."""
import os
import random
import signal
import time

from cluster import NOT_SAVED, PEER_LOST, STOPPED, STUDENT, ClusterTest, Run, main, poll

TIMEOUT = 2.0  # fault.stall_timeout
GRACE = 3.0  # what mpirun may need besides
ENDLESS = ("train.epochs=100000", "fault.stall_timeout=%g" % TIMEOUT)


class Stall(ClusterTest):
    def start(self, run, workers, *words):
        """A launch that has trained a few steps, and its workers."""
        launch = self.launch(f"--config={self.job(STUDENT)}", f"--run_dir=../{self.folder.name}/{run}", *ENDLESS, *words, workers=workers)
        pids = launch.workers(workers)
        metrics = self.folder / run / "metrics.jsonl"
        for _ in poll(60, "the first steps"):
            if metrics.exists() and metrics.read_bytes().count(b"\n") >= 3:
                return launch, pids

    def check_stop(self, number, stopped, workers, *words):
        run = f"run_{number}"
        launch, pids = self.start(run, workers, *words)
        time.sleep(random.Random(number).uniform(0, 0.1))
        os.kill(pids[stopped], signal.SIGSTOP)
        begin = time.monotonic()
        ended = launch.wait(60)
        seconds = time.monotonic() - begin
        self.assertEqual(ended.code, PEER_LOST, ended)
        self.assertLess(seconds, TIMEOUT + GRACE)
        self.assertGreater(seconds, TIMEOUT / 2)
        # Of the worker that noticed: which worker, at which step, doing what.
        naming = rf"worker {stopped} did not .* of step \d+: no progress for {TIMEOUT:g}s \(last reported: step \d+, phase [a-z]+\)"
        self.assertRegex(ended.text, naming)
        self.assertNotRegex(ended.text, rf"worker [^{stopped}] did not")
        self.assert_says(ended, "hint: run again")
        witnesses = [worker for worker in range(workers) if (self.folder / run / f"logs/attempt_1/worker_{worker}/error.json").exists()]
        self.assertTrue(witnesses and stopped not in witnesses, witnesses)
        error = Run(self.folder / run).error(witnesses[0])
        self.assertEqual((error["exit_code"], error["meaning"]), (PEER_LOST, "a peer was lost or stalled"))
        self.assertIn(f"worker {stopped} did not", error["message"])

    def test_a_stopped_worker_is_named(self):
        self.check_stop(1, stopped=1, workers=2)
        self.check_stop(2, stopped=0, workers=2)

    def test_a_worker_stopped_while_checkpoints_are_written_is_named(self):
        self.check_stop(3, 1, 2, "checkpoint.every_steps=1")

    def test_one_of_three_is_named(self):
        self.check_stop(4, stopped=2, workers=3)

    def test_healthy_workers_are_waited_for(self):
        """An evaluation whose share takes one worker several times the limit longer than the other: of three chunks one has two."""
        words = ("train.max_steps=1", "evaluate.batch_size=3000", "data.synthetic_images=90000", "fault.stall_timeout=0.5")
        self.train(self.job(STUDENT), "run", *words, workers=2)

    def test_a_killed_worker_ends_the_launch_and_the_next_one_goes_on(self):
        for worker in (0, 1):
            with self.subTest(worker=worker):
                run = f"killed_{worker}"
                launch, pids = self.start(run, 2, "checkpoint.every_steps=2")
                os.kill(pids[worker], signal.SIGKILL)
                begin = time.monotonic()
                ended = launch.wait(60)
                self.assertLess(time.monotonic() - begin, TIMEOUT + GRACE)
                self.assertNotIn(ended.code, (0, STOPPED, NOT_SAVED), ended)
                said = Run(self.folder / run)
                newest = said.sets()[-1]
                said = self.train(self.job(STUDENT), run, *ENDLESS, "--stop_after_steps=2", workers=3, code=STOPPED)
                lost, resumed = said.summary["attempts"]
                self.assertEqual((resumed["first_step"], resumed["steps_executed"]), (newest, 2))
                self.assertRegex(lost["cause"], "^lost: |a peer was lost")
                self.assertEqual(said.summary["restarts"], 1)
                self.assertEqual(said.steps_logged(), list(range(newest + 2)))


if __name__ == "__main__":
    main()
