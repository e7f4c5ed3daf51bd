"""A timm model's forward passes in PyTorch, one thread, batches of 8, in each of its eager settings; the last line is JSON, images/s of the best.

usage: rival_teacher.py MODEL WEIGHTS.safetensors FORWARDS   (writes WEIGHTS, drawn by seed 0, where they do not exist)
"""
import json
import pathlib
import statistics
import sys
import time

import timm
import torch
from safetensors.torch import load_file, save_file

BATCH, WARM_UP = 8, 3


def images_per_second(model, images, forwards, autocast):
    times = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        for _ in range(WARM_UP + forwards):
            start = time.perf_counter()
            model(images)
            times.append(time.perf_counter() - start)
    return BATCH / statistics.median(times[WARM_UP:])


def main():
    name, path, forwards = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = timm.create_model(name).eval()
    if not path.exists():
        save_file(model.state_dict(), path)
    model.load_state_dict(load_file(path))
    images = torch.full((BATCH, 3, 224, 224), 0.5)
    model, images = model.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    rates = {"autocast": images_per_second(model, images, forwards, True)}
    rates["bf16 weights"] = images_per_second(model.bfloat16(), images.bfloat16(), forwards, False)
    best = max(rates, key=rates.get)
    print(json.dumps({"images_per_second": rates[best], "setting": best}))


if __name__ == "__main__":
    main()
