"""data.labelled: the first images of a keyed order keep their labels, and nothing else of the labels reaches the weights."""
import json
import subprocess

import inputs
from cluster import BAD_CONFIG, COORD, STUDENT, ClusterTest, main

IMAGES, LABELLED = 40, 12
LABELS = "train-labels-idx1-ubyte"


class Labelled(ClusterTest):
    def setUp(self):
        super().setUp()
        self.config = self.job(STUDENT)
        self.same = self.data(lambda labels: labels, "data")
        self.taught = self.teacher()

    def data(self, change, name):
        """A data set whose training labels are those of `change`; as words of a command line."""
        changes = {LABELS: lambda content: content[:8] + bytes(change(list(content[8:])))}
        folder = inputs.write_idx(self.folder / name, changes, count=IMAGES)
        return ["data.format=IDX", f"data.root={folder}", f"data.labelled={LABELLED}"]

    def plan(self, *words):
        """What `deit-coord plan` shows of 32 epochs."""
        command = [COORD, "plan", f"--config={self.config}", "--steps=0:40", "--json", *self.same, *words]
        done = subprocess.run(command, check=True, text=True, capture_output=True, timeout=60)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def weights(self, run, data, *words):
        return self.train(self.config, run, *data, *words, workers=2).summary["weights_digest"]

    def test_only_labels_that_are_kept_change_the_weights(self):
        kept = {row["image"] for row in self.plan()}
        self.assertEqual(len(kept), LABELLED)
        others = self.data(lambda labels: [label if image in kept else 9 - label for image, label in enumerate(labels)], "others")
        one = self.data(lambda labels: [9 - label if image == min(kept) else label for image, label in enumerate(labels)], "one")
        for name, teacher in (("taught", self.taught), ("alone", [])):
            first = self.weights(f"{name}_same", self.same, *teacher)
            self.assertEqual(self.weights(f"{name}_others", others, *teacher), first, f"{name}: a label that is not kept had a say")
            self.assertNotEqual(self.weights(f"{name}_one", one, *teacher), first, f"{name}: a label that is kept had no say")

    def test_without_labels_no_label_changes_the_weights(self):
        others = self.data(lambda labels: [9 - label for label in labels], "others")  # [:2]: without data.labelled
        for kind in ("HARD", "SOFT"):
            words = [*self.taught[:-1], f"distillation.type={kind}"]
            same, changed = (self.weights(f"{kind}_{name}", data[:2], *words, "distillation.labels=false")
                             for name, data in (("same", self.same), ("others", others)))
            self.assertEqual(changed, same, f"{kind}: a label had a say")
            self.assertNotEqual(self.weights(f"{kind}_with", self.same[:2], *words), same)

    def test_both_jobs_have_equal_steps_and_learning_rates_and_the_plan_shows_their_images(self):
        taught = self.train(self.config, "taught", *self.same, *self.taught)
        alone = self.train(self.config, "alone", *self.same)
        self.assertEqual([(line["step"], line["lr"]) for line in taught.lines("metrics.jsonl")],
                         [(line["step"], line["lr"]) for line in alone.lines("metrics.jsonl")])
        rows = self.plan(*self.taught)
        kept = {row["image"] for row in rows if row["labelled"]}
        self.assertEqual((len(kept), len({row["image"] for row in rows})), (LABELLED, IMAGES))
        shown = self.plan()
        self.assertEqual({row["image"] for row in shown}, kept)
        self.assertTrue(all(row["labelled"] for row in shown))
        self.assertEqual([(row["position"], row["epoch"]) for row in shown], [(row["position"], row["epoch"]) for row in rows])

    def test_more_labels_than_images_are_refused(self):
        words = [*self.same, f"data.labelled={IMAGES + 1}"]
        run = self.train(self.config, "refused", *words, code=BAD_CONFIG)
        self.assert_failed_plainly(run.ended, f"data.labelled: {IMAGES + 1}: more than the {IMAGES} training images", "hint: ")
        run = self.train(self.config, "refused", *words, "data.max_images=20", code=BAD_CONFIG)
        self.assert_failed_plainly(run.ended, f"data.labelled: {IMAGES + 1}: more than data.max_images 20")


if __name__ == "__main__":
    main()
