"""--task=evaluate beyond accuracy: the report of student and teacher, averaged weights, other resolutions; and fine-tuning at another
resolution while the teacher goes on at its own.
"""
import json
import subprocess

from cluster import CONVNET, COORD, CORRUPT, MISSING, PUBLISHED, STEPS, STUDENT, STUDENTS, ClusterTest, main

PREDICTORS = ["class", "distillation", "fused", "fused_softmax"]


class Report(ClusterTest):
    def said(self, config, *words, workers=1):
        ended = self.run_worker("--task=evaluate", "--json", f"--config={config}", *words, workers=workers)
        return json.loads(ended.out.splitlines()[-1])

    def test_a_student_and_its_teacher(self):
        config, words = self.job(STUDENT), [*self.teacher(), "data.synthetic_images=400", "evaluate.batch_size=7"]
        run = self.train(config, "run", *words)
        weights = f"--weights={run.set(run.summary['steps'])}"
        plain, report = self.said(config, weights, *words), self.said(config, weights, *words, "--report")
        self.assertEqual(list(report["predictors"]), [*PREDICTORS, "teacher"])
        self.assertEqual(report["images"], 40)
        for predictor, key in (("class", "acc1_head"), ("distillation", "acc1_head_dist"), ("fused", "acc1")):
            self.assertEqual(report["predictors"][predictor]["acc1"], plain[key])
        self.assertEqual(report["predictors"]["fused"]["acc5"], plain["acc5"])
        self.assertAlmostEqual(report["predictors"]["fused"]["loss"], plain["loss"], places=6)
        alone = self.said(self.folder / "teacher.textproto", f"--run_dir={self.folder}/teacher", *words[4:])
        for key in ("acc1", "acc5"):
            self.assertEqual(report["predictors"]["teacher"][key], alone[key])
        for a in report["predictors"]:
            self.assertEqual(set(report["disagreement"][a]), set(report["predictors"]) - {a})
            for b, share in report["disagreement"][a].items():
                self.assertEqual(share, report["disagreement"][b][a])
                self.assertEqual(round(40 * share, 9) % 1, 0)
        self.assertEqual(len(report["token_cosine"]), 3)
        at_once = self.said(config, weights, *words, "evaluate.batch_size=250", "--report")  # more than go through at a time
        self.assertEqual((at_once["images"], at_once["disagreement"]), (40, report["disagreement"]))
        self.assertEqual(*({predictor: scores["acc1"] for predictor, scores in said["predictors"].items()} for said in (at_once, report)))
        for workers in (2, 3):
            self.assertEqual(self.said(config, weights, *words, "--report", workers=workers), report)

    def test_models_with_one_head(self):
        plain = STUDENT.replace("deit_distilled", "deit").replace("student", "plain")
        for name, text in (("plain", plain), ("resnet", PUBLISHED["resnet"])):
            config = self.job(text, name + ".textproto")
            run = self.train(config, name, "train.max_steps=1", "evaluate.every_epochs=0")
            report = self.said(config, f"--run_dir={run.path}", "--report")
            self.assertEqual((list(report["predictors"]), report["disagreement"]), (["class"], {"class": {}}))
            self.assertNotIn("token_cosine", report)

    def test_students_whose_second_head_only_trains(self):
        teacher = self.teacher()
        for name in ("vit", "nystrom"):
            config = self.job(STUDENTS[name], name + ".textproto")
            words = [*teacher, "distillation.labels=false"]
            run = self.train(config, name, *words)
            report = self.said(config, f"--run_dir={run.path}", *words, "--report", workers=2)
            self.assertEqual(list(report["predictors"]), ["class", "teacher"])
            self.assertEqual(report["predictors"]["class"]["acc1"], run.summary["val_acc1"])
            self.assertEqual(set(report["disagreement"]["class"]), {"teacher"})
            self.assertNotIn("token_cosine", report)

    def test_averaged_weights(self):
        for name, text in (("student", STUDENT), ("convnet", CONVNET)):
            config = self.job(text, name + ".textproto")
            run = self.train(config, name, "optimizer.lr=1e-2", workers=2)
            newest = run.set(STEPS)
            subprocess.run([COORD, "checkpoint", "export", "--ema", str(newest), f"--output={self.folder}/{name}_ema"], check=True,
                           stdout=subprocess.DEVNULL)
            averaged = self.said(config, f"--run_dir={run.path}", "--ema")
            self.assertEqual(averaged, self.said(config, f"--weights={self.folder}/{name}_ema/model.safetensors"))
            self.assertNotEqual(averaged["loss"], self.said(config, f"--run_dir={run.path}")["loss"])
            predictors = self.said(config, f"--weights={newest}", "--ema", "--report", workers=3)["predictors"]
            self.assertEqual(predictors.get("fused", {}).get("acc1"), averaged["acc1"] if name == "student" else None)

    def test_messages(self):
        config = self.job(STUDENT)
        run = self.train(config, "run", "ema.decay=0", "train.max_steps=1", "evaluate.every_epochs=0")
        words = ("--task=evaluate", "--ema", f"--config={config}")
        ended = self.run_worker(*words, f"--run_dir={run.path}", workers=2, code=MISSING)
        self.assert_failed_plainly(ended, "holds no averaged weights: ema.decay was 0", "hint: leave out --ema")
        run = self.train(config, "averaged", "train.max_steps=1", "evaluate.every_epochs=0")
        ended = self.run_worker(*words, f"--weights={run.set(1)}", "model.img_size=35", "model.adapt=POSITIONS", code=CORRUPT)
        self.assert_failed_plainly(ended, "--weights: not this model's average: pos_embed: shape [1, 18, 64], the model's is [1, 27, 64]",
                                   "hint: to adapt it, export it")
        ended = self.run_worker(*words, f"--weights={self.folder}/teacher.safetensors", code=MISSING)
        self.assert_failed_plainly(ended, "--weights: ")
        ended = self.run_worker("--task=evaluate", "--report", f"--config={config}", f"--weights={run.set(1)}", "teacher.model.name=convnet",
                                "teacher.weights=nothing", "distillation.type=HARD", code=MISSING)
        self.assert_failed_plainly(ended, "teacher.weights: ", "nothing")

    def test_fine_tuning_at_another_resolution_keeps_the_teacher(self):
        config, teacher = self.job(STUDENT), self.teacher()
        first = self.train(config, "first", *teacher, "train.max_steps=2").set(2)
        words = [*teacher, "model.img_size=35", "model.adapt=POSITIONS", f"model.init_from={first}", "teacher.model.img_size=28"]
        runs = [self.train(config, f"finer_{workers}", *words, workers=workers) for workers in (1, 3)]
        self.assertEqual(runs[0].result(), runs[1].result())
        self.assert_says(runs[0].ended, "pos_embed: resized from 4x4 to 5x5", "teacher: sees the student's pixels resized from 35x35 to 28x28")
        self.assertTrue(all("loss_distill" in line for line in runs[0].lines("metrics.jsonl")))
        report = self.said(config, f"--run_dir={runs[0].path}", *words, "--report")
        self.assertEqual(report["predictors"]["fused"]["acc1"], runs[0].summary["val_acc1"])
        # The same weights at the resolution that they were made for, and at another one.
        adapted = self.said(config, f"--weights={first}", *words, "--report")
        self.assertEqual(list(adapted["predictors"]), [*PREDICTORS, "teacher"])
        self.assertNotEqual(adapted["token_cosine"], self.said(config, f"--weights={first}", *teacher, "--report")["token_cosine"])


if __name__ == "__main__":
    main()
