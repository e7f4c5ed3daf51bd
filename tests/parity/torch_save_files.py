"""Writes tests/worker/engine/golden/*.pth: files of torch.save that LibTorch's reader takes, and one that it does not.

usage: python3 tests/parity/torch_save_files.py   (torch 2.14.1)
"""
import collections
import pathlib

import torch

FOLDER = pathlib.Path(__file__).parent.parent / "worker" / "engine" / "golden"


def main():
    weights = {"a": torch.tensor([[1.0, 3.0], [2.0, 4.0]]).T, "b": torch.tensor([5.0, 6.0, 7.0], dtype=torch.bfloat16)}
    of_module = collections.OrderedDict(weights)
    of_module._metadata = {"": {"version": 1}}  # as Module.state_dict() leaves it there
    FOLDER.mkdir(exist_ok=True)
    torch.save(weights, FOLDER / "plain.pth")
    torch.save({"epoch": 3, "model": weights}, FOLDER / "nested.pth")
    torch.save(of_module, FOLDER / "of_module.pth")
    torch.save(weights, FOLDER / "before_1_6.pth", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main()
