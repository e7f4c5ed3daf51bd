"""What export_in_timm.py and export_in_vit_pytorch.py share: logits of an export, by deit-worker and by the model that loaded it in Python."""
import json
import subprocess
import tempfile

import torch
from safetensors.torch import load_file, save_file


def error(model, export, weights, job, worker):
    """The largest difference of logits over the largest logit, on images of the size that config.json names."""
    torch.manual_seed(0)
    images = torch.randn(8, *json.loads((export / "config.json").read_text())["pretrained_cfg"]["input_size"])
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/x.safetensors", f"{folder}/y.safetensors"
        save_file({"x": images}, source)
        subprocess.check_call([worker, "--task=predict", f"--config={job}", f"--weights={weights}", f"--input={source}",
                               f"--output={target}", "train.precision=FP32"])
        ours = load_file(target)["logits"]
    with torch.no_grad():
        theirs = model(images)
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()
