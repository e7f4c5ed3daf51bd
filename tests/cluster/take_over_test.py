"""The coordinator may die: training goes on without it, and the next one takes over where it was."""
import contextlib
import os
import random
import signal
import time

from cluster import STUDENT, main, marked
from faults import ENDLESS, LONG, Supervised, SupervisedTest, poll


class TakeOver(SupervisedTest):
    def setUp(self):
        super().setUp()
        self.config = self.job(STUDENT)

    def begin(self, name):
        job = Supervised(self, self.config, name, *ENDLESS)
        return job, job.await_training()

    def kill_owner(self, job):
        os.kill(job.launch.pid, signal.SIGKILL)
        job.launch.wait()

    def pids(self, record):
        return [worker["process"]["pid"] for worker in record["workers"]]

    def await_owner(self, job):
        return job.await_record("a new owner", lambda r: r.get("owner", {}).get("pid") == job.launch.pid and len(r["workers"]) == 2)

    def await_steps(self, job, more):
        goal = job.steps() + more
        for _ in poll(60, f"step {goal}"):
            if job.steps() >= goal:
                return

    def stop(self, job):
        os.kill(job.launch.pid, signal.SIGTERM)
        ended = job.launch.wait()
        self.assertEqual(ended.code, 75, ended)
        return ended

    def check_steps(self, job):
        self.assertEqual(job.run.steps_logged(), list(range(job.run.summary["steps"])), "no step lost, none twice")

    def test_training_goes_on_and_is_taken_over(self):
        job, before = self.begin("over")
        for _ in range(2):
            self.kill_owner(job)
            self.await_steps(job, 20)
            job.start()
            after = self.await_owner(job)
            self.assertEqual((after["attempt"], self.pids(after)), (before["attempt"], self.pids(before)))
        os.kill(self.pids(before)[1], signal.SIGKILL)
        job.await_training(after=before["attempt"])
        self.stop(job)
        self.check_steps(job)
        attempts = job.run.summary["attempts"]
        self.assertEqual([a.get("signal") for a in attempts], [9, None])
        self.assertEqual(attempts[0]["worker"], 1)
        events = [(event["reason"], event["time"]) for event in job.run.lines("events.jsonl")]
        self.assertEqual(len(events), len(set(events)), "no event twice")
        self.assertEqual(len(job.run.events("CoordinatorRecovered")), 2)

    def test_a_worker_killed_while_there_is_no_owner_is_restarted_by_the_next(self):
        for worker, fault in ((0, signal.SIGKILL), (1, signal.SIGSTOP)):
            with self.subTest(fault):
                job, before = self.begin(f"alone_{worker}")
                self.kill_owner(job)
                os.kill(self.pids(before)[worker], fault)
                job.start()
                job.await_training(after=before["attempt"])
                self.stop(job)
                self.check_steps(job)
                self.assertEqual(job.run.summary["attempts"][0]["worker"], worker)

    def test_a_job_that_ends_without_an_owner_has_ended(self):
        job = Supervised(self, self.config, "ends", *LONG)
        job.await_training()
        self.kill_owner(job)
        for _ in poll(120, "the end of training"):
            if (job.run.path / "logs/attempt_1/exit.json").exists():
                break
        job.start()
        ended = job.launch.wait()
        self.assertEqual(ended.code, 0, ended)
        summary = job.run.summary
        self.assertEqual((summary["state"], len(summary["attempts"]), summary["restarts"]), ("SUCCEEDED", 1, 0))
        self.check_steps(job)

    def test_killed_at_random_moments_it_changes_nothing(self):
        expected = self.reference(self.config)
        for seed in (1, 2):
            with self.subTest(seed=seed):
                self.check_random_kills(seed, expected)

    def check_random_kills(self, seed, expected):
        """Owners that live from a hundredth of a second to two; some lose a worker after their death, some before."""
        generator = random.Random(seed)
        job = Supervised(self, self.config, f"random{seed}", *LONG, "fault.max_restarts=100")
        hurt = in_vain = furthest = 0
        for moment in range(12):
            time.sleep(2 ** generator.uniform(-7, 1))
            if job.launch.process.poll() is not None:
                break  # trained to its end
            kills = [job.launch.pid]
            workers = [pid for pid, environment in marked() if "OMPI_COMM_WORLD_RANK" in environment]
            if job.steps() > furthest:
                furthest, in_vain = job.steps(), 0
            if workers and moment % 3 == 0 and in_vain < 2:  # a third death without a new step is the job's end
                kills.insert(generator.randrange(2), generator.choice(workers))
                hurt, in_vain = hurt + 1, in_vain + 1
            for pid in kills:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            job.launch.wait()
            job.start()
        ended = self.finish(job)
        self.check_same(job, expected)
        self.assertGreater(hurt, 0)
        trained = [attempt for attempt in job.run.summary["attempts"] if "train_start_time" in attempt]
        self.assertLessEqual(len(trained), 1 + hurt, f"only a worker's death ends an attempt that trains\n{ended}")

    def test_a_bare_mpirun_is_refused_while_an_attempt_lives(self):
        job, _ = self.begin("guarded")
        self.kill_owner(job)
        bare = self.launch(*(word for word in job.words[1:] if not word.startswith("--np"))).wait()
        self.assertEqual(bare.code, 73, bare)
        self.assert_says(bare, "attempt 1 is still training", "hint: take it over with deit-coord run")
        job.start()
        self.await_owner(job)
        self.stop(job)

    def test_an_owner_that_was_stopped_restarts_nothing(self):
        job, before = self.begin("paused")
        os.kill(job.launch.pid, signal.SIGSTOP)
        self.await_steps(job, 5)
        time.sleep(10)  # longer than any silence that it would forgive a worker
        os.kill(job.launch.pid, signal.SIGCONT)
        self.await_steps(job, 5)
        self.stop(job)
        summary = job.run.summary
        self.assertEqual((summary["restarts"], len(summary["attempts"])), (0, before["attempt"]))


if __name__ == "__main__":
    main()
