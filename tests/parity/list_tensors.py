# Writes tests/common/models/golden/MODEL.txt: one line "name dim dim ..." per entry of timm's state dict, in its order.
# usage: python3 tests/parity/list_tensors.py   (timm 1.0.31, torch 2.14.1)
import pathlib

import timm

folder = pathlib.Path(__file__).parent.parent / "worker" / "models" / "golden"
for name in ("deit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"):
    tensors = timm.create_model(name).state_dict()
    (folder / f"{name}.txt").write_text("".join(f"{' '.join([key, *map(str, value.shape)])}\n" for key, value in tensors.items()))
