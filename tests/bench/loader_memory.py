"""What the loader adds to a worker's resident memory, and whether it grows: DeiT's recipe from JPEG files in micro-batches of 128 pictures (1,024
in 8 lanes, as published) by 4 loader threads, in front of a model that is hardly one.

usage: python3 tests/bench/loader_memory.py BIN_DIR [SECONDS]   (Pillow, numpy, torch and timm, for input_pipeline.py's pictures)
Prints resident megabytes: of the same job on synthetic pictures, of which one thread keeps two micro-batches, then of the job itself a minute
after its start and from then on. What the loader takes is the difference, and those two micro-batches.
"""
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

from input_pipeline import make

HERE = pathlib.Path(__file__).resolve().parent
WORDS = ("model.name=deit", "model.depth=1", "model.embed_dim=16", "model.num_heads=1", "model.num_classes=10", "train.batch_size=128",
         "train.lanes=1", "train.epochs=1000000", "evaluate.every_epochs=0", "checkpoint.every_steps=1000000000", "log_interval=1000000")
MICRO_BATCH = 128 * 3 * 224 * 224 * 4 / 2**20  # MB


def resident(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS:"))) / 1024


def run(worker, folder, name, seconds, every, *words):
    """Resident megabytes a minute after the start, then every so often."""
    command = [worker, f"--config={HERE}/../../configs/deit/deit_tiny.textproto", f"--run_dir={folder}/{name}", *WORDS, *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    seen = []
    try:
        for _ in range(1 + seconds // every):
            with contextlib.suppress(subprocess.TimeoutExpired):
                sys.exit(f"the worker ended with {process.wait(every if seen else 60)}")
            seen.append(resident(process.pid))
            print(f"{name}: {seen[-1]:.1f} MB", flush=True)
    finally:
        process.kill()
        process.wait()
    return seen


def main():
    worker, seconds = pathlib.Path(sys.argv[1]).resolve() / "deit-worker", int(sys.argv[2]) if len(sys.argv) > 2 else 3600
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make(folder / "pictures")
        for picture in list((folder / "pictures/train/a").iterdir()):  # under many names: an epoch that is over is remembered
            for copy in range(1, 100):
                os.link(picture, picture.with_name(f"{copy:02}_{picture.name}"))
        (bare,) = run(worker, folder, "synthetic", 0, 60, "data.format=SYNTHETIC", "augment.aa=", "augment.reprob=0", "data.prefetch=1")
        seen = run(worker, folder, "jpeg", seconds, 300, f"data.root={folder}/pictures", "data.threads=4")
        print(f"the loader: {seen[0] - bare + 2 * MICRO_BATCH:.1f} MB; grown by {seen[-1] - seen[0]:.1f} MB in {seconds} s, "
              f"at most {max(seen) - seen[0]:.1f} MB")


if __name__ == "__main__":
    main()
