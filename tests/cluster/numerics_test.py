"""What bits depend on besides the job is fingerprinted; a loss that is not finite is everybody's decision."""
import pathlib
import struct

import processor
from cluster import BAD_CONFIG, CONVNET, NON_FINITE, STEPS, STOPPED, STUDENT, WORKER, ClusterTest, Run, main, read_safetensors, write_safetensors

DIVERGES = ("optimizer.lr=1e6", "optimizer.clip_grad=0")


class Numerics(ClusterTest):
    def test_another_math_library_setting_is_another_fingerprint(self):
        config = self.job(STUDENT)
        own = processor.capability()
        environments = {"plain": {}, "compatible": {"MKL_CBWR": "COMPATIBLE"},
                        **{other: {"ATEN_CPU_CAPABILITY": other} for other in processor.other_capabilities()}}
        prints = {}
        for name, env in environments.items():
            prints[name] = self.train(config, name, "train.max_steps=1", env=env).summary["numerics_fingerprint"]
            self.assertRegex(prints[name], "^[0-9a-f]{16}$")
        self.assertEqual(len(set(prints.values())), len(environments), prints)
        again = self.train(config, "again", "train.max_steps=1", workers=2, env={"ATEN_CPU_CAPABILITY": own})
        self.assertEqual(again.summary["numerics_fingerprint"], prints["plain"], f"{own} is what the processor has anyway")
        for word in ("threads_per_worker=2", "train.precision=BF16"):
            self.assertNotEqual(self.train(config, word, word, "train.max_steps=1").summary["numerics_fingerprint"], prints["plain"])

    def test_a_resume_under_other_numerics_warns_and_goes_on(self):
        config = self.job(STUDENT)
        self.train(config, "run", "--stop_after_steps=3", code=STOPPED)
        run = self.train(config, "run", workers=2, env={"MKL_CBWR": "COMPATIBLE"})
        self.assert_says(run.ended, "checkpoint of step 3 was trained with other numerics: results will be close, not identical")
        self.assertEqual(run.ended.text.count("other numerics"), 1)
        self.assertEqual((run.summary["attempts"][-1]["first_step"], run.summary["steps"]), (3, STEPS))
        self.assertEqual(len(run.events("NumericsChanged")), 1)
        self.assertNotIn("other numerics", self.train(config, "run", env={"MKL_CBWR": "COMPATIBLE"}).ended.text)

    def test_bfloat16_without_instructions_is_said_at_the_start(self):
        held = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
        run = self.train(self.job(STUDENT), "bf16", "train.max_steps=1", "train.precision=BF16", env=held)
        self.assert_says(run.ended, "train.precision: BF16: this processor has no instructions for it")
        self.assertNotIn("BF16:", self.train(self.job(STUDENT), "fp32", "train.max_steps=1", env=held).ended.text)

    def test_another_program_is_refused(self):
        other = self.folder / "deit-worker"
        program = bytearray(pathlib.Path(WORKER).read_bytes())
        note = program.index(b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0") + 16  # the build id: 20 bytes
        program[note] ^= 1
        other.write_bytes(program)
        other.chmod(0o700)
        wrapper = self.folder / "wrapper.sh"
        wrapper.write_text('#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK" = 1 ] && exec "$OTHER_PROGRAM" "$@"\nexec "$DEIT_WORKER_PROGRAM" "$@"\n')
        wrapper.chmod(0o700)
        words = (f"--config={self.job(STUDENT)}", f"--run_dir=../{self.folder.name}/run")
        programs = {"DEIT_WORKER_PROGRAM": WORKER, "OTHER_PROGRAM": str(other)}
        ended = self.run_worker(*words, workers=2, program=wrapper, env=programs, code=BAD_CONFIG)
        self.assert_failed_plainly(ended, "worker 0 runs another", "hint: install the same deit-worker on all hosts")

    def test_workers_with_unequal_numerics_are_told(self):
        run_dir = f"../{self.folder.name}/run"
        config = self.job(STUDENT)
        wrapper = self.folder / "wrapper.sh"
        wrapper.write_text('#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK" = 1 ] && export MKL_CBWR=COMPATIBLE\nexec "$DEIT_WORKER_PROGRAM" "$@"\n')
        wrapper.chmod(0o700)
        words = (f"--config={config}", f"--run_dir={run_dir}", "train.max_steps=2")
        ended = self.run_worker(*words, workers=2, program=wrapper, env={"DEIT_WORKER_PROGRAM": WORKER})
        self.assert_says(ended, "worker 1 computes with other numerics than worker 0: results will be close, not identical")


class NonFinite(ClusterTest):
    def test_all_workers_end_at_the_same_step(self):
        steps = set()
        for workers in (1, 2, 3):
            run = self.train(self.job(STUDENT), f"w{workers}", *DIVERGES, "checkpoint.every_steps=1", workers=workers, code=NON_FINITE)
            self.assert_failed_plainly(run.ended, "not finite", "hint: lower optimizer.lr")
            self.assertEqual(run.ended.text.count("not finite"), 1, "one worker speaks for all")
            summary = run.summary
            steps.add((summary["steps"], run.ended.err.split("error: ")[1].splitlines()[0]))
            self.assertEqual((summary["state"], summary["attempts"][0]["exit_code"]), ("FAILED", NON_FINITE))
            self.assertEqual(run.sets()[-1], summary["steps"], "the last set is of the last good step")
            errors = [run.error(worker) for worker in range(workers)]
            self.assertEqual({(error["exit_code"], error["step"]) for error in errors}, {(NON_FINITE, summary["steps"])})
        self.assertEqual(len(steps), 1, steps)

    def test_skipped_steps_change_nothing_and_are_logged(self):
        results = []
        for workers in (1, 3):
            run = self.train(self.job(STUDENT), f"w{workers}", *DIVERGES, "train.non_finite=SKIP", workers=workers)
            self.assert_says(run.ended, "not finite: step skipped")
            skipped = [line["skipped"] for line in run.lines("metrics.jsonl")]
            self.assertEqual(run.steps_logged(), list(range(STEPS)))
            self.assertTrue(any(skipped) and not skipped[0], skipped)
            self.assertEqual([event["step"] for event in run.events("StepSkipped")],
                             [step for step, skip in enumerate(skipped) if skip])
            self.assertEqual(int(run.manifest(STEPS)["adam_steps"]), STEPS - sum(skipped))
            results.append((run.result(), skipped))
        self.assertEqual(results[0], results[1])

    def test_a_teacher_that_is_not_finite_is_a_loss_that_is_not(self):
        self.train(self.job(CONVNET, "teacher.textproto"), "teacher", "train.max_steps=1")
        tensors = read_safetensors(Run(self.folder / "teacher").set(1) / "model_00.safetensors")
        for name in ("head.fc.weight", "head.fc.bias"):
            dtype, shape, content = tensors[name]
            tensors[name] = (dtype, shape, struct.pack("<f", 3.4e38) * (len(content) // 4))  # finite, but their sums are not
        write_safetensors(self.folder / "teacher.safetensors", tensors)
        words = ("teacher.model.name=convnet", "teacher.model.widths=8,16", f"teacher.weights={self.folder / 'teacher.safetensors'}",
                 "distillation.type=HARD", "train.max_steps=2")
        run = self.train(self.job(STUDENT), "fail", *words, workers=2, code=NON_FINITE)
        self.assert_says(run.ended, "loss of step 0, lane 0: not finite")
        run = self.train(self.job(STUDENT), "skip", *words, "train.non_finite=SKIP", workers=2)
        self.assertEqual([line["skipped"] for line in run.lines("metrics.jsonl")], [True, True])

    def test_a_run_with_skipped_steps_resumes_to_the_same_state(self):
        config = self.job(STUDENT)
        words = (*DIVERGES, "train.non_finite=SKIP")
        whole = self.train(config, "whole", *words).result()
        self.train(config, "run", *words, f"--stop_after_steps={STEPS - 1}", workers=2, code=STOPPED)
        self.assertEqual(self.train(config, "run", *words).result(), whole)


if __name__ == "__main__":
    main()
