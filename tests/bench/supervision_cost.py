"""Cost of supervision: processor time of deit-coord, the guardian and the workers' background threads, compared with that of training.

usage: supervision_cost.py BIN_DIR CONFIG [--seconds=40] [path=value ...]
Processor time, unlike a difference of two rates, does not depend on what else the machine does.
"""
import argparse
import os
import pathlib
import time

from supervised_job import SupervisedJob

TICKS = os.sysconf("SC_CLK_TCK")


def processor_time(stat):
    """Seconds in user and system mode, from a stat file of /proc."""
    fields = pathlib.Path(stat).read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("config")
    parser.add_argument("--seconds", type=float, default=40)
    options, words = parser.parse_known_args()
    with SupervisedJob(options.binaries, options.config, *words) as job:
        record = job.await_training()
        job.await_steps(100)
        workers = [worker["process"]["pid"] for worker in record["workers"]]
        own = [f"/proc/{pid}/stat" for pid in (job.process.pid, record["guardian"]["pid"])]
        training = [f"/proc/{pid}/task/{pid}/stat" for pid in workers]
        # All threads but the first: the loader's too, so this is more than the background thread takes.
        beside = [f"/proc/{pid}/task/{thread}/stat" for pid in workers for thread in os.listdir(f"/proc/{pid}/task") if int(thread) != pid]
        before = [sum(map(processor_time, files)) for files in (own, beside, training)]
        time.sleep(options.seconds)
        spent = [sum(map(processor_time, files)) - old for files, old in zip((own, beside, training), before)]
    wall = options.seconds * os.cpu_count()
    for name, seconds in zip(("deit-coord and guardian", "workers' other threads", "training"), spent):
        print(f"{name}: {seconds:.2f} s, {seconds / wall:.2%} of the machine")


if __name__ == "__main__":
    main()
