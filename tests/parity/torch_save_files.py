"""Writes tests/common/torch_save/golden: files as torch.save, DeiT's main.py and timm's train.py leave them, and tensors.txt with what is in them.

usage: python3 tests/parity/torch_save_files.py
"""
import argparse
import collections
import pathlib
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
        "before_1_6_model.pth": (torch.nn.Linear(1, 1), old, {}),
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


if __name__ == "__main__":
    write_golden()
