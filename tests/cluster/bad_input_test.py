"""No input crashes a process: bytes from the user or the disk end in an error that names the thing, the value and the cause."""
import gzip
import os
import shutil
import signal
import unittest

import inputs
from cluster import (BAD_CONFIG, CONVNET, COORD, CORRUPT, DONE, MISSING, RUN_FOLDER, STEPS, STOPPED, STUDENT, WORKER, ClusterTest, Launch,
                     Run, main, poll, read_safetensors, write_safetensors)


class BadInput(ClusterTest):
    def refuse(self, code, texts, *words, config=None, run="refused", workers=1, **options):
        """The launch ends with `code` and says all of `texts`."""
        with self.subTest(texts=texts, words=words, workers=workers):
            config = config or self.job(STUDENT)
            said = self.train(config, run, *words, workers=workers, code=code, **options)
            self.assert_failed_plainly(said.ended, *texts)
            return said


class BadJob(BadInput):
    def refuse_job(self, text, *texts, name="bad.textproto", workers=1):
        return self.refuse(BAD_CONFIG, texts, config=self.job(text, name), workers=workers)

    def test_job_files(self):
        self.refuse_job("", "bad.textproto: error: model.name: not set")
        self.refuse_job("model {", "bad.textproto:1:8: error: syntax")
        self.refuse_job("train { epochs: 3 epocs: 4 }\n" + STUDENT, "bad.textproto:1:",
                        'train.epocs: unknown field, did you mean "train.epochs"')
        self.refuse_job(STUDENT.replace("epochs: 2", "epochs: 0"), "bad.textproto:5:", "train.epochs: 0: out of range: want 1 to 1000000")
        self.refuse_job("{", "bad.json", name="bad.json")
        self.refuse_job("\0\xff\x1b" * 50, "bad.textproto:1:1: error: syntax")
        self.refuse(MISSING, ("job file: ", "nothing.textproto", "no such file"), config=self.folder / "nothing.textproto")
        self.refuse(MISSING, ("job file: ",), config=self.folder)
        self.assertFalse((self.folder / "refused").exists(), "a job that is refused leaves no run folder")

    def test_all_mistakes_come_in_one_go_and_once(self):
        text = STUDENT.replace("epochs: 2", "epochs: -2").replace("lanes: 8", "lanes: 6")
        run = self.refuse_job(text, "train.epochs: -2", "train.lanes: 6", workers=2)
        self.assertEqual(run.ended.text.count("train.epochs"), 1, "one worker speaks for all")

    def test_overrides(self):
        for word, text in {
            "train.batch_size=banana": "train.batch_size: banana: want a whole number",
            "train.batch_size=20": "train.batch_size: 20: not divisible by train.lanes 8",
            "train.batch_size=99999999999999999999": "train.batch_size: 99999999999999999999: out of range",
            "train.epochs=-1": "train.epochs: -1: out of range",
            "train.max_steps=-9223372036854775809": "out of range",
            "optimizer.lr=nan": "optimizer.lr: nan",
            "optimizer.lr=1e30": "optimizer.lr: 1e30: out of range",
            "ema.decay=1": "ema.decay: 1: out of range",
            "model.num_heads=5": "model.num_heads",
            "model.patch_size=5": "model.patch_size",
            "model.name=deit_tinny": 'model.name: "deit_tinny": unknown model',
            "data.format=PICKLE": "data.format: PICKLE",
            "train.precision=FP8": "train.precision: FP8",
            "teacher=3": "teacher",
            "nothing=3": "nothing: unknown field",
            "=3": "=3",
            "train.lanes": "train.lanes",
            "optimizer.opt=sgdd": 'optimizer.opt: "sgdd"',
            "device=CUDA": "device: CUDA",
        }.items():
            self.refuse(BAD_CONFIG, [text], word)

    @unittest.skipIf(os.environ.get("DEIT_SANITIZE"), "the sanitizer needs the addresses that this test takes away")
    def test_sizes_that_no_machine_has(self):
        limited = self.folder / "limited.sh"
        limited.write_text('#!/bin/bash\nulimit -v 8000000\nexec "$DEIT_WORKER_PROGRAM" "$@"\n')
        limited.chmod(0o700)
        wide = ("model.num_heads=1024", "model.embed_dim=65536")
        for texts, words in {
            ("model.name: ", "parameters: want at most 100000000000"): (*wide, "model.depth=1024"),
            ("weights and gradients of ", "not enough memory", "hint: "): (*wide, "model.depth=1"),
            ("pixel buffer of ", "not enough memory", "hint: "): ("train.batch_size=1048576", "model.img_size=224"),
            ("training a micro-batch: not enough memory", "hint: "): ("train.batch_size=8", "model.img_size=4088"),
        }.items():
            self.refuse(BAD_CONFIG, texts, *words, program=limited, env={"DEIT_WORKER_PROGRAM": WORKER})

    def test_schedules_that_do_not_exist_yet_are_refused_by_name(self):
        teacher = ("teacher.model.name=convnet", "teacher.weights=weights.safetensors", "distillation.type=HARD")
        for schedule in ("AHEAD", "CACHED"):
            self.refuse(BAD_CONFIG, ["teacher.schedule: ", schedule], *teacher, f"teacher.schedule={schedule}")

    def test_flags(self):
        self.refuse(BAD_CONFIG, ["--task: dance: want train, evaluate"], "--task=dance")
        self.refuse(BAD_CONFIG, ["--resume: maybe: want auto, never or required"], "--resume=maybe")
        self.refuse(BAD_CONFIG, ["--stop_after_steps: 0: want at least 1"], "--stop_after_steps=0")
        self.refuse(BAD_CONFIG, ["--stop_afer_steps: unknown flag", 'did you mean "--stop_after_steps"', "hint: "], "--stop_afer_steps=1")
        self.refuse(BAD_CONFIG, ["many", "stop_after_steps"], "--stop_after_steps=many")

    def test_without_a_flag_the_current_folders_job_file_is_trained(self):
        ended = self.run_worker(workers=2, code=BAD_CONFIG)
        self.assert_failed_plainly(ended, "--config: missing, and the current folder has no deit.textproto", "hint: ")
        self.assertEqual(ended.text.count("--config: missing"), 1)
        (self.folder / "deit.textproto").write_text(STUDENT)
        self.run_worker(workers=2)
        self.assertEqual(Run(self.folder / "runs/student").summary["steps"], STEPS)

    def test_a_run_folders_name_may_be_any_bytes(self):
        words = ["run", f"--config={self.job(STUDENT)}", "--np=1", "--run_dir=caf\udce9", "train.max_steps=2"]
        ended = Launch(self.folder, 1, words, program=COORD).wait()
        self.assertEqual(ended.code, DONE, ended)
        self.assertEqual(Run(self.folder / "caf\udce9").summary["steps"], 2)

    def test_more_workers_than_lanes(self):
        run = self.refuse(BAD_CONFIG, ["workers: 3: more than train.lanes, 2", "hint: start at most 2 workers"], "train.lanes=2", workers=3)
        self.assertEqual(run.ended.text.count("more than train.lanes"), 1)

    def test_a_thread_limit_below_the_threads(self):
        self.refuse(BAD_CONFIG, ["OMP_THREAD_LIMIT: 1: below threads_per_worker, 2", "hint: "], "threads_per_worker=2",
                    env={"OMP_THREAD_LIMIT": "1"})


class BadData(BadInput):
    def refuse_idx(self, code, texts, name, change, compress=()):
        folder = inputs.write_idx(self.folder / "idx", {name: change}, compress=compress)
        self.refuse(code, texts, "data.format=IDX", f"data.root={folder}", "train.max_steps=2")
        shutil.rmtree(folder)

    def test_good_idx_files_train(self):
        folder = inputs.write_idx(self.folder / "idx", compress=("train-images-idx3-ubyte",))
        self.train(self.job(STUDENT), "good", "data.format=IDX", f"data.root={folder}", "train.max_steps=2", code=DONE)

    def test_idx_files(self):
        images, labels = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
        where = ("data.root: ",)
        self.refuse(MISSING, (*where, "no such file", "hint: "), "data.format=IDX", f"data.root={self.folder}/nothing")
        self.refuse(MISSING, ("data.root",), "data.format=IDX", f"data.root={self.job(STUDENT)}")
        self.refuse(BAD_CONFIG, ("data.root",), "data.format=IDX")
        self.refuse_idx(CORRUPT, (images,), images, lambda content: content[:-1])
        self.refuse_idx(CORRUPT, (images,), images, lambda content: content[:10])
        self.refuse_idx(CORRUPT, (images,), images, lambda content: b"")
        self.refuse_idx(CORRUPT, (images,), images, lambda content: content + b"\0")
        self.refuse_idx(CORRUPT, (images, "not an IDX file", "1 0 8 3"), images, lambda content: b"\1" + content[1:])
        for sizes in ((41, 28, 28), (0xFFFFFFFF, 28, 28), (40, 0, 28), (40, 0xFFFFFFFF, 0xFFFFFFFF), (0, 28, 28)):
            self.refuse_idx(CORRUPT, (images,), images, lambda content, sizes=sizes: inputs.idx(0x803, sizes, content[16:]))
        self.refuse_idx(CORRUPT, ("39", "40"), labels, lambda content: inputs.idx_labels(39))
        self.refuse_idx(BAD_CONFIG, (labels, "label 10 of image 39", "model.num_classes is 10"), labels,
                        lambda content: content[:-1] + b"\x0a")
        self.refuse_idx(CORRUPT, (images,), images, lambda content: content[: len(content) // 2], compress=(images,))
        self.refuse_idx(CORRUPT, (images,), images,
                        lambda content: content[:100] + bytes([content[100] ^ 255]) + content[101:], compress=(images,))
        self.refuse_idx(CORRUPT, (images,), images, lambda content: gzip.compress(b"abc"), compress=(images,))


class BadWeights(BadInput):
    def setUp(self):
        super().setUp()
        self.train(self.job(CONVNET, "teacher.textproto"), "teacher", "train.max_steps=1")
        self.good = read_safetensors(Run(self.folder / "teacher").set(1) / "model_00.safetensors")
        self.path = self.folder / "weights.safetensors"

    def refuse_weights(self, code, texts, **lies):
        write_safetensors(self.path, **{"tensors": self.good, **lies})
        self.refuse(code, ("teacher.weights: ", str(self.path), *texts), *self.words())

    def words(self):
        return ("teacher.model.name=convnet", "teacher.model.widths=8,16", f"teacher.weights={self.path}", "distillation.type=HARD",
                "train.max_steps=1")

    def changed(self, name, change):
        """The good tensors with another (dtype, shape, bytes) of one; None removes it."""
        tensors = dict(self.good)
        value = change(*tensors.pop(name))
        return {**tensors, **({name: value} if value else {})}

    def test_good_weights_teach(self):
        write_safetensors(self.path, self.good)
        self.train(self.job(STUDENT), "good", *self.words())

    def test_weights_of_a_teacher(self):
        first = "head.fc.bias"
        self.assertIn(first, self.good)
        self.refuse(MISSING, ("teacher.weights: ", "no such file"), *self.words())
        for cut in (0, 4, 8, 50, 2000):
            self.refuse_weights(CORRUPT, (), cut=cut)
        for change in (-1, 1, 10**6, 2**63):
            self.refuse_weights(CORRUPT, (), size_change=change)
        self.refuse_weights(CORRUPT, (), header_change=lambda header: {**header, first: {**header[first], "data_offsets": [0, 2**62]}})
        self.refuse_weights(CORRUPT, (), header_change=lambda header: {**header, first: {**header[first], "data_offsets": [-4, 36]}})
        self.refuse_weights(CORRUPT, (), header_change=lambda header: {**header, first: {**header[first], "shape": [2**40, 2**40]}})
        self.refuse_weights(CORRUPT, (), header_change=lambda header: {**header, first: {**header[first], "dtype": "F31"}})
        self.refuse_weights(CORRUPT, (), header_change=lambda header: {**header, first: header["head.fc.weight"]})
        self.refuse_weights(CORRUPT, (), header_change=lambda header: [1, 2])
        self.refuse_weights(CORRUPT, (), header_change=lambda header: "[" * 100000)
        self.refuse_weights(CORRUPT, (f"{first}: missing",), tensors=self.changed(first, lambda *same: None))
        self.refuse_weights(CORRUPT, (f"{first}: shape [5], the model's is [10]",),
                            tensors=self.changed(first, lambda d, s, b: (d, [5], b[:20])))
        self.refuse_weights(CORRUPT, (f"{first}: type I32 cannot be used",), tensors=self.changed(first, lambda d, s, b: ("I32", s, b)))
        self.refuse_weights(CORRUPT, ("more: the model has no such tensor",), tensors={**self.good, "more": ("F32", [1], bytes(4))})

    def test_a_teacher_of_other_classes(self):
        write_safetensors(self.path, self.good)
        texts = ("teacher.weights: ", "head.fc.bias: shape [10], the model's is [7]", "hint: a teacher's tensors are never initialised")
        self.refuse(CORRUPT, texts, *self.words(), "model.num_classes=7")
        texts = ("teacher.model.num_classes: 10: differs from model.num_classes 7",)
        self.refuse(BAD_CONFIG, texts, *self.words(), "model.num_classes=7", "teacher.model.num_classes=10")

    def test_a_damaged_checkpoint_as_weights(self):
        damaged = Run(self.folder / "teacher").set(1)
        content = bytearray((damaged / "model_00.safetensors").read_bytes())
        content[-1] ^= 1
        (damaged / "model_00.safetensors").write_bytes(content)
        self.path = damaged
        self.refuse(CORRUPT, ("teacher.weights: ", "model_00.safetensors", "digest is"), *self.words())
        self.refuse(CORRUPT, ("model.init_from: ", "model_00.safetensors", "digest is"), f"model.init_from={damaged}",
                    config=self.job(CONVNET))

    def test_initial_weights(self):
        config = self.job(CONVNET)
        write_safetensors(self.path, self.changed("head.fc.bias", lambda *same: None))
        self.refuse(CORRUPT, ("model.init_from: ", "head.fc.bias: missing"), f"model.init_from={self.path}", config=config, workers=2)
        write_safetensors(self.path, self.good, cut=900)
        self.refuse(CORRUPT, ("model.init_from: ",), f"model.init_from={self.path}", config=config)
        self.refuse(MISSING, ("model.init_from: ", "no such file"), f"model.init_from={self.path}x", config=config)


class BadRunFolder(BadInput):
    def test_a_folder_that_cannot_be_made(self):
        config = self.job(STUDENT)
        for path in (config / "run", "/proc/no/such/place"):
            ended = self.run_worker(f"--config={config}", f"--run_dir={path}", code=RUN_FOLDER)
            self.assert_failed_plainly(ended, f"run_dir: {path}", "hint: set run_dir to a folder that you can write to")

    def test_a_folder_without_permission(self):
        (self.folder / "locked").mkdir(mode=0o500)
        options = {}
        if os.geteuid() == 0:  # who may write everywhere, unless that capability is given up
            options["program"] = self.folder / "as_others.sh"
            options["program"].write_text(f'#!/bin/sh\nexec setpriv --bounding-set -dac_override -- "{WORKER}" "$@"\n')
            options["program"].chmod(0o700)
        self.refuse(RUN_FOLDER, ["permission denied"], run="locked/run", **options)

    def test_a_folder_of_another_job(self):
        config = self.job(STUDENT)
        first = self.train(config, "run", "--stop_after_steps=3", code=STOPPED)
        job, before = first.summary["job"], first.lines("events.jsonl")
        difference = ["holds another job", "optimizer.lr: 0.002 -> 0.004", "train.batch_size: 32 -> 64", "hint: choose another run_dir"]
        run = self.refuse(RUN_FOLDER, difference, "optimizer.lr=4e-3", "train.batch_size=64", "log_interval=7", run="run", workers=2)
        self.assertNotIn("log_interval", run.ended.text, "EXECUTION fields may change")
        self.assertEqual((run.sets(), run.lines("events.jsonl")), (first.sets(), before), "nothing was touched")
        run = self.train(config, "run", "optimizer.lr=4e-3", "--allow_config_change")
        self.assertEqual((run.summary["attempts"][-1]["first_step"], run.summary["steps"], run.summary["job"]), (3, STEPS, job))
        self.assertEqual(len(run.events("ConfigChanged")), 1)

    def test_a_change_that_moves_positions_is_refused_though_changes_are_allowed(self):
        config = self.job(STUDENT)
        before = self.train(config, "run", "--stop_after_steps=3", code=STOPPED)
        for word, change in (("train.batch_size=64", "train.batch_size: 32 -> 64"), ("data.max_images=50", "data.max_images: 0 -> 50"),
                             ("augment.repeated_aug=2", "augment.repeated_aug: 3 -> 2"), ("train.drop_last=true", "train.drop_last: ")):
            self.refuse(RUN_FOLDER, [change, "other positions of the data", "hint: "], word, "--allow_config_change", run="run")
        self.assertEqual(before.sets(), [3], "nothing was touched")
        run = self.train(config, "run", "--allow_config_change", "--resume=never", "train.batch_size=64", "train.max_steps=1")
        self.assertEqual(run.summary["attempts"][-1]["first_step"], 0)

    def test_a_folder_of_another_model(self):
        config = self.job(STUDENT)
        self.train(config, "run", "--stop_after_steps=3", code=STOPPED)
        run = self.train(config, "run", "--allow_config_change", "model.depth=3", code=RUN_FOLDER)
        self.assert_failed_plainly(run.ended, "is of another model: ", "blocks.2.norm1.weight", "hint: ")
        self.assertEqual(run.sets(), [3], "a good set of another model is not set aside")

    def test_a_folder_without_a_checkpoint_may_become_another_job(self):
        config = self.job(STUDENT)
        self.train(config, "run", "--resume=required", code=MISSING)
        whole = self.train(config, "other", "train.seed=9").result()
        self.assertEqual(self.train(config, "run", "train.seed=9", workers=2).result(), whole)

    def test_two_runs_in_one_folder(self):
        config = self.job(STUDENT)
        words = (f"--config={config}", f"--run_dir=../{self.folder.name}/run", "train.epochs=100000")
        owner = self.launch(*words)
        events = self.folder / "run/events.jsonl"
        for _ in poll(30, "the start"):
            if events.exists() and events.stat().st_size > 0:
                break
        for workers in (1, 2):
            ended = self.run_worker(*words, workers=workers, code=RUN_FOLDER)
            self.assert_failed_plainly(ended, f"in use by process {owner.pid} on ", "hint: wait for that run or stop it")
        os.kill(owner.pid, signal.SIGTERM)
        self.assertEqual(owner.wait(60).code, STOPPED)
        said = Run(self.folder / "run")
        self.assertEqual(len(said.summary["attempts"]), 1)
        self.assertEqual(said.steps_logged(), list(range(said.summary["steps"])))

    def test_files_of_the_folder_that_are_broken(self):
        config = self.job(STUDENT)
        whole = self.train(config, "whole").result()
        for name, content in {"summary.json": "{", "metrics.jsonl": "{\n\0\n", "events.jsonl": "x", "progress.json": "",
                              "summary.csv": "a,b\n1", "config.textproto": "model {", "job.json": "[]", "lock": "\0"}.items():
            with self.subTest(name):
                self.train(config, name, "--stop_after_steps=3", code=STOPPED)
                (self.folder / name / name).write_text(content)
                self.assertEqual(self.train(config, name, workers=2).result(), whole)


if __name__ == "__main__":
    main()
