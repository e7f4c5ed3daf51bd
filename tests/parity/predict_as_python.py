"""Random weights and images that are not in the repository, through `deit-worker --task=predict`, against timm and
torchvision. By hand:

  python tests/parity/predict_as_python.py build/release/bin/deit-worker [MODEL ...]     (timm 1.0.31, torchvision 0.29.1, torch 2.14.1)

Each model's weights are saved under timm's and, where torchvision has the model, torchvision's names; running statistics are those of a
training pass, so that they are no trivial ones. Errors are against fp64.
"""
import subprocess
import sys
import tempfile

import list_torchvision
import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file

MODELS = ["deit_tiny_distilled_patch16_224", "vit_base_patch16_224", "resnet18", "resnet50", "regnety_004", "regnety_160",
          "efficientnet_b0", "efficientnet_b5"]
SIDE = 224


def run_prediction(worker, name, weights, images, sizes):
    with tempfile.TemporaryDirectory() as folder:
        save_file({key: value.contiguous() for key, value in weights.items()}, f"{folder}/w.safetensors")
        save_file({"x": images}, f"{folder}/x.safetensors")
        words = [f"model.name={name}", *sizes, f"--weights={folder}/w.safetensors", f"--input={folder}/x.safetensors",
                 f"--output={folder}/y.safetensors"]
        done = subprocess.run([worker, "--task=predict", *words], text=True, capture_output=True, check=False)
        sys.stderr.write(done.stdout + done.stderr)
        done.check_returncode()
        return load_file(f"{folder}/y.safetensors")["logits"]


def moved(model):
    """The model with no tensor as it starts, and statistics of its own."""
    with torch.no_grad():
        for value in model.parameters():
            value += 0.05 * torch.randn_like(value) * (value.std() if value.numel() > 1 and value.std() > 0 else 1)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0
        model.train()(torch.randn(4, 3, SIDE, SIDE))
    return model.eval()


def compare(worker, name, kind, model):
    images = torch.randn(3, 3, SIDE, SIDE)
    model = moved(model)
    ours = run_prediction(worker, name, model.state_dict(), images, [f"model.img_size={SIDE}"])
    with torch.no_grad():
        theirs = model(images)
        exact = model.double()(images.double())
    error, theirs = (((logits - exact).abs().max() / exact.abs().max()).item() for logits in (ours, theirs))
    print(f"{name} under {kind} names: error of logits over largest logit {error:.1e}, Python's own in fp32 {theirs:.1e}", flush=True)
    return error < max(1e-5, 2 * theirs)


def main(worker, names):
    torch.manual_seed(7)
    torch.set_num_threads(1)
    good = True
    for name in names or MODELS:
        sized = {"img_size": SIDE} if "patch" in name else {}
        good &= compare(worker, name, "timm's", timm.create_model(name, **sized))
        theirs = list_torchvision.PAIRS.get(name)
        if theirs:
            good &= compare(worker, name, "torchvision's", torchvision.models.get_model(theirs, weights=None))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
