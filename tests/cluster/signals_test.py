"""The graceful stop: SIGUSR1 or SIGTERM at any moment, and all workers finish the same step, save, and exit 75."""
import os
import random
import signal
import time

from cluster import STOPPED, STUDENT, ClusterTest, Run, main, poll

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
        self.assertEqual(said.sets()[-1], step)
        self.assert_says(ended, f"stopped after step {step - 1}: everything is saved")
        self.assertEqual(ended.text.count("everything is saved"), 1, "one worker speaks for all")
        self.assertEqual([attempt["exit_code"] for attempt in said.summary["attempts"]], [STOPPED])
        (asked,) = said.events("StopRequested")
        self.assertEqual(asked["step"], step - 1)
        self.assertRegex(asked["message"], f"^stops after step {step - 1}: (SIG[A-Z0-9]+|another worker was asked)$")
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


if __name__ == "__main__":
    main()
