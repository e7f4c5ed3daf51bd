"""What tests share that follow a plain PyTorch loop: losses, weights, and what the report says, against its golden results."""
import json
import math
import struct

import training_case
from cluster import ClusterTest, read_safetensors


class Following(ClusterTest):
    case = golden = None  # module with write() and KINDS, and results by kind

    def setUp(self):
        super().setUp()
        self.config = self.case.write(self.folder)

    def weights_error(self, run, golden):
        """Norm of the weights' difference over norm of the weights, both by sketches."""
        tensors = {}
        for path in run.set(training_case.STEPS).glob("model_*.safetensors"):
            tensors |= read_safetensors(path)
        self.assertEqual(set(tensors), set(golden))
        squares, difference = 0, 0
        for name, (_, _, content) in tensors.items():
            values = training_case.learned(name, list(struct.unpack(f"<{len(content) // 4}f", content)))
            ours, theirs = training_case.sketch(name, values), golden[name]
            squares += theirs[0] ** 2
            difference += sum((a - b) ** 2 for a, b in zip(ours[1:], theirs[1:])) / 4
        return math.sqrt(difference / squares)

    def follow(self, kind, workers=1):
        golden = self.golden[kind]
        run = self.train(self.config, kind, *self.case.KINDS[kind], workers=workers)
        losses = [line["loss"] for line in run.lines("metrics.jsonl")]
        self.assertEqual(len(losses), len(golden["losses"]))
        worst = max(abs(ours / theirs - 1) for ours, theirs in zip(losses, golden["losses"]))
        weights = self.weights_error(run, golden["weights"])
        print(f"{kind}: losses differ by {worst:.1e}, weights by {weights:.1e}", flush=True)
        self.assertLess(worst, 1e-5)
        self.assertLess(weights, 3e-6)
        self.check_report(run, kind, golden["report"])
        return run

    def check_report(self, run, kind, golden):
        words = ["--task=evaluate", "--report", f"--config={self.config}", f"--run_dir={run.path}", *self.case.KINDS[kind]]
        said = json.loads(self.run_worker(*words, "--json").out.splitlines()[-1])
        self.assertEqual(json.loads(self.run_worker(*words, "--json", workers=3).out.splitlines()[-1]), said)
        self.assertEqual(said["images"], training_case.VALIDATION)
        self.assertEqual(list(said["predictors"]), list(golden["predictors"]))
        for predictor, scores in golden["predictors"].items():
            self.assertEqual((said["predictors"][predictor]["acc1"], said["predictors"][predictor]["acc5"]), (scores["acc1"], scores["acc5"]), predictor)
            self.assertAlmostEqual(said["predictors"][predictor]["loss"] / scores["loss"], 1, delta=1e-4, msg=predictor)
        self.assertEqual(said["disagreement"], golden["disagreement"])
        self.assertEqual(len(said["token_cosine"]), training_case.STUDENT["depth"] + 1)
        for ours, theirs in zip(said["token_cosine"], golden["token_cosine"]):
            self.assertAlmostEqual(ours, theirs, delta=1e-4)
        self.assert_says(self.run_worker(*words), "PREDICTOR", "fused_softmax", "DISAGREEMENT", "COSINE OF BOTH TOKENS")
