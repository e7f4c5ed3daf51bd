"""Random weights, as safetensors and as torch.save leaves them: what we read is what safetensors and torch read.

usage: python3 tests/parity/random_weights.py build/release/tests/read_weights FOLDER COUNT SEED     (torch 2.14.1, safetensors 0.8.0, timm 1.0.31)

Half of the cases are tensors of any type, shape and name; the others are a ViT or DeiT of random size, whose tensors have the names that wrappers
give them, and any type that is read as fp32.
"""
import collections
import json

import timm
import torch
from random_cases import Difference, main
from safetensors.torch import load_file, save_file
from torch_save_files import of_module, random_tensor, state_of

FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
MACHINE_WORDS = ["_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module."]
PREFIXES = ["", "", "", "module.", "model.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model.backbone.", "net.", "timm_model.",
            "encoder."]


def random_tensors(draw):
    parts = ["blocks", "weight", "é", " ", "0", "\"", "\\", "😀", "a b", "_metadata", "model"]
    names = {".".join(draw.sample(parts, draw.randrange(1, 4))) for _ in range(draw.randrange(1, 30))}
    tensors = {name: torch.empty(draw.choice([(0,), (0, 3), (2, 0)])) if draw.random() < 0.05 else random_tensor(draw) for name in sorted(names)}
    return {**tensors, "tied": draw.choice([*tensors.values()])}


def random_model(draw):
    """The words of its job, and its tensors under our names with values of random types."""
    name = draw.choice(["vit", "deit_distilled"])
    heads = draw.choice([1, 2, 4])
    sizes = {"num_classes": draw.randrange(2, 20), "img_size": 8 * draw.randrange(2, 5), "patch_size": 8, "embed_dim": heads * 8, "num_heads": heads,
             "depth": draw.randrange(1, 13)}
    model = timm.create_model({"vit": "vit_tiny_patch16_224", "deit_distilled": "deit_tiny_distilled_patch16_224"}[name], **sizes)
    tensors = {key: (torch.randn(value.shape) * 10 ** draw.uniform(-6, 3)).to(draw.choice(FLOATS)) for key, value in model.state_dict().items()}
    words = [f"model.{field}={value}" for field, value in {"name": name, **sizes}.items()]
    return words, tensors


def wrapped(draw, tensors):
    """The tensors under names as torch.compile, FSDP, DDP and modules around the model make them."""
    prefix, machine = draw.choice(PREFIXES), draw.choice([None, None, *MACHINE_WORDS])
    outside = draw.random() < 0.3 and prefix

    def renamed(name):
        if machine and name.startswith("blocks."):
            number = name.split(".")[1]
            name = name.replace(f"blocks.{number}.", f"blocks.{number}.{machine}", 1)
        return name if outside and name.startswith("head.") else prefix + name

    items = [(renamed(name), tensor) for name, tensor in tensors.items()]
    draw.shuffle(items)
    return dict(items)


def write_safetensors(draw, folder, tensors):
    tensors = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    metadata = draw.choice([None, {"format": "pt"}, {"é": "\"\\\n😀", "": ""}])
    shards = draw.choice([0, 0, 1, 2, 3])
    if not shards:
        save_file(tensors, folder / "w.safetensors", metadata)
        return folder / "w.safetensors"
    path = folder / "snapshot é"
    path.mkdir()
    names = [draw.choice(range(shards)) for _ in tensors]
    where = {name: f"model-{shard + 1:05}-of-{shards:05}.safetensors" for name, shard in zip(tensors, names)}
    for file in sorted(set(where.values())):
        save_file({name: tensors[name] for name in tensors if where[name] == file}, path / file, metadata)
    (path / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return path


def write_torch_save(draw, folder, tensors):
    module = draw.choice([dict, collections.OrderedDict, of_module])(tensors)
    key = draw.choice(["", "model", "state_dict", "model_state_dict", "module"])
    if draw.random() < 0.2:
        module = {name: torch.nn.Parameter(tensor) if tensor.is_floating_point() else tensor for name, tensor in module.items()}
    saved = module
    if key:
        others = {"optimizer": state_of({name: torch.ones(2) for name in "ab"}), "epoch": 3, "args": {"lr": 1e-3, "betas": (0.9, 0.999)},
                  "model_ema": of_module({name: tensor.detach().clone() for name, tensor in tensors.items()}), "rng": torch.ones(3)}
        items = [*draw.sample(sorted(others.items(), key=lambda item: item[0]), draw.randrange(len(others) + 1)), (key, module)]
        draw.shuffle(items)
        saved = dict(items)
    words = draw.choice([{}, {"pickle_protocol": draw.choice([2, 3, 4, 5])}, {"_use_new_zipfile_serialization": False}])
    path = folder / draw.choice(["w.pth", "w.pt", "pytorch_model.bin", "w", "checkpoint.pth.tar"])
    torch.save(saved, path, **words)
    return path


def make(draw, folder):
    torch.manual_seed(draw.getrandbits(32))
    words, tensors = random_model(draw) if draw.random() < 0.5 else ([], random_tensors(draw))
    stored = wrapped(draw, tensors) if words else tensors
    if draw.random() < 0.5:
        path = write_safetensors(draw, folder, stored)
    else:
        stored = {name: tensor for name, tensor in stored.items() if tensor.dtype != torch.uint16}  # the older format has none
        path = write_torch_save(draw, folder, stored or {"a": torch.ones(1)})
        stored = stored or {"a": torch.ones(1)}
    (folder / "path.txt").write_text(str(path) + "\n")
    if words:
        fields = [word.removeprefix("model.").split("=") for word in words]
        model = " ".join(f"{field}: " + (f"'{value}'" if field == "name" else value) for field, value in fields)
        (folder / "job.textproto").write_text(f"name: 'x' model {{ {model} }}")
    return {"stored": stored, "model": tensors if words else None}


def expect_same(path, theirs, kind):
    if not path.is_file():
        raise Difference(f"{kind}: nothing was read: {(path.parent / 'error.txt').read_text()}")
    ours = load_file(path)
    if ours.keys() != theirs.keys():
        raise Difference(f"{kind}: tensors {sorted(ours.keys() ^ theirs.keys())[:4]} are in one of both only")
    for name, tensor in theirs.items():
        tensor = tensor.detach()
        if ours[name].dtype != tensor.dtype or ours[name].shape != tensor.shape:
            raise Difference(f"{kind}: {name}: {ours[name].dtype} {list(ours[name].shape)} instead of {tensor.dtype} {list(tensor.shape)}")
        if not torch.equal(*(value.clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8) for value in (ours[name], tensor))):
            raise Difference(f"{kind}: {name}: other values")


def compare(folder, made):
    expect_same(folder / "stored.safetensors", made["stored"], "as stored")
    if made["model"] is not None:
        expect_same(folder / "model.safetensors", {name: tensor.float() for name, tensor in made["model"].items()}, "of the model")
    return "equal"


if __name__ == "__main__":
    main(make, compare, __doc__)
