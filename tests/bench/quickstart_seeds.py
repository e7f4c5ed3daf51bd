"""The quick start's three jobs with several seeds: how much its teacher is worth to the student, mean and spread.

usage: quickstart_seeds.py [--seeds=5] [--np=2] [--runs=runs/quickstart_seeds]
A seed (train.seed) also draws the labels that are kept, the order and the views. Started again it goes on where it was.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build/release/bin"
KEYS = {"both": "acc1", "class": "acc1_head", "distillation": "acc1_head_dist"}


def train(name, seed, words, options):
    """Trains a job of the quick start; returns its run folder and its accuracies."""
    folder = options.runs / f"{name}_{seed}"
    subprocess.run([BIN / "deit-coord", "run", f"--config={ROOT}/configs/quickstart/{name}.textproto", f"--np={options.np}",
                    f"--run_dir={folder}", f"train.seed={seed}", *words], check=True)
    done = subprocess.run([BIN / "deit-worker", "--task=evaluate", "--json", f"--config={folder}/config.textproto", f"--run_dir={folder}"],
                          check=True, text=True, stdout=subprocess.PIPE)
    return folder, json.loads(done.stdout)


def row(title, numbers):
    print(f"{title:>5}" + "".join(f"{number:>14.2f}" for number in numbers), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--np", type=int, default=2)
    parser.add_argument("--runs", type=pathlib.Path, default=pathlib.Path("runs/quickstart_seeds"))
    options = parser.parse_args()
    rows = []
    for seed in range(options.seeds):
        folder, teacher = train("teacher", seed, [], options)
        weights = max(folder.glob("checkpoints/step_*"))
        _, taught = train("student", seed, [f"teacher.weights={weights}"], options)
        _, alone = train("student_alone", seed, [], options)
        rows.append([teacher["acc1"], *(taught[key] for key in KEYS.values()), alone["acc1"], taught["acc1"] - alone["acc1"]])
    print(" seed" + "".join(f"{title:>14}" for title in ("teacher", *KEYS, "alone", "both - alone")))
    for seed, numbers in enumerate(rows):
        row(str(seed), numbers)
    row("mean", [statistics.mean(column) for column in zip(*rows)])
    if options.seeds > 1:
        row("sd", [statistics.stdev(column) for column in zip(*rows)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
