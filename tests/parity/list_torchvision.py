"""Writes tests/worker/weights/golden/torchvision.txt, one line a model: our name, torchvision's, FNV-1a of its sorted names and shapes.

  python tests/parity/list_torchvision.py     (torchvision 0.29.1, torch 2.14.1)
"""
import pathlib

import keyed_values
import torchvision

PAIRS = {"resnet18": "resnet18", "resnet34": "resnet34", "resnet50": "resnet50", "resnet101": "resnet101", "vit_base_patch16_224": "vit_b_16",
         "deit_base_patch16_224": "vit_b_16", "vit_large_patch16_224": "vit_l_16", "regnety_004": "regnet_y_400mf",
         "regnety_160": "regnet_y_16gf"}  # torchvision's other RegNets have other widths
PAIRS |= {f"efficientnet_b{size}": f"efficientnet_b{size}" for size in range(8)}


def main():
    lines = []
    for ours, theirs in PAIRS.items():
        tensors = torchvision.models.get_model(theirs, weights=None).state_dict()
        listing = "".join(sorted(f"{name} {'x'.join(map(str, value.shape)) or 'scalar'}\n" for name, value in tensors.items()))
        lines.append(f"{ours} {theirs} {keyed_values.key_of(listing):016x}\n")
    golden = pathlib.Path(__file__).parent.parent / "worker" / "weights" / "golden" / "torchvision.txt"
    golden.write_text("".join(lines))


if __name__ == "__main__":
    main()
