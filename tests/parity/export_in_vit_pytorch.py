"""Loads a checkpoint's export in vit-pytorch with strict names and compares logits with deit-worker's own. By hand, with torch 2.14.1,
vit-pytorch 1.26.11 and nystrom-attention 0.0.14:

  deit-coord checkpoint export RUN --output=EXPORT
  python tests/parity/export_in_vit_pytorch.py EXPORT RUN/config.textproto build/release/bin/deit-worker

DistillWrapper takes the same weights, with what stands apart in model_distillation.safetensors.
"""
import importlib
import json
import pathlib
import sys

import exported_logits
import torch
import vit_pytorch.distill
from safetensors.torch import load_file


def build(description):
    module, name = description["architecture"].rsplit(".", 1)
    return getattr(importlib.import_module(module), name)(**description["model_args"])


def model_of(config):
    if "transformer" in config:
        config["model_args"]["transformer"] = build(config["transformer"])
    return build(config)


def load_wrapper(export, config):
    """In DistillWrapper, around its own class of student."""
    student = {"ViT": vit_pytorch.distill.DistillableViT, "T2TViT": vit_pytorch.distill.DistillableT2TViT}
    name = config["architecture"].rsplit(".", 1)[1]
    kind = vit_pytorch.distill.DistillableEfficientViT if "efficient" in config["architecture"] else student[name]
    wrapper = vit_pytorch.distill.DistillWrapper(teacher=torch.nn.Identity(), student=kind(**config["model_args"]))
    own = {f"student.{key}": value for key, value in load_file(export / "model.safetensors").items()}
    wrapper.load_state_dict(own | load_file(export / "model_distillation.safetensors"), strict=True)


def main(export, job, worker):
    config = json.loads((export / "config.json").read_text())
    model = model_of(config).eval()
    model.load_state_dict(load_file(export / "model.safetensors"), strict=True)
    if (export / "model_distillation.safetensors").exists():
        load_wrapper(export, config)
    error = exported_logits.error(model, export, export, job, worker)
    print(f"{config['architecture']}: largest difference of logits over largest logit: {error:.2e}")
    return 0 if error < 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
