"""Loads a checkpoint's export in timm with strict names and compares logits with deit-worker's own. By hand, with torch 2.14.1 and timm 1.0.31:

  deit-coord checkpoint export RUN --output=EXPORT
  python tests/parity/export_in_timm.py EXPORT RUN/config.textproto build/release/bin/deit-worker
"""
import pathlib
import sys

import exported_logits
import timm


def main(export, job, worker):
    model = timm.create_model(f"local-dir:{export}", pretrained=True).eval()
    error = exported_logits.error(model, export, export / "model.safetensors", job, worker)
    print(f"largest difference of logits over largest logit: {error:.2e}")
    return 0 if error < 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
