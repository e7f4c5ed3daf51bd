"""Writes what timm computes, for tests/worker/nn/parity_test.cc, and what it lists, for registry_test.cc:

  python tests/parity/reference_models.py reduced|full|registry     (timm 1.0.31, torch 2.14.1)

golden/parity/reduced/*.txt and golden/parity/full/*.txt, one file a case: the model as a ModelSpec; images of each pass, and the error of
timm's own logits in fp32 (largest over all, relative to the largest logit); the loss in training (mean cross entropy, of both heads where there
are two); the logits in evaluation, with the statistics of that training pass as the running ones (made-up ones make deep networks explode
or vanish); and for each tensor of the state dict, in its order, name, shape and a sketch (keyed_values.py) of the loss's gradient, or of
the statistics. Weights and images are keyed values, computation is in fp64. golden/registry.txt: name, tensors, FNV-1a of all names and
shapes, parameters, multiply-accumulates, input.
"""
import math
import pathlib
import sys

import keyed_values
import numpy
import timm
import timm.models.efficientnet
import torch

GOLDEN = pathlib.Path(__file__).parent.parent / "worker" / "models" / "golden"
VITS = [f"vit_{size}_patch16_{side}" for side in (224, 384) for size in ("tiny", "small", "base", "large")]
DEITS = [f"deit_{size}{kind}_patch16_224" for kind in ("", "_distilled") for size in ("tiny", "small", "base")]
DEITS += ["deit_base_patch16_384", "deit_base_distilled_patch16_384"]
RESNETS = ["resnet18", "resnet34", "resnet50", "resnet101"]
REGNETS = [f"regnety_{size}" for size in ("002", "004", "008", "040", "080", "120", "160")]
EFFICIENTNETS = [f"efficientnet_b{size}" for size in range(8)]
WIDTH_MULTS = (1.0, 1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0)
NAMES = [*VITS, *DEITS, *RESNETS, *REGNETS, *EFFICIENTNETS]


def input_side(name):
    return timm.get_pretrained_cfg(name).input_size[1]


def reduced(name):
    """A model of that name's widths, with few blocks, and its spec."""
    if name in VITS or name in DEITS:
        side = 64 if "224" in name else 96
        model = timm.create_model(name, img_size=side, depth=2, num_classes=10)
        return model, side, f"img_size: {side} depth: 2"
    if name in RESNETS:
        return timm.create_model(name, layers=(1, 2, 1, 1), num_classes=10), 64, "img_size: 64 depths: [1, 2, 1, 1]"
    if name in REGNETS:
        model = timm.create_model(name, num_classes=10)
        depths = []
        for stage in (model.s1, model.s2, model.s3, model.s4):
            for block in list(stage._modules)[2:]:
                delattr(stage, block)
            depths.append(len(stage._modules))
        return model, 64, f"img_size: 64 depths: {depths}"
    width = WIDTH_MULTS[EFFICIENTNETS.index(name)]
    model = timm.models.efficientnet._gen_efficientnet(name, channel_multiplier=width, depth_multiplier=0.5, num_classes=10)
    return model, 64, "img_size: 64 depth_mult: 0.5"


def fill(model):
    state = model.state_dict()
    parameters = dict(model.named_parameters())
    state |= {name: torch.from_numpy(keyed_values.tensor(name, tuple(value.shape))) for name, value in parameters.items()}
    model.load_state_dict(state, strict=True)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0


def images_of(key, count, side):
    shape = (count, 3, side, side)
    return torch.from_numpy(keyed_values.values(keyed_values.key_of(key), math.prod(shape)).astype(numpy.float32).reshape(shape)).double()


def text(numbers, digits):
    return " ".join(f"{number:.{digits}g}" for number in numbers)


def train(model, side, classes, count):
    """One pass, which leaves gradients and statistics; the loss."""
    if hasattr(model, "set_distilled_training"):
        model.set_distilled_training(True)
    heads = model.train()(images_of("training", count, side))
    labels = torch.arange(count) * 7 % classes
    loss = sum(torch.nn.functional.cross_entropy(head, labels) for head in (heads if isinstance(heads, tuple) else (heads,)))
    loss.backward()
    return loss.item()


def write_case(folder, name, model, side, fields, classes, training_images, evaluation_images, case=None):
    fill(model)
    model = model.double()
    loss = train(model, side, classes, training_images)
    images = images_of("evaluation", evaluation_images, side)
    gradients = {key: parameter.grad.clone() for key, parameter in model.named_parameters()}
    state = {key: value.clone() for key, value in model.state_dict().items()}
    with torch.no_grad():
        logits = model.eval()(images)
        error = (model.float()(images.float()) - logits).abs().max() / logits.abs().max()
    lines = [f'name: "{name}" num_classes: {classes} {fields}', f"{training_images} {evaluation_images} {error:.2g}", text([loss], 12)]
    lines += [text(row.tolist(), 9) for row in logits]
    for key, value in state.items():
        shape = "x".join(map(str, value.shape)) or "scalar"
        known = gradients.get(key, value)
        sketch = keyed_values.sketch(key, known.numpy()) if known.dtype.is_floating_point else []
        lines.append(f"{key} {shape} {text(sketch, 8)}".rstrip())
    path = GOLDEN / "parity" / folder / f"{case or name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    print(f"{path.name}: loss {loss:.6g}, largest logit {logits.abs().max():.4g}, error in fp32 {error:.2g}", flush=True)


def macs_of(model, side):
    """Multiply-accumulates of convolutions, linear layers and attention products."""
    total = 0

    def count(module, inputs, output):
        nonlocal total
        if isinstance(module, torch.nn.Conv2d):
            total += output[0].numel() * module.in_channels // module.groups * math.prod(module.kernel_size)
        elif isinstance(module, torch.nn.Linear):
            total += output[0].numel() * module.in_features
        else:
            tokens, width = inputs[0].shape[1:]
            total += 2 * tokens * tokens * width

    for module in model.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)) or type(module).__name__ == "Attention":
            module.register_forward_hook(count)
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, side, side))
    return total


def registry_line(name):
    model, side = timm.create_model(name), input_side(name)
    tensors = model.state_dict()
    listing = "".join(f"{key} {'x'.join(map(str, value.shape)) or 'scalar'}\n" for key, value in tensors.items())
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return f"{name} {len(tensors)} {keyed_values.key_of(listing):016x} {parameters} {macs_of(model, side)} {side}\n"


def main(what, only):
    torch.set_num_threads(1)
    numpy.seterr(over="ignore")
    names = [name for name in NAMES if not only or name in only]
    if what == "registry":
        (GOLDEN / "registry.txt").write_text("".join(registry_line(name) for name in names))
    for name in names if what != "registry" else ():
        if what == "reduced":
            write_case(what, name, *reduced(name), 10, 4, 2)
        else:
            side = min(input_side(name), 224) if name in EFFICIENTNETS else input_side(name)  # what takes more is the same again
            write_case(what, name, timm.create_model(name), side, f"img_size: {side}", 1000, 1, 1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
