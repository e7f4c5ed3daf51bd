"""How long a job under deit-coord run is away after one of its workers was killed: median over many kills, and where the time goes.

usage: recovery.py BIN_DIR CONFIG [--kills=20] [path=value ...]
example: python3 tests/bench/recovery.py build/release/bin configs/quickstart/student.textproto
Prints one line per kill (from SIGKILL to the end of the next step, and the parts as the job's summary has them), then the medians. "own first
step" is what the first step of the attempt takes by itself: a fresh start pays it too.
"""
import argparse
import json
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time

PARTS = ("detect", "stop", "start", "load", "first_step")


def record_of(state):
    for path in state.glob("jobs/*.json"):
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError):
            pass
    return {"attempt": 0, "workers": [], "state": ""}


def steps_done(run):
    try:
        return (run / "metrics.jsonl").read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def await_training(run, state, after):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        record = record_of(state)
        if record["attempt"] > after and record["state"] == "RUNNING" and len(record["workers"]) == 2 and (run / f"logs/attempt_{record['attempt']}/start.json").exists():
            return record
        time.sleep(0.002)
    sys.exit("recovery: error: the job did not come back within 60 s")


def first_step_after(run, moment):
    """When the first step that was done after `moment` was done."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for line in reversed((run / "metrics.jsonl").read_text().splitlines()[-3:]):
            try:
                metrics = json.loads(line)
            except ValueError:
                continue
            if metrics["time"] > moment and metrics["time"] - metrics["seconds"] > moment:
                return metrics
        time.sleep(0.002)
    sys.exit("recovery: error: no step within 60 s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("config")
    parser.add_argument("--kills", type=int, default=20)
    options, words = parser.parse_known_args()
    generator = random.Random(5)
    with tempfile.TemporaryDirectory() as folder:
        run, state = pathlib.Path(folder) / "run", pathlib.Path(folder) / "state"
        job = subprocess.Popen([options.binaries / "deit-coord", "run", f"--config={options.config}", "--np=2", f"--run_dir={run}", "train.epochs=1000",
                                "checkpoint.every_steps=20", "evaluate.every_epochs=0", *words],
                               env=dict(os.environ, DEIT_STATE_DIR=str(state)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        attempt, away = 0, []
        for kill in range(options.kills):
            record = await_training(run, state, attempt)
            attempt = record["attempt"]
            goal = steps_done(run) + 25
            while steps_done(run) < goal:
                time.sleep(0.005)
            time.sleep(generator.uniform(0, 0.1))
            moment = time.time()
            os.kill(record["workers"][kill % 2]["process"]["pid"], signal.SIGKILL)
            back = first_step_after(run, moment)
            away.append((back["time"] - moment, back["seconds"]))
        await_training(run, state, attempt)
        time.sleep(1)
        job.send_signal(signal.SIGTERM)
        job.wait(60)
        recoveries = [a["recovery"] for a in json.loads((run / "summary.json").read_text())["attempts"] if "first_step_seconds" in a.get("recovery", {})]
    for (seconds, step), recovery in zip(away, recoveries):
        print(f"{seconds:.2f} s, of it own first step {step:.2f}; " + ", ".join(f"{part} {recovery[part + '_seconds']:.2f}" for part in PARTS))
    print(f"median of {len(away)}: {statistics.median(s for s, _ in away):.2f} s, without the own first step {statistics.median(s - step for s, step in away):.2f}; " +
          ", ".join(f"{part} {statistics.median(r[part + '_seconds'] for r in recoveries):.2f}" for part in PARTS))


if __name__ == "__main__":
    main()
