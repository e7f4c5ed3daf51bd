"""A damaged checkpoint is never used: the next older one is, with a message, and the job ends as if nothing had happened."""
import random
import shutil

from cluster import MISSING, STEPS, STOPPED, STUDENT, ClusterTest, Run, main

STOP = 5  # the newest set; 4 and 3 are older


def flip(path, where):
    """One bit of the byte at `where`, 0..1 of the file."""
    content = bytearray(path.read_bytes())
    content[int(where * (len(content) - 1))] ^= 0x10
    path.write_bytes(content)


def cut(path, where):
    content = path.read_bytes()
    path.write_bytes(content[: int(where * (len(content) - 1))])


class Damage(ClusterTest):
    @classmethod
    def setUpClass(cls):
        cls.random = random.Random(7)

    def setUp(self):
        super().setUp()
        self.config = self.job(STUDENT)
        self.words = ("checkpoint.every_steps=1", "checkpoint.keep=3")
        self.whole = self.train(self.config, "whole", *self.words).result()
        self.train(self.config, "stopped", *self.words, f"--stop_after_steps={STOP}", workers=2, code=STOPPED)
        self.count = 0

    def copy(self):
        """A run folder of its own with the sets of steps 3, 4 and 5."""
        self.count += 1
        run = Run(self.folder / f"run_{self.count}")
        shutil.copytree(self.folder / "stopped", run.path)
        self.assertEqual(run.sets(), [3, 4, 5])
        return run

    def check(self, damaged, expected_step, what, workers=1):
        with self.subTest(what):
            run = self.train(self.config, damaged.path.name, *self.words, workers=workers)
            last = run.summary["attempts"][-1]
            self.assertEqual((last["first_step"], last["steps_executed"]), (expected_step, STEPS - expected_step), run.ended)
            self.assertEqual(run.result(), self.whole)
            self.assertEqual(run.steps_logged(), list(range(STEPS)))
            for step in range(max(expected_step + 1, 3), STOP + 1):
                self.assert_says(run.ended, f"checkpoint of step {step} is not used: ")
            set_aside = sorted(path.name for path in run.path.glob("checkpoints/bad_step_*"))
            rejected = sorted(event["message"].split("moved to ")[1].split("/")[-1] for event in run.events("CheckpointRejected"))
            self.assertEqual(rejected, set_aside)
            return run

    def files(self, run):
        return sorted(run.set(STOP).glob("*.safetensors"))

    def test_any_flipped_bit_is_found(self):
        for number in range(len(self.files(Run(self.folder / "stopped")))):
            run = self.copy()
            where = self.random.random()
            flip(self.files(run)[number], where)
            run = self.check(run, 4, f"bit at {where} of {self.files(run)[number].name} flipped", workers=1 + number % 3)
            self.assertTrue(list(run.path.glob(f"checkpoints/bad_step_{STOP:08}/reason.txt")))
        for where in (0, 1, self.random.random()):
            run = self.copy()
            flip(run.set(STOP) / "manifest.json", where)
            self.check(run, 4, f"bit at {where} of the manifest flipped")

    def test_any_truncation_is_found(self):
        for number, where in enumerate((0, 0.001, 0.5, self.random.random(), 1)):
            run = self.copy()
            cut(self.files(run)[number], where)
            self.check(run, 4, f"{self.files(run)[number].name} cut at {where}", workers=1 + number % 2)
        run = self.copy()
        cut(run.set(STOP) / "manifest.json", 0.7)
        self.check(run, 4, "manifest cut")

    def test_missing_files_are_found(self):
        run = self.copy()
        self.files(run)[2].unlink()
        self.check(run, 4, "a file missing", workers=2)
        run = self.copy()
        (run.set(STOP) / "manifest.json").unlink()
        self.check(run, 4, "the manifest missing", workers=3)

    def test_files_of_another_set_are_found(self):
        for name in ("model_00.safetensors", "exp_avg_01.safetensors", "manifest.json"):
            run = self.copy()
            old, new = run.set(4) / name, run.set(STOP) / name
            content = old.read_bytes()
            old.write_bytes(new.read_bytes())
            new.write_bytes(content)
            self.check(run, 3, f"{name} swapped between sets")

    def test_the_oldest_good_set_is_found_and_without_one_the_job_ends(self):
        run = self.copy()
        for step in (4, 5):
            flip(run.set(step) / "model_00.safetensors", 0.5)
        self.check(run, 3, "two sets damaged", workers=2)
        run = self.copy()
        for step in (3, 4, 5):
            flip(run.set(step) / "exp_avg_sq_00.safetensors", 0.5)
        lost = self.train(self.config, run.path.name, *self.words, workers=2, code=MISSING)
        self.assert_failed_plainly(lost.ended, f"no usable checkpoint, but step {STOP} was saved", "--resume=never")
        fresh = self.train(self.config, run.path.name, *self.words, "--resume=never", workers=2)
        self.assertEqual((fresh.summary["attempts"][-1]["first_step"], fresh.result()), (0, self.whole))

    def test_a_lost_folder_of_checkpoints_is_no_fresh_start(self):
        run = self.copy()
        (run.path / "checkpoints").rename(run.path / "elsewhere")
        for _ in range(2):
            lost = self.train(self.config, run.path.name, *self.words, code=MISSING)
            self.assert_failed_plainly(lost.ended, f"no usable checkpoint, but step {STOP} was saved", "--resume=never")
            self.assertEqual(lost.steps_logged(), list(range(STOP)), "the history stays")
        (run.path / "checkpoints").rmdir()
        (run.path / "elsewhere").rename(run.path / "checkpoints")
        self.check(run, STOP, "brought back")

    def test_what_a_dead_attempt_left_of_the_next_save_is_replaced(self):
        run = self.copy()
        leftover = run.path / "checkpoints/step_00000006"
        shutil.copytree(run.set(STOP), leftover)
        (leftover / "manifest.json").unlink()
        (leftover / "part_00.1-0123456789abcdef.json").write_text("{}")
        run = self.train(self.config, run.path.name, *self.words, workers=3)
        self.assertEqual(run.summary["attempts"][-1]["first_step"], STOP)
        self.assertEqual(run.result(), self.whole)
        self.assertFalse(list(run.set(6).glob("part_*")))


if __name__ == "__main__":
    main()
