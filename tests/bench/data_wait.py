"""How much of a training step waits for its pictures: DeiT-Ti with its whole recipe from JPEG files, 2 workers, beside the same without files.

usage: python3 tests/bench/data_wait.py BIN_DIR [STEPS]   (Pillow, numpy, torch and timm, for input_pipeline.py's pictures)
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from input_pipeline import make

HERE = pathlib.Path(__file__).resolve().parent
ROOT = "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"
WORDS = ("train.batch_size=16", "train.lanes=2", "model.num_classes=10", "evaluate.every_epochs=0", "checkpoint.every_steps=1000000")


def measure(worker, folder, name, steps, *words):
    command = ["mpirun", "-np", "2", "--bind-to", "core", worker, f"--config={HERE}/../../configs/deit/deit_tiny.textproto",
               f"--run_dir={folder}/{name}", f"train.max_steps={steps}", *WORDS, *words]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **dict(word.split("=") for word in ROOT.split())})
    lines = [json.loads(line) for line in (folder / name / "metrics.jsonl").read_text().splitlines()][3:]
    seconds = sum(line["seconds"] for line in lines)
    waited = sum(line["data_seconds"] for line in lines)
    print(f"{name}: {16 * len(lines) / seconds:.1f} images/s, median step {statistics.median(line['seconds'] for line in lines):.3f} s, "
          f"waited for pictures {waited / seconds:.2%}", flush=True)


def main():
    worker, steps = pathlib.Path(sys.argv[1]).resolve() / "deit-worker", int(sys.argv[2]) if len(sys.argv) > 2 else 40
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make(folder / "pictures")
        for _ in range(2):
            measure(worker, folder, "jpeg", steps, f"data.root={folder}/pictures", "--resume=never")
            measure(worker, folder, "synthetic", steps, "data.format=SYNTHETIC", "augment.aa=", "augment.reprob=0", "--resume=never")


if __name__ == "__main__":
    main()
