"""What supervision takes from training: processor time of deit-coord, the guardian and the workers' side threads, beside that of training.

usage: supervision_cost.py BIN_DIR CONFIG [--seconds=40] [path=value ...]
Processor time, unlike a difference of two rates, does not depend on what else the machine does.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")


def processor_time(stat):
    """Seconds in user and system mode, from a stat file of /proc."""
    fields = pathlib.Path(stat).read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def await_training(state):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for path in state.glob("jobs/*.json"):
            record = json.loads(path.read_text())
            if record["state"] == "RUNNING" and len(record["workers"]) == 2:
                return record
        time.sleep(0.1)
    sys.exit("supervision_cost: error: the job does not train after 60 s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("config")
    parser.add_argument("--seconds", type=float, default=40)
    options, words = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        state = pathlib.Path(folder) / "state"
        job = subprocess.Popen([options.binaries / "deit-coord", "run", f"--config={options.config}", "--np=2", f"--run_dir={folder}/run", "train.epochs=1000", *words],
                               env=dict(os.environ, DEIT_STATE_DIR=str(state)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        record = await_training(state)
        time.sleep(3)
        workers = [worker["process"]["pid"] for worker in record["workers"]]
        own = [f"/proc/{pid}/stat" for pid in (job.pid, record["guardian"]["pid"])]
        training = [f"/proc/{pid}/task/{pid}/stat" for pid in workers]
        # All threads but the first: the loader's too, so this is more than the side thread takes.
        beside = [f"/proc/{pid}/task/{thread}/stat" for pid in workers for thread in os.listdir(f"/proc/{pid}/task") if int(thread) != pid]
        before = [sum(map(processor_time, files)) for files in (own, beside, training)]
        time.sleep(options.seconds)
        spent = [sum(map(processor_time, files)) - old for files, old in zip((own, beside, training), before)]
        job.terminate()
        job.wait(60)
    wall = options.seconds * os.cpu_count()
    for name, seconds in zip(("deit-coord and guardian", "workers' other threads", "training"), spent):
        print(f"{name}: {seconds:.2f} s, {seconds / wall:.2%} of the machine")


if __name__ == "__main__":
    main()
