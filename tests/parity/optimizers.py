"""Writes what PyTorch's and timm's optimizers make of four steps, for tests/worker/update/optimizer_test.cc:

  python tests/parity/optimizers.py                 (torch 2.14.1, timm 1.0.31)

golden/optimizers.txt, one case a line: optimizer.opt, 1 where "matrix" starts at 0 (its norm too), the norm that gradients are clipped to
(torch.nn.utils.clip_grad_norm_; 0: not), the decay of timm's ModelEmaV2 (0: none); then the weights after the last step and the averages, of "matrix" (decays by DECAY) and then of "bias" (does
not). Weights and gradients are keyed values (keyed_values.py) of the tensor's name, and of "NAME gradient STEP" times 3, computation in
fp64; step s has the learning rate LR * (s + 1).
"""
import pathlib

import keyed_values
import numpy
import torch
from timm.optim import create_optimizer_v2
from timm.utils import ModelEmaV2

GOLDEN = pathlib.Path(__file__).parent.parent / "worker" / "update" / "golden" / "optimizers.txt"
LR, DECAY, STEPS = 0.01, 0.05, 4
SIZES = {"matrix": 12, "bias": 5}


def keyed(name, count, scale=1.0):
    values = scale * keyed_values.values(keyed_values.key_of(name), count)
    return torch.from_numpy(values.astype(numpy.float32)).double()


def train(opt, starts_at_zero, clip_grad, ema_decay):
    weights = {name: keyed(name, size) for name, size in SIZES.items()}
    if starts_at_zero:
        weights["matrix"].zero_()
    parameters = torch.nn.ParameterDict({name: torch.nn.Parameter(value) for name, value in weights.items()})
    average = ModelEmaV2(parameters, decay=ema_decay)
    groups = [{"params": [parameters["matrix"]], "weight_decay": DECAY}, {"params": [parameters["bias"]], "weight_decay": 0.0}]
    settings = {"eps": 1e-8} if opt in ("adamw", "lamb") else {"momentum": 0.9}
    optimizer = create_optimizer_v2(groups, opt=opt, lr=LR, weight_decay=DECAY, **settings)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = LR * (step + 1)
        for name, parameter in parameters.items():
            parameter.grad = keyed(f"{name} gradient {step}", SIZES[name], 3.0)
        if clip_grad:
            torch.nn.utils.clip_grad_norm_(parameters.parameters(), clip_grad)
        optimizer.step()
        average.update(parameters)
    results = [parameters, average.module] if ema_decay else [parameters]
    return [value for result in results for name in SIZES for value in result[name].tolist()]


def main():
    numpy.seterr(over="ignore")
    GOLDEN.parent.mkdir(exist_ok=True)
    lines = []
    cases = [(opt, zero, 0, 0) for opt in ("adamw", "lamb", "sgd", "momentum") for zero in (False, True)]
    for opt, zero, clip_grad, ema_decay in [*cases, ("sgd", False, 2.5, 0), ("adamw", False, 2.5, 0.9), ("adamw", False, 0, 0.99)]:
        lines.append(" ".join([opt, f"{zero:d} {clip_grad} {ema_decay}", *(f"{value:.10g}" for value in train(opt, zero, clip_grad, ema_decay))]))
    GOLDEN.write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} cases")


if __name__ == "__main__":
    main()
