"""The references themselves: each golden file is what Python's libraries give today, and deit-worker does as they do on fresh inputs.

usage: python3 tests/parity/parity_test.py [TEST ...]     (run by ctest as slow/parity; the variables below by hand)
DEIT_PROGRAMS   folder of deit-worker and deit-coord
DEIT_PARITY     folder for a Python environment with requirements.txt, made where there is none, and a copy of tests/
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "support"))

from case_runner import run_cases  # noqa: E402

PROGRAMS, PARITY = (pathlib.Path(os.environ[name]).resolve() for name in ("DEIT_PROGRAMS", "DEIT_PARITY"))
COPY, PYTHON = PARITY / "tests", PARITY / "venv/bin/python"
NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
RELATIVE, ABSOLUTE = 1e-4, 1e-7  # processors round otherwise
LIMIT = 3600  # seconds of one script
RANDOM_INPUTS = {"random_folders.py": "list_images", "random_shards.py": "list_images", "random_weights.py": "read_weights"}
CASES, SEED = 200, 1

WRITES = {  # script and arguments -> what it writes, below tests/
    ("pixels.py",): ["worker/pixels/golden"],
    ("torch_save_files.py",): ["common/torch_save/golden/tensors.txt"],
    ("decoding.py",): ["worker/data/golden"],
    ("distributions.py",): ["worker/augment/golden"],
    ("list_tensors.py",): [f"common/models/golden/{name}_patch16_224.txt" for name in ("deit_tiny", "deit_tiny_distilled")],
    ("list_torchvision.py",): ["worker/weights/golden/torchvision.txt"],
    ("huggingface.py",): ["worker/weights/golden/huggingface.txt"],
    ("losses.py",): ["worker/distill/golden"],
    ("optimizers.py",): ["worker/update/golden"],
    ("reference_models.py", "registry"): ["common/models/golden/registry.txt"],
    ("reference_models.py", "reduced"): ["worker/nn/golden/parity/reduced"],
    ("vit_pytorch_models.py", "registry"): ["common/models/golden/vit_pytorch.txt"],
    ("vit_pytorch_models.py", "reduced"): ["worker/nn/golden/parity/vit_pytorch_reduced"],
    ("follow_training.py", "golden", PROGRAMS): ["cluster/golden/training.json"],
    ("follow_recipe.py", PROGRAMS): ["cluster/golden/recipe.json"],
}


def run(*words, cwd=None):
    environment = dict(os.environ, DEIT_STATE_DIR=str(PARITY / "state"))
    done = subprocess.run([str(word) for word in words], cwd=cwd, env=environment, text=True, capture_output=True, check=False, timeout=LIMIT)
    print(done.stdout[-2000:], flush=True)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def make_environment():
    wanted = (TESTS / "parity/requirements.txt").read_text()
    made = PARITY / "venv/requirements.txt"
    if made.is_file() and made.read_text() == wanted:
        return
    run(sys.executable, "-m", "venv", "--clear", PARITY / "venv")
    run(PYTHON, "-m", "pip", "install", "--quiet", "-r", TESTS / "parity/requirements.txt")
    made.write_text(wanted)


def is_close(ours, theirs):
    """Equal but for the last digits of numbers."""
    if NUMBER.sub("#", ours) != NUMBER.sub("#", theirs):
        return False
    pairs = zip(map(float, NUMBER.findall(ours)), map(float, NUMBER.findall(theirs)))
    return all(abs(a - b) <= RELATIVE * max(abs(a), abs(b)) + ABSOLUTE for a, b in pairs)


class Parity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        PARITY.mkdir(parents=True, exist_ok=True)
        make_environment()
        shutil.rmtree(COPY, ignore_errors=True)
        shutil.copytree(TESTS, COPY, ignore=shutil.ignore_patterns("__pycache__"))

    def compare(self, path):
        """A golden file as it is in the tree with what a script has just written."""
        ours, theirs = (TESTS / path).read_bytes(), (COPY / path).read_bytes()
        if ours == theirs:
            return
        self.assertIn(path.suffix, (".txt", ".json"), f"{path}: other bytes")
        lines = list(zip(ours.decode().splitlines(), theirs.decode().splitlines(), strict=True))
        for number, (before, now) in enumerate(lines, 1):
            self.assertTrue(is_close(before, now), f"{path}:{number}:\n  in the tree  {before[:400]}\n  made now     {now[:400]}")

    def test_golden_files_are_what_the_references_give(self):
        for (script, *words), written in WRITES.items():
            with self.subTest(script=script, words=words):
                for name in written:  # so that a script that writes nothing is noticed
                    path = COPY / name
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                    (path if (TESTS / name).is_dir() else path.parent).mkdir(parents=True, exist_ok=True)
                run(PYTHON, "-B", COPY / "parity" / script, *words)
                for name in written:
                    files = sorted((TESTS / name).iterdir()) if (TESTS / name).is_dir() else [TESTS / name]
                    for file in files:
                        self.compare(file.relative_to(TESTS))

    def test_a_preview_is_rebuilt_bit_by_bit(self):
        data = PARITY / "pictures"
        shutil.rmtree(data, ignore_errors=True)
        run(PYTHON, "-B", COPY / "parity/rebuild_views.py", "--make", data)
        job = ["name=rebuilt", "data.format=IMAGE_FOLDER", f"data.root={data}", "model.name=deit_tiny_distilled_patch16_224",
               "model.num_classes=2", "train.batch_size=16", "train.lanes=2", "augment.aa=rand-m9-mstd0.5-inc1", "augment.interpolation=RANDOM",
               "augment.reprob=0.5", "augment.recount=3", "augment.mixup=0.8", "augment.cutmix=1", "augment.mixup_mode=ELEM"]
        for number, more in enumerate([[], ["augment.repeated_aug=3", "augment.remode=RAND"], ["model.in_chans=1", "augment.crop=PADDED"]]):
            with self.subTest(more=more):
                shown = PARITY / f"shown_{number}"
                shutil.rmtree(shown, ignore_errors=True)
                run(PROGRAMS / "deit-worker", "--task=preview", "--steps=0:6", f"--output={shown}", *job, *more, cwd=PARITY)
                said = run(PYTHON, "-B", COPY / "parity/rebuild_views.py", shown, data)
                self.assertIn("96 views, 0 differ", said)

    def test_predictions_are_those_of_python(self):
        for script in ("predict_as_python.py", "huggingface.py"):
            run(PYTHON, "-B", COPY / "parity" / script, PROGRAMS / "deit-worker")

    def test_random_inputs_are_read_as_the_references_read_them(self):
        for script, program in RANDOM_INPUTS.items():
            with self.subTest(script=script):
                said = run(PYTHON, "-B", COPY / "parity" / script, PROGRAMS.parent / "tests" / program, PARITY / "random_inputs", CASES, SEED)
                self.assertIn(f"{CASES} cases of seed {SEED}", said)
                self.assertIn(" 0 differ", said)

    def test_the_offered_command_converts_what_is_not_read(self):
        golden = COPY / "common/torch_save/golden"
        for name, key in (("students.pth", "student"), ("numbers.pth", ""), ("model.pth", ""), ("compressed.pth", "")):
            with self.subTest(name=name):
                words = ["--task=predict", "model.name=vit", f"--weights={golden / name}", "--input=none", "--output=none"]
                said = subprocess.run([PROGRAMS / "deit-worker", *words], text=True, capture_output=True, check=False, timeout=60).stderr
                command = re.search(r"python3 (-c .*\.safetensors)$", said, re.MULTILINE)
                self.assertTrue(command, said)
                run("bash", "-c", f"{PYTHON} {command[1]} {key}")
                self.assertTrue((golden / f"{name}.safetensors").is_file())

    def test_twenty_steps_at_full_size_follow_pytorch(self):
        run(PYTHON, "-B", COPY / "parity/follow_training.py", "full", PROGRAMS)


if __name__ == "__main__":
    run_cases()
