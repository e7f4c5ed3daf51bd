"""The rival: what a user of PyTorch and timm gets on CPUs. DDP over gloo, hard distillation labels, AdamW, autocast for BF16.

usage: torchrun --nproc_per_node=2 rival_ddp.py --model=NAME --precision=FP32|BF16 [--batch=8] [--steps=12]
Each process is one pinned thread; --batch is per process. Needs torch and timm. The last line is JSON of the median step.
"""
import argparse
import contextlib
import json
import os
import statistics
import time

import timm
import torch
import torch.distributed
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

WARM_UP, CLASSES, POOL = 3, 1000, 4


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="deit_tiny_distilled_patch16_224")
    parser.add_argument("--precision", default="BF16", choices=("FP32", "BF16"))
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=12)
    return parser.parse_args()


def main():
    wanted = arguments()
    torch.distributed.init_process_group("gloo")
    rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[rank % len(os.sched_getaffinity(0))]})
    torch.set_num_threads(1)
    torch.manual_seed(rank)
    student = timm.create_model(wanted.model, num_classes=CLASSES, drop_path_rate=0.1)
    student.set_distilled_training(True)
    student.train()
    optimizer = torch.optim.AdamW(student.parameters(), lr=5e-4, weight_decay=0.05)
    model = DistributedDataParallel(student)
    images = torch.randn(POOL, wanted.batch, 3, 224, 224)
    labels = torch.randint(0, CLASSES, (2, POOL, wanted.batch))
    seconds = []
    for step in range(WARM_UP + wanted.steps):
        start = time.perf_counter()
        label, teacher = labels[:, step % POOL]
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16) if wanted.precision == "BF16" else contextlib.nullcontext():
            head, head_dist = model(images[step % POOL])
            loss = 0.5 * cross_entropy(head.float(), label, label_smoothing=0.1) + 0.5 * cross_entropy(head_dist.float(), teacher)
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds[WARM_UP:])
    if rank == 0:
        print(json.dumps({"images_per_second": world * wanted.batch / median, "step_ms": 1e3 * median}), flush=True)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
