"""Our input pipeline beside timm's on the same pictures, in turn, one core each: images per second.

usage: taskset -c 0 python3 tests/bench/input_pipeline.py BUILD_DIR [ROUNDS]   (Pillow 11.3, timm 1.0.31, torchvision 0.29.1)
light: decode, random resized crop to 224 (bicubic), flip, normalise. full: also rand-m9-mstd0.5-inc1 and erasing with 0.25. repeated: full, three
views of each image (timm decodes each of them). timm runs under its usual DataLoader with no worker process, so that both have one core.
decode: whole pictures to RGB, beside libjpeg-turbo's own benchmark (tjbench, Debian's libjpeg-turbo-progs), which reads no files.
"""
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from PIL import Image
from timm.data import create_transform
from torchvision.datasets import ImageFolder

IMAGES = 200


def make(root):
    draw = np.random.default_rng(1)
    (root / "train/a").mkdir(parents=True)
    for k in range(IMAGES):
        width, height = int(draw.integers(460, 541)), int(draw.integers(345, 406))
        y, x = np.mgrid[:height, :width] / 50
        waves = np.stack([np.sin(x * a + y * b + c) for a, b, c in draw.uniform(-3, 3, (3, 3))], axis=2)
        picture = np.clip(128 + 90 * waves + draw.normal(0, 9, waves.shape), 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(root / f"train/a/{k:04}.jpg", quality=90)
    (root / "val").symlink_to("train")


def timms(root, repeats, **options):
    transform = create_transform(224, is_training=True, interpolation="bicubic", **options)
    data = ImageFolder(root / "train", transform)
    order = [i for i in range(len(data)) for _ in range(repeats)]
    loader = torch.utils.data.DataLoader(torch.utils.data.Subset(data, order), batch_size=32)
    start = time.process_time()
    count = sum(len(labels) for _, labels in loader)
    return count / (time.process_time() - start)


def tjbench(root):
    """Of a tenth of the pictures, each over and over, the harmonic mean. It measures wall time: made into CPU time, as the others have it."""
    rates = []
    for picture in sorted((root / "train/a").iterdir())[::10]:
        command = ["tjbench", picture, "-rgb", "-quiet", "-nowrite", "-warmup", "0.1", "-benchtime", "0.5"]
        wall, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        row = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        wall, used = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used
        width, height, megapixels = int(row[-5]), int(row[-4]), float(row[-1])
        rates.append(megapixels * 1e6 / (width * height) * max(1, wall / used))
    return statistics.harmonic_mean(rates)


def ours(build, root):
    command = [build / "bench/data_bench", "--benchmark_filter=^(Views<.*Jpegs>|Decode)$", "--benchmark_min_time=1", "--benchmark_format=json"]
    said = subprocess.run(command, env={**os.environ, "DEIT_BENCH_IMAGES": str(root)}, capture_output=True, text=True, check=True).stdout
    names = {"Views<Jpegs>": "light", "Views<DeitJpegs>": "full", "Views<RepeatedDeitJpegs>": "repeated", "Decode": "decode"}
    return {names[entry["name"]]: entry["items_per_second"] for entry in json.loads(said)["benchmarks"]}


def main():
    build, rounds = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    torch.set_num_threads(1)
    full = dict(auto_augment="rand-m9-mstd0.5-inc1", re_prob=0.25, re_mode="pixel", re_count=1)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        make(root)
        for _ in range(rounds):
            theirs = {"light": timms(root, 1, color_jitter=None), "full": timms(root, 1, **full), "repeated": timms(root, 3, **full)}
            for who, rates in (("timm", theirs), ("deit", ours(build, root)), ("tjbench", {"decode": tjbench(root)})):
                for name, rate in rates.items():
                    results.setdefault(name, {}).setdefault(who, []).append(rate)
    medians = {name: {who: statistics.median(values) for who, values in rates.items()} for name, rates in results.items()}
    for name, rates in medians.items():
        ratio = f", {rates['deit'] / rates['timm']:.2f} times" if "timm" in rates else ""
        print(f"{name}: " + ", ".join(f"{who} {rate:.0f}" for who, rate in rates.items()) + f" images/s{ratio}")
    light, decode = medians["light"]["deit"], medians["decode"]
    print(f"light is {light / decode['tjbench']:.3f} of tjbench's decoding, {light / decode['deit']:.3f} of ours")


if __name__ == "__main__":
    main()
