"""Teacher inference in BF16 against PyTorch's best eager setting: one pinned thread, batches of 8, pairs in turn, medians. And what loading costs.

usage: teacher_speed.py [--bench=build/release/bench] [--python=PYTHON] [--pairs=3] [--forwards=10]
PYTHON has torch and timm (tests/bench/README.md says how to get it).
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

MODELS = ("resnet50", "regnety_160")


def last_json(*command):
    done = subprocess.run(["taskset", "-c", "0", *map(str, command)], env=dict(os.environ, OMP_NUM_THREADS="1"),
                          stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", type=pathlib.Path, default=pathlib.Path("build/release/bench"))
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--forwards", type=int, default=10)
    wanted = parser.parse_args()
    rival = pathlib.Path(__file__).with_name("rival_teacher.py")
    print(f"{'MODEL':14}{'OURS':>7}{'RIVAL':>7}{'RATIO':>7}{'FAULTS':>8}{'LOAD':>8}{'PEAK':>7}  (images/s; page faults per forward; seconds; "
          "most memory that loading took / the weights' file)")
    with tempfile.TemporaryDirectory() as folder:
        for name in MODELS:
            weights = pathlib.Path(folder) / f"{name}.safetensors"
            theirs, ours = [], []
            for _ in range(wanted.pairs):
                theirs.append(last_json(wanted.python, rival, name, weights, wanted.forwards)["images_per_second"])
                ours.append(last_json(wanted.bench / "teacher_bench", name, weights, "BF16", wanted.forwards))
            rates = [run["images_per_second"] for run in ours]
            ratio = statistics.median(a / b for a, b in zip(rates, theirs))
            peak = max(run["load_peak_mb"] for run in ours) * 1e6 / weights.stat().st_size
            print(f"{name:14}{statistics.median(rates):7.1f}{statistics.median(theirs):7.1f}{ratio:7.2f}"
                  f"{max(run['page_faults_per_forward'] for run in ours):8.0f}{statistics.median(run['load_seconds'] for run in ours):8.2f}"
                  f"{peak:7.2f}", flush=True)


if __name__ == "__main__":
    main()
