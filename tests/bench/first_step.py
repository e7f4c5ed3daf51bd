"""From `mpirun -np 2 deit-worker` on the quick start's student to the end of its first step, seconds: the median of several starts.

usage: first_step.py [--bin=build/release/bin] [--starts=9]
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

STUDENT = pathlib.Path(__file__).resolve().parents[2] / "configs/quickstart/student.textproto"
STOPPED = 75
AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def first_step(worker, folder):
    """Seconds until the step's line was written, and until mpirun was gone, with everything saved."""
    start = time.time()
    command = ["mpirun", "-np", "2", str(worker), f"--config={STUDENT}", f"--run_dir={folder}/run", "--stop_after_steps=1"]
    done = subprocess.run(command, env=dict(os.environ, **AS_ROOT), capture_output=True, text=True, check=False)
    gone = time.time() - start
    if done.returncode != STOPPED:
        raise SystemExit(f"exit {done.returncode}\n{done.stdout}{done.stderr}")
    with open(f"{folder}/run/metrics.jsonl", encoding="ascii") as metrics:
        return json.loads(metrics.readline())["time"] - start, gone


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--starts", type=int, default=9)
    wanted = parser.parse_args()
    seconds = []
    for _ in range(wanted.starts):
        with tempfile.TemporaryDirectory() as folder:
            seconds.append(first_step(wanted.bin.resolve() / "deit-worker", folder))
    steps, ends = zip(*seconds)
    print(f"first step done after {statistics.median(steps):.2f} s ({min(steps):.2f} to {max(steps):.2f}); "
          f"saved and gone after {statistics.median(ends):.2f} s; {wanted.starts} starts")


if __name__ == "__main__":
    main()
