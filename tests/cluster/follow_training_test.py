"""Twenty steps of training follow a plain PyTorch loop, whose results tests/parity/follow_training.py left in golden/training.json: losses,
weights, and what the report says of them.
"""
import json
import pathlib

import training_case
from cluster import main
from following import Following


class FollowTraining(Following):
    case = training_case
    golden = json.loads((pathlib.Path(__file__).parent / "golden/training.json").read_text())

    def test_without_a_teacher(self):
        self.follow("none")

    def test_with_a_soft_teacher(self):
        self.follow("soft")

    def test_with_a_hard_teacher(self):
        self.follow("hard", workers=2)

    def test_with_a_teacher_alone_that_sees_other_pixels(self):
        run = self.follow("elsewhere", workers=3)
        said = "teacher: sees the student's pixels resized from 32x32 to 24x24 (bicubic, antialiased) and normalised by mean [0.4], std [0.3]"
        self.assert_says(run.ended, said)
        self.assertEqual(run.ended.text.count(said), 1, "once, not by each worker")
        self.assertNotIn("loss_base", run.lines("metrics.jsonl")[0])


if __name__ == "__main__":
    main()
