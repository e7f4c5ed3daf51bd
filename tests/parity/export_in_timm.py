"""Loads a checkpoint's export in timm with strict names and compares logits with deit-worker's own. By hand, with torch 2.14.1 and timm 1.0.31:

  deit-coord checkpoint export RUN --output=EXPORT
  python tests/parity/export_in_timm.py EXPORT RUN/config.textproto build/release/bin/deit-worker
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import timm
import torch
from safetensors.torch import load_file, save_file


def main(export, job, worker):
    model = timm.create_model(f"local-dir:{export}", pretrained=True).eval()
    channels, side, _ = json.loads((export / "config.json").read_text())["pretrained_cfg"]["input_size"]
    torch.manual_seed(0)
    images = torch.randn(8, channels, side, side)
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/x.safetensors", f"{folder}/y.safetensors"
        save_file({"x": images}, source)
        subprocess.check_call([worker, "--task=predict", f"--config={job}", f"--weights={export}/model.safetensors", f"--input={source}",
                               f"--output={target}", "train.precision=FP32"])
        ours = load_file(target)["logits"]
    with torch.no_grad():
        theirs = model(images)
    error = ((ours - theirs).abs().max() / theirs.abs().max()).item()
    print(f"largest difference of logits over largest logit: {error:.2e}")
    return 0 if error < 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
