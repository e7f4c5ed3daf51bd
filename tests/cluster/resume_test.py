"""A stopped job goes on where it was, with any number of workers, and ends as the undisturbed one."""
import os
import shutil
import signal

from cluster import CONVNET, DONE, MISSING, STEPS, STOPPED, STUDENT, ClusterTest, Run, main, poll, run_dir


EPOCH_ENDS = [4, STEPS]  # steps done: 100 images in batches of 32


class Resume(ClusterTest):
    def check_attempts(self, run, expected):
        keys = ("first_step", "steps_executed", "workers", "exit_code")
        said = [tuple(attempt[key] for key in keys) for attempt in run.summary["attempts"]]
        self.assertEqual(said, expected)

    def stop_everywhere(self, text, *words):
        config = self.job(text)
        whole = self.train(config, "whole", *words, workers=2).result()
        for step in range(1, STEPS):
            with self.subTest(step=step):
                before, after = 1 + step % 3, 1 + (step + 1) % 3
                run = self.train(config, f"stop_{step}", f"--stop_after_steps={step}", *words, workers=before, code=STOPPED)
                self.assert_says(run.ended, f"stopped after step {step - 1}: everything is saved; run again to go on")
                self.assertEqual((run.summary["state"], run.sets()[-1]), ("STOPPED", step))
                said = [(event["step"], event["message"]) for event in run.events("StopRequested")]
                self.assertEqual(said, [(step - 1, f"stops after step {step - 1}: --stop_after_steps")])
                evaluated = [event["step"] for event in run.events("EpochEvaluated")]
                self.assertEqual(evaluated, [end for end in EPOCH_ENDS if end < step], "a stop does not wait for an evaluation")
                run = self.train(config, f"stop_{step}", *words, workers=after)
                self.assert_says(run.ended, f"resumes at step {step} of {STEPS}")
                self.check_attempts(run, [(0, step, before, STOPPED), (step, STEPS - step, after, DONE)])
                self.assertEqual(run.result(), whole)
                self.assertEqual(run.steps_logged(), list(range(STEPS)))
                self.assertEqual((run.summary["state"], run.summary["restarts"], run.summary["steps_lost"]), ("SUCCEEDED", 0, 0))
                self.assertEqual([event["step"] for event in run.events("EpochEvaluated")], EPOCH_ENDS, "each epoch once")
                self.assertEqual({step for step in run.sets() if "val_acc1" in run.manifest(step)}, {*EPOCH_ENDS} & {*run.sets()})
                recovery = run.summary["attempts"][1]["recovery"]
                self.assertEqual((recovery["source"], recovery["step"]), ("disk", step))

    def test_a_distilled_deit_stops_at_every_step(self):
        self.stop_everywhere(STUDENT, *self.teacher())

    def test_a_convnet_in_bf16_stops_at_every_step(self):
        self.stop_everywhere(CONVNET, "train.precision=BF16")

    def test_a_kill_during_an_evaluation_costs_the_evaluation_only(self):
        config = self.job(STUDENT)
        words = ("data.synthetic_images=20000", "evaluate.batch_size=1", "train.max_steps=3")
        whole = self.train(config, "whole", *words).result()
        launch = self.launch(f"--config={config}", f"--run_dir={run_dir(self.folder, 'run')}", *words)
        run = Run(self.folder / "run")
        for _ in poll(60, "the last set"):
            if run.sets() == [3]:
                break
        os.kill(launch.pid, signal.SIGKILL)
        launch.wait()
        self.assertEqual(run.events("EpochEvaluated"), [], "the kill came too late")
        run = self.train(config, "run", *words, workers=2)
        self.assertEqual((run.summary["attempts"][-1]["first_step"], run.summary["attempts"][-1]["steps_executed"]), (3, 0))
        self.assertEqual(run.result(), whole)
        self.assertEqual(run.manifest(3)["val_acc1"], whole["val_acc1"])
        self.assertEqual(len(run.csv_rows()), 1)

    def test_each_epoch_has_its_row_evaluated_or_not(self):
        config = self.job(STUDENT)
        words = ("evaluate.every_epochs=2", "train.epochs=3")
        whole = self.train(config, "whole", *words).csv_rows()
        self.assertEqual([(row[0], [cell == "" for cell in row]) for row in whole],
                         [("0", [False] * 2 + [True] * 3 + [False] + [True] * 3), ("1", [False] * 9), ("2", [False] * 9)])
        for step in (4, 7):  # the ends of the first two epochs
            self.train(config, f"stop_{step}", *words, f"--stop_after_steps={step}", code=STOPPED)
            rows = self.train(config, f"stop_{step}", *words, workers=2).csv_rows()
            if step == 7:
                self.assertEqual(rows[1][1], "", "another attempt trained this epoch")
                rows[1][1] = whole[1][1]
            self.assertEqual(rows, whole)

    def test_a_job_with_the_whole_augmentation_goes_on_with_other_threads(self):
        config = self.job(STUDENT)
        words = ("augment.aa=rand-m9-mstd0.5-inc1", "augment.reprob=0.5", "augment.mixup=0.8", "augment.cutmix=1.0")
        whole = self.train(config, "whole", *words, workers=2).result()
        self.train(config, "stopped", *words, "data.threads=4", "--stop_after_steps=3", workers=3, code=STOPPED)
        self.assertEqual(self.train(config, "stopped", *words, workers=2).result(), whole)

    def test_one_step_at_a_time_is_the_same_run(self):
        config = self.job(STUDENT)
        whole = self.train(config, "whole").result()
        for step in range(STEPS):
            run = self.train(config, "steps", "--stop_after_steps=1", workers=1 + step % 2, code=DONE if step == STEPS - 1 else STOPPED)
        self.assertEqual(run.result(), whole)
        self.assertEqual([attempt["steps_executed"] for attempt in run.summary["attempts"]], [1] * STEPS)
        self.assertEqual(run.steps_logged(), list(range(STEPS)))

    def test_steps_after_the_newest_set_are_executed_again_and_counted_as_lost(self):
        config = self.job(STUDENT)
        whole = self.train(config, "run", "checkpoint.every_steps=3", workers=2).result()
        shutil.rmtree(self.folder / "run/checkpoints" / f"step_{STEPS:08}")
        run = self.train(config, "run", "checkpoint.every_steps=3", workers=3)
        self.check_attempts(run, [(0, STEPS, 2, DONE), (6, 1, 3, DONE)])
        self.assertEqual(run.result(), whole)
        self.assertEqual(run.steps_logged(), list(range(STEPS)))
        self.assertEqual(run.summary["steps_lost"], 1)

    def test_a_finished_job_says_so_again(self):
        config = self.job(STUDENT)
        first = self.train(config, "run")
        finished = first.ended.out.splitlines()[-1]
        self.assertRegex(finished, rf"^finished step={STEPS} epoch=2 val_acc1=[0-9.]+ weights_digest=[0-9a-f]{{16}}$")
        self.assertIn(first.summary["weights_digest"], finished)
        result = first.result()
        again = self.train(config, "run", workers=2)
        self.assertEqual(again.ended.out.splitlines()[-1], finished)
        self.assertEqual(again.summary["attempts"][1]["steps_executed"], 0)
        self.assertEqual(again.result(), result)

    def test_max_steps_cuts_a_run_and_a_larger_one_continues_it(self):
        config = self.job(STUDENT)
        whole = self.train(config, "whole").result()
        cut = self.train(config, "cut", "train.max_steps=4")
        self.assertEqual(cut.summary["steps"], 4)
        self.assertEqual(self.train(config, "cut", workers=2).result(), whole)

    def test_resume_required_wants_a_checkpoint(self):
        config = self.job(STUDENT)
        run = self.train(config, "run", "--resume=required", code=MISSING)
        self.assert_failed_plainly(run.ended, "no usable checkpoint", "hint: start without --resume=required")
        self.train(config, "run", "--stop_after_steps=2", code=STOPPED)
        self.assertEqual(self.train(config, "run", "--resume=required").summary["attempts"][-1]["first_step"], 2)

    def test_resume_never_begins_anew_and_keeps_what_was_there(self):
        config = self.job(STUDENT)
        self.train(config, "run", "--stop_after_steps=5", "checkpoint.every_steps=1", code=STOPPED)
        other = self.train(config, "other", "train.seed=3", "--stop_after_steps=4", code=STOPPED)
        run = self.train(config, "run", "--resume=never", "--allow_config_change", "train.seed=3", "--stop_after_steps=4", code=STOPPED)
        self.assertEqual(run.state(), other.state())
        self.assert_says(run.ended, "checkpoints_before_attempt_2")
        self.assertTrue((run.path / "checkpoints_before_attempt_2/step_00000005/manifest.json").exists())
        run = self.train(config, "run", "train.seed=3")
        self.assertEqual(run.summary["attempts"][-1]["first_step"], 4)
        self.assertEqual(run.result(), self.train(config, "other", "train.seed=3").result())

    def test_a_moved_folder_goes_on_and_a_copy_is_a_job_of_its_own(self):
        config = self.job(STUDENT)
        first = self.train(config, "here", "--stop_after_steps=3", code=STOPPED)
        job = first.summary["job"]
        first.path.rename(self.folder / "moved")
        shutil.copytree(self.folder / "moved", self.folder / "copy")
        moved, copy = self.train(config, "moved"), self.train(config, "copy")
        self.assertEqual(moved.summary["job"], job)
        self.assertNotEqual(copy.summary["job"], job)
        self.assertEqual(moved.result(), copy.result())
        self.assertEqual(moved.summary["attempts"][1]["first_step"], 3)

    def test_the_weights_that_a_job_began_with_may_be_gone_once_it_has_a_checkpoint(self):
        config = self.job(STUDENT)
        weights = self.train(config, "first", "train.max_steps=1").set(1)
        words = f"model.init_from={weights}", "train.seed=5"
        whole = self.train(config, "whole", *words).result()
        self.train(config, "here", *words, "--stop_after_steps=3", code=STOPPED)
        shutil.copytree(self.folder / "here", self.folder / "copy")
        shutil.rmtree(weights)
        fresh = self.train(config, "here", *words, "--resume=never", code=MISSING)
        self.assert_says(fresh.ended, "model.init_from: ", "no such file")
        self.assertEqual(fresh.sets(), [3], "nothing is put aside for a start that cannot be")
        self.assertEqual(self.train(config, "here", *words, workers=2).result(), whole)
        self.assertEqual(self.train(config, "copy", *words).result(), whole)
        new = self.train(config, "new", *words, code=MISSING)
        self.assert_says(new.ended, "model.init_from: ", "no such file")

    def test_retention_keeps_the_newest_sets_and_the_best(self):
        run = self.train(self.job(STUDENT), "run", "checkpoint.every_steps=1", "checkpoint.keep=2")
        evaluated = dict(zip(EPOCH_ENDS, (float(row[3]) for row in run.csv_rows()), strict=True))  # step: accuracy
        best = max(evaluated, key=lambda step: (evaluated[step], step))
        self.assertEqual(run.sets(), sorted({6, 7, best}))


if __name__ == "__main__":
    main()
