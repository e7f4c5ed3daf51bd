"""What deit-worker does besides training: evaluate, predict, benchmark, models, help; and training from given weights."""
import json
import re
import struct
import subprocess

from cluster import (BAD_CONFIG, CONVNET, COORD, CORRUPT, MISSING, PUBLISHED, STEPS, STUDENT, STUDENTS, ClusterTest, main,
                     read_safetensors, write_safetensors)

QUOTE = '"'
IMAGE = 28 * 28 * 4  # bytes of one image
TOKENS, WIDTH, PATCHES = 18, 64, 16  # of STUDENT
STUDENT_MACS = 2 * (12 * TOKENS * WIDTH**2 + 2 * TOKENS**2 * WIDTH) + PATCHES * 49 * WIDTH + 2 * 10 * WIDTH


class Evaluate(ClusterTest):
    def evaluate(self, config, *words, workers=1):
        return json.loads(self.run_worker("--task=evaluate", "--json", f"--config={config}", *words, workers=workers).out.splitlines()[-1])

    def test_a_checkpoint_has_the_accuracy_that_training_saw(self):
        for text, name in ((STUDENT, "student"), (CONVNET, "convnet")):
            config = self.job(text, name + ".textproto")
            more = ("data.synthetic_images=400", "optimizer.lr=1e-2", "evaluate.batch_size=7", "train.max_steps=30")
            run = self.train(config, name, *more)
            seen = run.summary["val_acc1"]
            newest = self.evaluate(config, f"--run_dir={run.path}", *more)
            self.assertEqual((newest["images"], newest["acc1"]), (40, seen))
            self.assertGreaterEqual(newest["acc5"], newest["acc1"])
            weights = f"--weights={run.set(run.summary['steps'])}"
            self.assertEqual(self.evaluate(config, weights, *more), newest)
            self.assertEqual(self.evaluate(config, weights, *more, workers=2), newest)
            self.assertEqual(self.evaluate(config, weights, *more, "train.lanes=2", workers=3), newest)
            if text == CONVNET:
                self.assertEqual(newest["acc1_head"], newest["acc1"])
        table = self.run_worker("--task=evaluate", f"--config={config}", weights, *more)
        self.assert_says(table, "HEAD", "fused")

    def test_messages(self):
        config = self.job(STUDENT)
        words = ("--task=evaluate", f"--config={config}")
        ended = self.run_worker(*words, f"--run_dir={self.folder}/nothing", workers=2, code=MISSING)
        self.assert_failed_plainly(ended, "no usable checkpoint", "hint: train first, or name a file with --weights=FILE")
        self.assert_failed_plainly(self.run_worker(*words, "--weights=nothing", code=MISSING), "--weights: nothing: ", "no such file")
        other = self.train(self.job(CONVNET, "other.textproto"), "other", "train.max_steps=1").set(1)
        ended = self.run_worker(*words, f"--weights={other}", workers=2, code=CORRUPT)
        self.assert_failed_plainly(ended, "--weights: ", "cls_token: missing")
        model = other / "model_00.safetensors"
        model.write_bytes(model.read_bytes()[:-1] + b"\xff")
        self.assert_failed_plainly(self.run_worker(*words, f"--weights={other}", code=CORRUPT), "--weights: ", "digest is")


class InitFrom(ClusterTest):
    def test_a_job_starts_from_given_weights(self):
        config = self.job(CONVNET)
        first = self.train(config, "first", "train.max_steps=4")
        weights = first.set(4)
        given = read_safetensors(weights / "model_00.safetensors")
        before = self.evaluate(config, weights)
        for workers in (1, 3):
            run = self.train(config, f"second_{workers}", f"model.init_from={weights}", "train.seed=5", "train.max_steps=1",
                             "optimizer.lr=0", "schedule.warmup_lr=0", "schedule.min_lr=0", workers=workers)
            tensors = {}
            for path in run.set(1).glob("model_*.safetensors"):
                tensors |= read_safetensors(path)
            self.assertEqual(set(tensors), set(given))
            for name in tensors:  # nothing was learned: only running statistics differ
                if "running" not in name and "tracked" not in name:
                    self.assertEqual(tensors[name], given[name], name)
            self.assertEqual(struct.unpack("<q", tensors["stages.0.0.bn.num_batches_tracked"][2]), (5,))
        self.assertEqual(before["images"], 10)

    def evaluate(self, config, weights):
        return json.loads(self.run_worker("--task=evaluate", "--json", f"--config={config}", f"--weights={weights}").out)

    def test_weights_of_another_size_start_a_job_when_it_may_adapt_them(self):
        config = self.job(STUDENT)
        weights = self.train(config, "first", "train.max_steps=1").set(1)
        larger = ("model.img_size=35", "model.num_classes=7", f"model.init_from={weights}", "train.max_steps=1", "evaluate.every_epochs=0")
        words = [f"--config={config}", *larger]
        ended = self.run_worker(*words, "--run_dir=refused", code=CORRUPT)
        self.assert_failed_plainly(ended, "pos_embed: shape [1, 18, 64], the model's is [1, 27, 64]",
                                   "hint: adapt=POSITIONS,HEAD among the model's fields makes them fit")
        digests = set()
        for workers in (1, 3):
            run = self.run_worker(*words, "model.adapt=POSITIONS,HEAD", f"--run_dir=adapted_{workers}", workers=workers)
            self.assert_says(run, "pos_embed: resized from 4x4 to 5x5", "head.weight, head.bias, head_dist.weight, head_dist.bias: newly initialised")
            self.assertEqual(run.text.count("newly initialised"), 1)
            digests.add(run.out.splitlines()[-1].split("weights_digest=")[1])
        self.assertEqual(len(digests), 1)

    def test_equal_for_every_world_and_an_exported_file_is_the_same_as_its_set(self):
        config = self.job(STUDENT)
        first = self.train(config, "first", "train.max_steps=3", workers=2)
        export = self.folder / "exported"
        self.run_coord("checkpoint", "export", str(first.set(3)), f"--output={export}")
        results = []
        for number, source in enumerate((first.set(3), export / "model.safetensors", first.set(3))):
            run = self.train(config, f"second_{number}", f"model.init_from={source}", "train.seed=5", workers=1 + number)
            results.append((run.result(), run.summary["spec_digest"]))
        self.assertEqual(results[0], results[1])
        self.assertEqual(results[0], results[2])
        alone = self.train(config, "alone", "train.seed=5")
        self.assertNotEqual(alone.result()["weights_digest"], results[0][0]["weights_digest"])
        self.assertNotEqual(alone.summary["spec_digest"], results[0][1])

    def test_a_student_of_vit_pytorchs_travels_with_and_without_its_wrapper(self):
        config, teacher = self.job(STUDENTS["t2t"]), self.teacher()
        first = self.train(config, "first", *teacher, "train.max_steps=2").set(2)
        self.run_coord("checkpoint", "export", str(first), "--output=export")
        own, wrappers = (read_safetensors(self.folder / "export" / f"model{kind}.safetensors") for kind in ("", "_distillation"))
        self.assertEqual(set(wrappers), {"distillation_token", "distill_mlp.1.weight", "distill_mlp.1.bias"})
        self.assertEqual({"cls_token", "pos_embedding", "mlp_head.bias"} - set(own), set())
        self.assertEqual(json.loads((self.folder / "export/config.json").read_text())["architecture"], "vit_pytorch.t2t.T2TViT")
        wrapped = {name if name in wrappers else "student." + name: tensor for name, tensor in (own | wrappers).items()}
        wrapped["teacher.fc.bias"] = ("F32", [2], bytes(8))
        write_safetensors(self.folder / "wrapper.safetensors", wrapped)
        results = []
        for number, source in enumerate((first, "export", "wrapper.safetensors")):
            run = self.train(config, f"second_{number}", *teacher, f"model.init_from={source}", "train.max_steps=2", workers=1 + number)
            results.append(run.result())
        self.assert_says(run.ended, "names are DistillWrapper's", "1 tensors teacher.*: left out")
        self.assertEqual(results[0], results[1])
        self.assertEqual(results[0], results[2])
        self.train(config, "plain", "model.init_from=export/model.safetensors", "train.max_steps=1")

    def run_coord(self, *words):
        ended = subprocess.run([COORD, *words], cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)


class Predict(ClusterTest):
    def test_logits_of_a_set_and_of_images_one_by_one(self):
        config = self.job(STUDENT)
        weights = self.train(config, "run", "train.max_steps=2").set(2)
        pixels = [struct.pack("<784f", *((i * 31 + n) % 97 / 97 for i in range(784))) for n in range(3)]
        words = ("--task=predict", f"--config={config}", f"--weights={weights}", "--input=x.safetensors", "--output=y.safetensors")

        def predict(images):
            write_safetensors(self.folder / "x.safetensors", {"x": ("F32", [len(images), 1, 28, 28], b"".join(images))})
            self.run_worker(*words)
            return read_safetensors(self.folder / "y.safetensors")

        all_three = predict(pixels)
        self.assertEqual({name: (dtype, shape) for name, (dtype, shape, _) in all_three.items()},
                         {name: ("F32", [3, 10]) for name in ("logits", "head", "head_dist")})
        logits, head, dist = (struct.unpack("<30f", all_three[name][2]) for name in ("logits", "head", "head_dist"))
        for value, a, b in zip(logits, head, dist):
            self.assertAlmostEqual(value, (a + b) / 2, places=5)
        alone = struct.unpack("<10f", predict(pixels[1:2])["logits"][2])
        for value, expected in zip(alone, logits[10:20]):
            self.assertAlmostEqual(value, expected, places=4)

    def test_every_family_predicts_and_teaches(self):
        pixels = {"x": ("F32", [2, 1, 28, 28], struct.pack("<1568f", *(i * 31 % 97 / 97 for i in range(1568))))}
        write_safetensors(self.folder / "x.safetensors", pixels)
        for name, text in (PUBLISHED | STUDENTS).items():
            config = self.job(text, name + ".textproto")
            weights = self.train(config, name, "train.max_steps=1", "evaluate.every_epochs=0").set(1)
            self.run_worker("--task=predict", f"--config={config}", f"--weights={weights}", "--input=x.safetensors", "--output=y.safetensors")
            self.assertEqual(read_safetensors(self.folder / "y.safetensors")["logits"][1], [2, 10])
            teacher = [word.replace("model.", "teacher.model.", 1) for word in self.model_words(text)]
            self.train(self.job(STUDENT), "taught_by_" + name, *teacher, f"teacher.weights={weights}", "distillation.type=HARD",
                       "train.max_steps=1", "evaluate.every_epochs=0")

    @staticmethod
    def model_words(text):
        """The sizes of a job's model, as words of a command line."""
        fields = text.split("model {")[1].split("}")[0]
        for known in ("num_classes: 10", "img_size: 28", "in_chans: 1"):
            fields = fields.replace(known, "")
        return [f"model.{key}={value.strip('[]').replace(' ', '').strip(QUOTE)}"
                for key, value in re.findall(r"(\w+): (\[[^]]*\]|\S+)", fields)]

    def test_messages(self):
        config = self.job(STUDENT)
        weights = self.train(config, "run", "train.max_steps=1").set(1)
        good = {"x": ("F32", [1, 1, 28, 28], bytes(IMAGE))}
        path = self.folder / "x.safetensors"

        def refuse(code, text, *words):
            ended = self.run_worker("--task=predict", f"--config={config}", *words, code=code)
            self.assert_failed_plainly(ended, text)

        refuse(BAD_CONFIG, "--weights: missing")
        refuse(BAD_CONFIG, "--input: missing", f"--weights={weights}")
        words = (f"--weights={weights}", "--input=x.safetensors", "--output=y.safetensors")
        refuse(MISSING, "x.safetensors", *words)
        for tensors, code, text in (({"y": good["x"]}, MISSING, "x: no such tensor"),
                                    ({"x": ("F32", [1, 3, 28, 28], bytes(3 * IMAGE))}, CORRUPT, "want F32 of shape [N, 1, 28, 28]"),
                                    ({"x": ("F32", [0, 1, 28, 28], b"")}, CORRUPT, "want F32 of shape [N, 1, 28, 28]"),
                                    ({"x": ("I32", [1, 1, 28, 28], bytes(IMAGE))}, CORRUPT, "want F32 of shape [N, 1, 28, 28]")):
            write_safetensors(path, tensors)
            refuse(code, text, *words)
        write_safetensors(path, good, cut=300)
        refuse(CORRUPT, "x.safetensors", *words)
        self.assertFalse((self.folder / "y.safetensors").exists())


class Others(ClusterTest):
    def assert_has(self, record, keys):
        self.assertLessEqual(set(keys.split()), set(record))

    def test_benchmark(self):
        config = self.job(STUDENT)
        words = ("--task=benchmark", f"--config={config}", "--steps=3", "--warmup_steps=1")
        for workers in (1, 2):
            ended = self.run_worker(*words, "--json", workers=workers)
            said = json.loads(ended.out)
            self.assert_has(said, "model precision workers batch_size lanes steps images_per_second step_ms split_ms page_faults_per_step "
                                  "bytes_sent_per_step ring_bytes_per_step gflops_per_worker gemm_peak_gflops gemm_share")
            self.assert_has(said["split_ms"], "data teacher forward backward communication optimizer checkpoint total")
            self.assertEqual((said["workers"], said["steps"], said["lanes"]), (workers, 3, 8))
            self.assertAlmostEqual(said["images_per_second"] * said["step_ms"] / 1000 / said["batch_size"], 1, places=3)
            self.assertLess((3 + 1) * said["step_ms"] / 1000, ended.seconds, "all steps were part of the launch")
            self.assertEqual((said["batch_size"], said["split_ms"]["total"]), (32, said["step_ms"]))
            self.assertEqual(said["bytes_sent_per_step"] > 0, workers > 1)
            self.assertAlmostEqual(said["gflops_per_worker"], 6e-9 * STUDENT_MACS * said["images_per_second"] / workers, places=3)
            self.assertAlmostEqual(said["gemm_share"], said["gflops_per_worker"] / said["gemm_peak_gflops"], places=5)
        self.assert_says(self.run_worker(*words), "images/s", "backward", "bytes sent", "large matrix products")
        self.assertFalse((self.folder / "runs").exists(), "a benchmark leaves no run folder")

    def test_preview(self):
        words = ("--task=preview", f"--config={self.job(STUDENT)}", "augment.aa=rand-m9-mstd0.5-inc1", "augment.mixup=0.8")
        ended = self.run_worker(*words, "--steps=3:5", "--output=shown", workers=2, code=BAD_CONFIG)
        self.assert_failed_plainly(ended, "--task=preview: 2 processes: this task runs in one", "hint: start deit-worker without mpirun")
        self.assertEqual(self.run_worker(*words, "--steps=3:5", "--output=shown").err.count("preview: 64 views in shown"), 1)
        views = [json.loads(line) for line in (self.folder / "shown/views.jsonl").read_text().splitlines()]
        self.assertEqual([view["position"] for view in views], list(range(96, 160)))
        self.assertEqual({(view["step"], view["lane"]) for view in views}, {(step, lane) for step in (3, 4) for lane in range(8)})
        self.assert_has(views[0], "position step lane slot image path label class_name crop flip operations mix")
        self.assertEqual(len(list((self.folder / "shown").glob("step_*_lane_*.png"))), 16)
        first = (self.folder / "shown/pixels.safetensors").read_bytes()
        self.run_worker(*words, "--steps=3:5", "--output=again", "data.threads=4")
        self.assertEqual((self.folder / "again/pixels.safetensors").read_bytes(), first)
        self.assertFalse((self.folder / "runs").exists(), "a preview leaves no run folder")
        for steps in ("", "--steps=5", "--steps=5:5", "--steps=a:b"):
            self.assert_failed_plainly(self.run_worker(*words, steps or "--steps=", "--output=x", code=BAD_CONFIG), "want A:B, A below B")
        self.assert_failed_plainly(self.run_worker(*words, "--steps=0:1", code=BAD_CONFIG), "--output: missing")

    def test_models(self):
        self.assert_says(self.run_worker("--task=models"), "NAME", "GMACS", "deit_tiny_distilled_patch16_224", "5.91M", "224x224")
        models = {model["name"]: model for model in json.loads(self.run_worker("--task=models", "--json").out)["models"]}
        self.assertEqual(models["deit_tiny_patch16_224"]["parameters"], 5717416)
        self.assertEqual(models["deit_base_distilled_patch16_224"]["parameters"], 87338192)
        self.assertEqual(models["distillable_t2t_vit"]["parameters"], 23465986)
        self.assertEqual((models["regnety_160"]["parameters"], round(models["regnety_160"]["macs"] * 1e-9, 3)), (83590140, 15.912))

    def test_help(self):
        self.assertRegex(self.run_worker("--version").out, r"^deit \d+\.\d+\.\d+\n$")
        ended = self.run_worker("--help")
        self.assert_says(ended, "usage: mpirun -np N deit-worker", "example:", "exit: 0 done")
        tasks = re.findall(r"^  (\w+) +(.*)\n    (.*deit-worker .*)$", ended.out.split("\ntasks:\n")[1], re.MULTILINE)
        self.assertEqual([name for name, _, _ in tasks], ["train", "evaluate", "predict", "preview", "benchmark", "models"])
        for name, _, example in tasks:
            self.assertEqual(f"--task={name}" in example, name != "train", example)
        self.assertEqual(ended.err, "")

    def test_the_run_folder_is_by_default_below_the_current_one(self):
        run = self.run_worker(f"--config={self.job(STUDENT)}", "train.max_steps=1")
        self.assertTrue((self.folder / "runs/student/checkpoints/step_00000001/manifest.json").exists())
        self.assertTrue(run.out.splitlines()[-1].startswith("finished step=1 "))

    def test_a_run_folder_has_what_is_promised(self):
        run = self.train(self.job(STUDENT), "run", workers=2)
        for name in ("config.textproto", "summary.json", "metrics.jsonl", "events.jsonl", "summary.csv", "progress.json",
                     "logs/attempt_1/result.json", "logs/attempt_1/worker_0/stdout.log", "logs/attempt_1/worker_1/stderr.log",
                     f"checkpoints/step_{STEPS:08}/manifest.json"):
            self.assertTrue((run.path / name).is_file(), name)
        self.assertTrue(list((run.path / "tb").iterdir()))
        for line in run.lines("metrics.jsonl"):
            self.assert_has(line, "step time loss lr")
        self.assert_has(run.summary, "job spec_digest state steps epochs weights_digest state_digest val_acc1 images_per_second restarts "
                                     "steps_lost teacher_forwards numerics_fingerprint workers attempts")
        self.assertIn("finished step=", (run.path / "logs/attempt_1/worker_0/stdout.log").read_text())


if __name__ == "__main__":
    main()
