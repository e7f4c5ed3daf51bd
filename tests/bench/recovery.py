"""How long a job under deit-coord run is away after one of its workers was killed: median over many kills, and where the time goes.

usage: recovery.py BIN_DIR CONFIG [--kills=20] [path=value ...]
example: python3 tests/bench/recovery.py build/release/bin configs/quickstart/student.textproto
Prints one line per kill (from SIGKILL to the end of the next step, and the parts as the job's summary has them), then the medians. "own first
step" is what the first step of the attempt takes by itself: a fresh start pays it too.
"""
import argparse
import os
import random
import signal
import statistics
import time

from supervised_job import SupervisedJob, wait_for

PARTS = ("detect", "stop", "start", "load", "first_step")


def first_step_after(job, moment):
    """The first step that was begun after `moment`, once it is done."""
    steps = wait_for("a step", lambda: [step for step in job.steps()[:3] if step["time"] - step["seconds"] > moment])
    return steps[-1]


def kill_and_wait(job, record, worker):
    """(seconds from the kill to the end of the next step, seconds of that step)"""
    moment = time.time()
    os.kill(record["workers"][worker]["process"]["pid"], signal.SIGKILL)
    back = first_step_after(job, moment)
    return back["time"] - moment, back["seconds"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("config")
    parser.add_argument("--kills", type=int, default=20)
    options, words = parser.parse_known_args()
    generator = random.Random(5)
    attempt, away = 0, []
    with SupervisedJob(options.binaries, options.config, "checkpoint.every_steps=20", "evaluate.every_epochs=0", *words) as job:
        for kill in range(options.kills):
            record = job.await_training(after=attempt)
            attempt = record["attempt"]
            job.await_steps(25)
            time.sleep(generator.uniform(0, 0.1))
            away.append(kill_and_wait(job, record, kill % 2))
        wait_for("the last recovery's account", lambda: "first_step_seconds" in job.summary()["attempts"][-1].get("recovery", {}))
        recoveries = [a["recovery"] for a in job.summary()["attempts"] if "first_step_seconds" in a.get("recovery", {})]
    for (seconds, step), recovery in zip(away, recoveries):
        parts = ", ".join(f"{part} {recovery[part + '_seconds']:.2f}" for part in PARTS)
        print(f"{seconds:.2f} s, of it own first step {step:.2f}; {parts}")
    medians = [f"{part} {statistics.median(r[part + '_seconds'] for r in recoveries):.2f}" for part in PARTS]
    print(f"median of {len(away)}: {statistics.median(s for s, _ in away):.2f} s, without the own first step "
          f"{statistics.median(s - step for s, step in away):.2f}; " + ", ".join(medians))


if __name__ == "__main__":
    main()
