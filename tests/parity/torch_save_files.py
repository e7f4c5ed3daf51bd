"""Writes tests/common/torch_save/golden: files as torch.save, DeiT's main.py and timm's train.py leave them, and tensors.txt with what is in them.

usage: python3 tests/parity/torch_save_files.py
       python3 tests/parity/torch_save_files.py random FOLDER COUNT SEED   (files of random tensors, and each one's tensors as safetensors)
       python3 tests/parity/torch_save_files.py compare FOLDER COUNT       (those with what convert_torch_save has read, at least COUNT)
"""
import argparse
import collections
import pathlib
import random
import sys
import zipfile

import torch

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "common/torch_save/golden"
NAMES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64", torch.int32: "I32",
         torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL", torch.uint16: "U16"}


def of_module(tensors):
    """As Module.state_dict() returns it."""
    result = collections.OrderedDict(tensors)
    result._metadata = collections.OrderedDict({"": {"version": 1}})
    return result


def state_of(tensors):
    """Of AdamW after a step."""
    parameters = [torch.nn.Parameter(tensor.detach().float().clone()) for tensor in tensors.values()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3)
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return optimizer.state_dict()


def every_kind():
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    parameter = torch.nn.Parameter(torch.tensor([7.0]))
    parameter.hint = "an attribute"
    tensors = {str(dtype).split(".")[1]: torch.tensor([0, 1, 3]).to(dtype) for dtype in NAMES}
    return {**tensors, "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3), "permuted": base.permute(2, 0, 1), "part": base[1, ::2, 1:3],
            "shared": base, "expanded": torch.tensor([1.0, 2.0]).expand(3, 2), "parameter": torch.nn.Parameter(torch.tensor([[9.0]])),
            "parameter_with_state": parameter}


def files():
    """By name: what is saved, torch.save's words, and the tensors that a reader is to find (none: it is refused)."""
    weights = {"a": torch.tensor([[1.0, 3.0], [2.0, 4.0]]).T, "b": torch.tensor([5.0, 6.0, 7.0], dtype=torch.bfloat16)}
    average = {name: tensor + 1 for name, tensor in weights.items()}
    module, ema, state = of_module(weights), of_module(average), state_of(weights)
    words = argparse.Namespace(model="deit_tiny", lr=5e-4, betas=[0.9, 0.999], out=pathlib.PurePosixPath("x"), seed=2**70, on=True, none=None)
    old = {"_use_new_zipfile_serialization": False}
    every = every_kind()
    return {
        "plain.pth": (weights, {}, weights),
        "of_module.pth": (module, {}, weights),
        "nested.pth": ({"epoch": 3, "model": weights}, {}, weights),
        "deit.pth": ({"model": module, "optimizer": state, "lr_scheduler": {"last_epoch": 3}, "epoch": 3, "model_ema": ema,
                      "scaler": {"scale": 1.0}, "args": words}, {}, weights),
        "timm.pth.tar": ({"epoch": 3, "arch": "deit", "state_dict": module, "optimizer": state, "version": 2, "args": words,
                          "amp_scaler": {}, "state_dict_ema": ema, "metric": 70.1, "size": torch.Size([2]), "set": {1, 2},
                          "device": torch.device("cpu"), "dtype": torch.float32, "rng": torch.ones(2)}, {}, weights),
        "ema.pth": ({"epoch": 3, "state_dict_ema": ema}, {}, average),
        "every.pth": (every, {}, every),
        "protocol_4.pth": ({"model": module, "args": words}, {"pickle_protocol": 4}, weights),
        "before_1_6.pth": ({"args": words, "optimizer": state, "model": module}, old, weights),
        "before_1_6_every.pth": ({name: every[name] for name in every if name != "uint16"}, old,
                                 {name: every[name] for name in every if name != "uint16"}),
        "students.pth": ({"student": module, "teacher": ema}, {}, {}),
        "numbers.pth": ({"epoch": 3, "model": {"a": weights["a"], "b": 1}}, {}, {}),
        "model.pth": (torch.nn.Linear(1, 1), {}, {}),
        "complex.pth": ({"a": torch.tensor([1j])}, {}, {}),
        "sparse.pth": ({"a": torch.eye(2).to_sparse()}, {}, {}),
        "float8.pth": ({"a": torch.tensor([1.0]).to(torch.float8_e4m3fn)}, {}, {}),
    }


def described(tensors):
    lines = []
    for name, tensor in sorted(tensors.items()):
        values = " ".join(repr(float(value)) for value in tensor.detach().double().flatten().tolist())
        lines.append(f"  {name} {NAMES[tensor.dtype]} {list(tensor.shape)}: {values}".rstrip())
    return lines


def write_golden():
    GOLDEN.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    lines = []
    for name, (saved, words, tensors) in files().items():
        torch.save(saved, GOLDEN / name, **words)
        lines += [name, *described(tensors)]
    torch.jit.script(torch.nn.Linear(1, 1)).save(GOLDEN / "script.pt")
    with zipfile.ZipFile(GOLDEN / "plain.pth") as plain, zipfile.ZipFile(GOLDEN / "compressed.pth", "w", zipfile.ZIP_DEFLATED) as packed:
        for member in plain.infolist():
            packed.writestr(zipfile.ZipInfo(member.filename), plain.read(member), zipfile.ZIP_DEFLATED)
    (GOLDEN / "tensors.txt").write_text("\n".join([*lines, "script.pt", "compressed.pth", ""]))


def random_tensor(draw):
    shape = [draw.randrange(1, 6) for _ in range(draw.randrange(4))]
    dtype = draw.choice([*NAMES])
    base = (torch.randn([side + draw.randrange(2) for side in shape]) * 50).to(dtype)
    view = base[tuple(slice(base.shape[axis] - side, None, 1) for axis, side in enumerate(shape))]
    view = view[tuple(slice(None, None, draw.choice([1, 1, 2])) for _ in shape)]
    view = view.permute(draw.sample(range(view.dim()), view.dim()))
    return torch.nn.Parameter(view) if dtype.is_floating_point and draw.random() < 0.3 else view


def write_random(folder, count, seed):
    from safetensors.torch import save_file
    draw = random.Random(seed)
    torch.manual_seed(seed)
    for index in range(count):
        tensors = {f"{draw.choice(['blocks.', 'é ', ''])}{i}": random_tensor(draw) for i in range(draw.randrange(1, 40))}
        shared = draw.choice([*tensors])
        tensors["tied"] = tensors[shared]
        saved = draw.choice([tensors, of_module(tensors), {"state_dict": of_module(tensors), "optimizer": state_of(tensors), "epoch": index}])
        words = draw.choice([{}, {"pickle_protocol": draw.choice([2, 3, 4, 5])}, {"_use_new_zipfile_serialization": False}])
        if "_use_new_zipfile_serialization" in words:
            for dictionary in (tensors, saved, saved.get("state_dict", {})):
                for name in [name for name in dictionary if getattr(dictionary[name], "dtype", None) == torch.uint16]:
                    del dictionary[name]
        if tensors:
            torch.save(saved, folder / f"{index}.pth", **words)
            save_file({name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}, folder / f"{index}.safetensors")


def compare(folder, at_least):
    from safetensors.torch import load_file
    count = 0
    for path in sorted(folder.glob("*.pth")):
        ours, theirs = load_file(f"{path}.safetensors"), load_file(path.with_suffix(".safetensors"))
        assert ours.keys() == theirs.keys(), path
        for name, tensor in theirs.items():
            assert ours[name].dtype == tensor.dtype and ours[name].shape == tensor.shape, (path, name)
            raw = [value.contiguous().reshape(-1).view(torch.uint8) for value in (ours[name], tensor)]
            assert torch.equal(*raw), (path, name)
        count += 1
    assert count >= at_least, count
    print(f"{count} files, tensor for tensor")


if __name__ == "__main__":
    if sys.argv[1:2] == ["compare"]:
        compare(pathlib.Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] == ["random"]:
        write_random(pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        write_golden()
