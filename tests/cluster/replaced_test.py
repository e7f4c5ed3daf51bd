"""data.on_bad_image=REPLACE: each view that shows another image than its own is counted once, however the job ran."""
import collections
import json
import os
import re
import signal
import subprocess

import inputs
from cluster import COORD, STOPPED, STUDENT, ClusterTest, Run, main, poll, run_dir

BROKEN = ("train/class_0/5.jpg", "train/class_1/3.jpg")  # of 16 images, by class and name
IMAGES = (5, 11)
BATCH, STEPS = 8, 18  # 9 epochs


class Replaced(ClusterTest):
    def setUp(self):
        super().setUp()
        self.config = self.job(STUDENT)
        data = inputs.write_image_folder(self.folder / "pictures")
        (data / BROKEN[0]).write_bytes(b"not a picture")
        (data / BROKEN[1]).write_bytes(inputs.jpeg()[:-20])
        self.paths = [str(data / name) for name in BROKEN]
        self.words = ["data.format=IMAGE_FOLDER", f"data.root={data}", "model.num_classes=2", f"train.batch_size={BATCH}", "train.epochs=9",
                      "data.on_bad_image=REPLACE"]

    def planned(self, steps, *words):
        """By step: the views of broken images, as `deit-coord plan` has them."""
        command = [COORD, "plan", f"--config={self.config}", f"--steps=0:{steps}", "--json", *self.words, *words]
        done = subprocess.run(command, check=True, text=True, capture_output=True, timeout=60)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(rows), steps * BATCH)
        return collections.Counter(row["step"] for row in rows if row["image"] in IMAGES)

    def check_counts(self, run, planned):
        """Each step's count, and their sum wherever it stands."""
        self.assertEqual({line["step"]: line["views_replaced"] for line in run.lines("metrics.jsonl") if "views_replaced" in line}, planned)
        newest = run.sets()[-1]
        attempt = run.summary["attempts"][-1]["attempt"]
        counts = (run.summary["views_replaced"], int(run.manifest(newest)["views_replaced"]),
                  run.json(f"logs/attempt_{attempt}/result.json")["views_replaced"])
        self.assertEqual(counts, (sum(planned.values()),) * 3)

    def test_counts_are_the_plans_at_any_number_of_workers_and_through_a_stop(self):
        planned = self.planned(STEPS)
        self.assertGreater(len(planned), 4, "some steps have such views")
        self.assertLess(len(planned), STEPS, "and some have none")
        whole = self.train(self.config, "whole", *self.words)
        self.check_counts(whole, planned)
        self.assertEqual(self.train(self.config, "two", *self.words, workers=2).result(), whole.result())
        self.check_counts(Run(self.folder / "two"), planned)
        stop = sorted(planned)[2] + 1  # right behind a view that was replaced
        stopped = self.train(self.config, "stopped", *self.words, f"--stop_after_steps={stop}", workers=2, code=STOPPED)
        self.check_counts(stopped, collections.Counter({step: count for step, count in planned.items() if step < stop}))
        resumed = self.train(self.config, "stopped", *self.words, "data.threads=3")
        self.check_counts(resumed, planned)
        self.assertEqual(resumed.result(), whole.result())

    def test_counts_are_the_plans_through_a_kill(self):
        words = ("train.epochs=200", "checkpoint.every_steps=20", "evaluate.every_epochs=200")  # 400 steps
        launch = self.launch(f"--config={self.config}", f"--run_dir={run_dir(self.folder, 'killed')}", *self.words, *words)
        run = Run(self.folder / "killed")
        for _ in poll(60, "the first set"):
            if run.sets():
                break
        os.kill(launch.pid, signal.SIGKILL)
        launch.wait()
        run = self.train(self.config, "killed", *self.words, *words, workers=2)
        first = run.summary["attempts"][-1]["first_step"]
        self.assertTrue(20 <= first < 400, f"killed too late: {first}")
        self.check_counts(run, self.planned(400, *words))

    def test_every_replaced_image_is_named_once_with_its_cause_and_what_it_shows(self):
        run = self.train(self.config, "run", *self.words, workers=2)
        logs = [(run.path / f"logs/attempt_1/worker_{worker}/stderr.log").read_text() for worker in range(2)]
        for path, cause in zip(self.paths, ("neither JPEG, PNG, PPM, BMP, TIFF nor WebP", "broken JPEG")):
            named = [[line for line in log.splitlines() if path in line] for log in logs]
            self.assertIn(sorted(map(len, named)), ([0, 1], [1, 1]), f"once by each worker that shows it: {path} in {logs}")
            shown = set()
            for line in sum(named, []):
                said = re.search(rf"{cause}.*: replaced by (train/class_[01]/[0-7]\.jpg) \(data.on_bad_image; [12] so far\)", line)
                self.assertTrue(said, line)
                shown.add(said[1])
            self.assertEqual(len(shown), 1, "all workers show the same")


if __name__ == "__main__":
    main()
