"""Our training against PyTorch DDP over gloo, 2 workers x 1 thread, batch 8 per worker: pairs of runs in turn, and their medians.

usage: against_ddp.py --bin=build/release/bin [--python=PYTHON] [--pairs=3] [--case=PART OF A NAME]
PYTHON has torch and timm (tests/bench/README.md says how to get it). Prints images/s of both sides and the median of the pairs' ratios.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

TI, S = "deit_tiny_distilled_patch16_224", "deit_small_distilled_patch16_224"
CASES = {  # model, precision, lanes
    "Ti BF16, 2 lanes": (TI, "BF16", 2),
    "Ti BF16, 8 lanes": (TI, "BF16", 8),
    "Ti FP32, 2 lanes": (TI, "FP32", 2),
    "S BF16, 2 lanes": (S, "BF16", 2),
    "S FP32, 2 lanes": (S, "FP32", 2),
}
STEPS = 12
AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def last_json(command, **environment):
    done = subprocess.run(command, env=dict(os.environ, **environment), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def ours(folder, model, precision, lanes):
    return last_json(["mpirun", "-np", "2", "--bind-to", "core", str(folder / "deit-worker"), "--task=benchmark", "--json",
                      f"--steps={STEPS}", f"model.name={model}", "model.drop_path=0.1", f"train.precision={precision}",
                      f"train.lanes={lanes}", "train.batch_size=16", "train.epochs=10", "data.format=SYNTHETIC"], **AS_ROOT)


def rival(python, model, precision):
    script = pathlib.Path(__file__).with_name("rival_ddp.py")
    return last_json([python, "-m", "torch.distributed.run", "--nproc_per_node=2", str(script), f"--model={model}",
                      f"--precision={precision}", f"--steps={STEPS}"], OMP_NUM_THREADS="1", TORCH_DISABLE_SHARE_RDZV_TCP_STORE="1")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--case", default="")
    wanted = parser.parse_args()
    print(f"{'CASE':18}{'OURS':>8}{'RIVAL':>8}{'RATIO':>7}{'GEMM':>6}  (images/s, medians; share of the GEMM peak)")
    for name, (model, precision, lanes) in CASES.items():
        if wanted.case not in name:
            continue
        pairs = [(ours(wanted.bin, model, precision, lanes), rival(wanted.python, model, precision)) for _ in range(wanted.pairs)]
        rates = [[side["images_per_second"] for side in pair] for pair in pairs]
        ratio = statistics.median(a / b for a, b in rates)
        share = statistics.median(pair[0]["gemm_share"] for pair in pairs)
        print(f"{name:18}{statistics.median(a for a, _ in rates):8.1f}{statistics.median(b for _, b in rates):8.1f}{ratio:7.2f}{share:6.0%}",
              flush=True)


if __name__ == "__main__":
    main()
