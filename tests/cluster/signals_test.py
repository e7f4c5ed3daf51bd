"""The graceful stop: SIGUSR1 or SIGTERM at any moment, and all workers finish the same step, save, and exit 75."""
import json
import os
import random
import signal
import time

from cluster import DONE, PATIENCE, STOPPED, STUDENT, ClusterTest, Run, main, poll

STEPS = 40
WORDS = ("train.epochs=13", "train.max_steps=%d" % STEPS, "model.depth=4")


class Signals(ClusterTest):
    def setUp(self):
        super().setUp()
        self.config = self.job(STUDENT)

    def whole(self):
        return self.train(self.config, "whole", *WORDS, workers=2).result()

    def start(self, run, workers):
        """A launch whose workers listen: they have said that the job starts."""
        launch = self.launch(f"--config={self.config}", f"--run_dir=../{self.folder.name}/{run}", *WORDS, workers=workers)
        events = self.folder / run / "events.jsonl"
        for _ in poll(60, "the start"):
            if events.exists() and events.stat().st_size > 0:
                return launch

    def stop_and_resume(self, run, launch, send, workers_after):
        """Returns the step at which the launch stopped, or nothing if it was through before."""
        send()
        ended = launch.wait(60)
        if ended.code == 0:
            return None
        self.assertEqual(ended.code, STOPPED, ended)
        said = Run(self.folder / run)
        step = said.summary["steps"]
        self.assertEqual(said.sets()[-1:], [step] if step > 0 else [])
        where = f"after step {step - 1}" if step > 0 else "before the first step"
        self.assert_says(ended, f"stopped {where}: everything is saved")
        self.assertEqual(ended.text.count("everything is saved"), 1, "one worker speaks for all")
        self.assertEqual([attempt["exit_code"] for attempt in said.summary["attempts"]], [STOPPED])
        (asked,) = said.events("StopRequested")
        self.assertEqual(asked["step"], max(step - 1, 0))
        self.assertRegex(asked["message"], f"^stops {where}: (SIG[A-Z0-9]+|another worker was asked)$")
        self.train(self.config, run, *WORDS, workers=workers_after)
        return step

    def check(self, to_whom, workers):
        whole, stopped = self.whole(), 0
        for seed in range(4):
            with self.subTest(seed=seed):
                launch = self.start(f"run_{seed}", workers)
                time.sleep(random.Random(seed).uniform(0, 0.15))
                step = self.stop_and_resume(f"run_{seed}", launch, lambda: to_whom(launch, seed), 1 + seed % 3)
                stopped += step is not None
                said = Run(self.folder / f"run_{seed}")
                self.assertEqual(said.result(), whole)
                self.assertEqual(said.steps_logged(), list(range(STEPS)))
        self.assertGreaterEqual(stopped, 2, "most launches must be caught in the middle")

    def test_sigusr1_to_mpirun(self):
        self.check(lambda launch, seed: os.kill(launch.pid, signal.SIGUSR1), 2)

    def test_sigusr1_to_one_worker_alone(self):
        self.check(lambda launch, seed: os.kill(launch.workers(3)[seed % 3], signal.SIGUSR1), 3)

    def test_signals_to_a_lone_worker(self):
        self.check(lambda launch, seed: os.kill(launch.pid, (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)[seed % 3]), 1)

    def test_signals_that_come_again_change_nothing(self):
        launch = self.start("run", 2)
        for _ in range(3):
            os.kill(launch.pid, signal.SIGUSR1)
        self.assertEqual(launch.wait(60).code, STOPPED)
        self.assertEqual(self.train(self.config, "run", *WORDS).result(), self.whole())

    def test_a_stop_is_heard_in_the_middle_of_an_evaluation(self):
        words = ("data.synthetic_images=100000", "evaluate.batch_size=1", "train.max_steps=3")
        launch = self.launch(f"--config={self.config}", f"--run_dir=../{self.folder.name}/run", *words, workers=2)
        run = Run(self.folder / "run")
        for _ in poll(60, "the last set"):
            if run.sets() == [3]:
                break
        os.kill(launch.workers(2)[1], signal.SIGUSR1)
        asked = time.monotonic()
        ended = launch.wait(60)
        self.assertEqual(ended.code, STOPPED, ended)
        self.assertLess(time.monotonic() - asked, 10 * PATIENCE)
        self.assertEqual(run.events("EpochEvaluated"), [], "the stop came too late")
        run = self.train(self.config, "run", *words, "evaluate.batch_size=1000")
        self.assertEqual([attempt["steps_executed"] for attempt in run.summary["attempts"]], [3, 0])
        self.assertIn("val_acc1", run.manifest(3))

    def test_a_step_that_does_not_fit_is_given_up(self):
        """The first step, of a batch that takes many times the grace; the job's record tells that it has begun."""
        words = ("train.batch_size=65536", "data.synthetic_images=100000", "fault.stop_grace=2")
        launch = self.launch(f"--config={self.config}", f"--run_dir=../{self.folder.name}/run", *words, workers=2)
        for _ in poll(60, "the first step"):
            records = [json.loads(path.read_text()) for path in (self.folder / "state/jobs").glob("*.json")]
            if any(worker["phase"] == "compute" for record in records for worker in record["workers"]):
                break
        os.kill(launch.pid, signal.SIGUSR1)
        asked = time.monotonic()
        ended = launch.wait(60)
        self.assertLess(time.monotonic() - asked, 10 * PATIENCE)
        self.assertEqual(Run(self.folder / "run").summary["steps"], 0)
        self.assert_says(ended, "stopped before the first step: everything is saved")

    def test_a_closed_pipe_ends_nothing(self):
        read, write = os.pipe()
        os.close(read)
        try:
            ended = self.launch(f"--config={self.config}", f"--run_dir=../{self.folder.name}/run", "train.max_steps=3", output=write).wait()
        finally:
            os.close(write)
        self.assertEqual(ended.code, DONE, ended)
        self.assertEqual(Run(self.folder / "run").sets()[-1], 3)


if __name__ == "__main__":
    main()
