"""DeiT's whole recipe: the same weights whatever happens, and every view accounted for."""
import ctypes
import json

import inputs
from cluster import LONG, STOPPED, STUDENT, ClusterTest, main, read_safetensors

RECIPE = ("augment.aa=rand-m9-mstd0.5-inc1", "augment.reprob=0.25", "augment.mixup=0.8", "augment.cutmix=1.0", "augment.interpolation=RANDOM",
          "model.pos_drop_rate=0.1", "model.proj_drop_rate=0.1")
PICTURES = ("data.format=IMAGE_FOLDER", "augment.crop=RESIZED", "model.num_classes=2")
OTHERS = {  # in place of AdamW, cross entropy and a rate for each step
    "lamb_bce": ("optimizer.opt=lamb", "train.bce_loss=true", "train.smoothing=0"),
    "sgd_by_epochs": ("optimizer.opt=sgd", "optimizer.lr=0.05", "schedule.sched_on_updates=false", "schedule.warmup_epochs=1"),
}
WORD = 2**64


def mix(value):
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % WORD
    return value ^ (value >> 31)


def ledger_sum(positions, pixels):
    """docs/formats.md: the sum of hash(position, digest of its pixels)."""
    library = ctypes.CDLL("libxxhash.so.0")
    library.XXH3_64bits.restype = ctypes.c_uint64
    library.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    return sum(mix((mix((position + 0x9E3779B97F4A7C15) % WORD) + library.XXH3_64bits(view, len(view))) % WORD)
               for position, view in zip(positions, pixels)) % WORD


class Recipe(ClusterTest):
    def result(self, config, name, workers, *words):
        return self.train(config, f"{name}_{workers}", *words, workers=workers).result()

    def check_through_a_kill(self, config, name, *words):
        """A worker is killed, others with other threads go on, and it ends as in every undisturbed world."""
        words = (*LONG, *RECIPE, *self.teacher(), *words)
        saved = self.train_until_killed(config, name, *words, "data.threads=4")
        words = (*words, f"train.max_steps={saved + 3}")
        resumed = self.train(config, name, *words, "data.prefetch=1", workers=3)
        self.assertEqual(resumed.summary["attempts"][-1]["first_step"], saved)
        result = resumed.result()
        for workers in (1, 2, 3, 5):
            with self.subTest(name=name, workers=workers):
                self.assertEqual(self.result(config, name, workers, *words, f"data.threads={1 + workers % 2 * 3}"), result)
        return result["weights_digest"]

    def test_killed_and_resumed_in_any_world(self):
        config = self.job(STUDENT)
        digests = {self.check_through_a_kill(config, "adamw")}
        digests |= {self.check_through_a_kill(config, name, *words) for name, words in OTHERS.items()}
        self.assertEqual(len(digests), 3)

    def test_each_part_of_it_belongs_to_the_job(self):
        config, short = self.job(STUDENT), ("train.max_steps=3", "evaluate.every_epochs=0")
        digests = {self.result(config, f"without_{k}", 1, *RECIPE[:k], *RECIPE[k + 1:], *short)["weights_digest"] for k in range(len(RECIPE))}
        digests |= {self.result(config, name, 1, *words, *short)["weights_digest"]
                    for name, words in {"all": RECIPE, **{name: (*RECIPE, *words) for name, words in OTHERS.items()}}.items()}
        self.assertEqual(len(digests), len(RECIPE) + 1 + len(OTHERS))

    def test_in_bf16(self):
        config, words = self.job(STUDENT), (*RECIPE, *OTHERS["lamb_bce"], "train.precision=BF16", "train.max_steps=4")
        self.assertEqual(self.result(config, "bf16", 3, *words), self.result(config, "bf16", 1, *words))

    def test_the_ledger_is_that_of_the_pixels_that_preview_shows(self):
        folder = inputs.write_image_folder(self.folder / "pictures", pictures=50)
        config, words = self.job(STUDENT), (*RECIPE, *PICTURES, f"data.root={folder}", "train.max_steps=6")
        self.train(config, "run", *words, "--stop_after_steps=2", workers=3, code=STOPPED)
        ledger = self.train(config, "run", *words, "data.threads=4", workers=2).manifest(6)["ledger"]
        self.run_worker("--task=preview", f"--config={config}", *words, "--steps=0:6", "--output=shown")
        tensors = read_safetensors(self.folder / "shown/pixels.safetensors")
        (_, shape, data), (_, _, positions) = tensors["x"], tensors["position"]
        positions = list(memoryview(positions).cast("q"))
        size = len(data) // shape[0]
        pixels = [data[k * size: (k + 1) * size] for k in range(shape[0])]
        views = [json.loads(line) for line in (self.folder / "shown/views.jsonl").read_text().splitlines()]
        self.assertTrue(any(view["mix"] for view in views), "nothing was mixed")
        first_epoch = 100  # images
        for entry, (begin, end) in zip(ledger, ((0, first_epoch), (first_epoch, len(positions))), strict=True):
            self.assertEqual(int(entry["count"]), end - begin)
            self.assertEqual(int(entry["sum"]), ledger_sum(positions[begin:end], pixels[begin:end]))
        changed = [bytes([pixels[0][0] ^ 1]) + pixels[0][1:], *pixels[1:first_epoch]]
        self.assertNotEqual(int(ledger[0]["sum"]), ledger_sum(positions[:first_epoch], changed), "one other bit shows")

    def test_the_averaged_weights_are_evaluated_too(self):
        config = self.job(STUDENT)
        run = self.train(config, "run", "data.synthetic_images=400", "optimizer.lr=1e-2", workers=2)
        said = json.loads(self.run_worker("--task=evaluate", "--json", "--ema", f"--config={config}", f"--run_dir={run.path}",
                                          "data.synthetic_images=400").out.splitlines()[-1])
        self.assertEqual(run.summary["val_acc1_ema"], said["acc1"])
        self.assertEqual(run.manifest(run.summary["steps"])["val_acc1_ema"], said["acc1"])
        row = run.csv_rows()[-1]
        self.assertEqual(float(row[7]), said["acc1"])
        self.assertNotEqual(row[6], row[2], "the same loss by other weights")
        self.assertIn(f"of the averaged weights {said['acc1']:g}, of 40 images", run.events("EpochEvaluated")[-1]["message"])
        plain = self.train(config, "plain", "ema.decay=0", "train.max_steps=4")
        self.assertNotIn("val_acc1_ema", plain.summary)
        self.assertEqual(len(plain.csv_rows()[-1]), 6)


if __name__ == "__main__":
    main()
