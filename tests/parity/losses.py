"""Writes what PyTorch makes of the distillation losses, for tests/worker/distill/loss_test.cc:

  python tests/parity/losses.py                 (torch 2.14.1, timm 1.0.31)
  python tests/parity/losses.py vit-pytorch     prints both heads' logits and the losses of vit-pytorch's own DistillWrapper (1.26.11)

golden/losses.txt, one case a line: type, tau, alpha, smoothing, divisor, labels (1: learned), heads, keep (- or one
number for each image), binary (1: binary cross entropy, of mixed views as facebookresearch/deit main.py, of others as timm);
then the total, its base and its distillation part; then their gradients by the logits, class head first. Logits are keyed values
(keyed_values.py) times 4, of "head", "head_dist" and "teacher"; computation is in fp64. The formulas are those of facebookresearch/deit
losses.py (NUMEL), of vit-pytorch distill.py and of timm train.py (BATCHMEAN), written with torch.nn.functional.
"""
import itertools
import pathlib
import sys

import keyed_values
import numpy
import torch
from timm.data.mixup import mixup_target
from timm.loss import BinaryCrossEntropy, SoftTargetCrossEntropy
from torch.nn import functional

GOLDEN = pathlib.Path(__file__).parent.parent / "worker" / "distill" / "golden" / "losses.txt"
IMAGES, CLASSES = 4, 5
LABELS = torch.tensor([2, 0, 4, 2])
KEEP = 0.7


def logits(name):
    values = 4 * keyed_values.values(keyed_values.key_of(name), IMAGES * CLASSES)
    return torch.from_numpy(values.astype(numpy.float32)).double().reshape(IMAGES, CLASSES)


def base_loss(student, smoothing, mixed, binary):
    if binary and mixed:
        targets = mixup_target(LABELS, CLASSES, KEEP, 0.0).double()
        return torch.nn.BCEWithLogitsLoss()(student, targets.gt(0.0).type(targets.dtype))
    if binary:
        return BinaryCrossEntropy(smoothing=0.0)(student, LABELS)
    if mixed:
        return SoftTargetCrossEntropy()(student, mixup_target(LABELS, CLASSES, KEEP, smoothing).double())
    return functional.cross_entropy(student, LABELS, label_smoothing=smoothing)


def distillation_loss(student, teacher, kind, tau, divisor):
    if kind == "HARD":
        return functional.cross_entropy(student, teacher.argmax(1))
    student, teacher = (functional.log_softmax(rows / tau, dim=1) for rows in (student, teacher))
    if divisor == "BATCHMEAN":
        return functional.kl_div(student, teacher.exp(), reduction="batchmean") * tau**2
    return functional.kl_div(student, teacher, reduction="sum", log_target=True) * tau**2 / student.numel()


def case(kind, tau, alpha, smoothing, divisor, learned, heads, mixed, binary=False):
    outputs = [logits(name).requires_grad_() for name in ("head", "head_dist")[:heads]]
    fused = sum(outputs) / heads
    base = base_loss(outputs[0] if kind != "NONE" else fused, smoothing, mixed, binary) if learned else torch.zeros(())
    distilled = torch.zeros(())
    if kind != "NONE":
        students = outputs[-1:] if learned else outputs
        distilled = sum(distillation_loss(student, logits("teacher"), kind, tau, divisor) for student in students) / len(students)
    if kind == "NONE":
        total = base
    else:
        total = (1 - alpha) * base + alpha * distilled if learned else distilled
    total.backward()
    numbers = [total.item(), base.item(), distilled.item()]
    for output in outputs:
        numbers += output.grad.flatten().tolist()
    keep = ",".join([str(KEEP)] * IMAGES) if mixed else "-"
    settings = (kind, tau, alpha, smoothing, divisor, int(learned), heads, keep, int(binary))
    return " ".join([*map(str, settings), *(f"{number:.9g}" for number in numbers)])


def print_vit_pytorch():
    """A DistillableViT whose parameters are 0.02 sin(0.01 i + length of the name), scales of norms one more."""
    from vit_pytorch.distill import DistillableViT, DistillWrapper  # pylint: disable=import-outside-toplevel

    student = DistillableViT(image_size=64, patch_size=32, num_classes=10, dim=32, depth=2, heads=2, mlp_dim=64)
    rows = torch.arange(10) * 0.1
    wrapper = DistillWrapper(teacher=lambda _: torch.stack([rows, 1 - rows]), student=student, temperature=3, alpha=0.5)
    norms = {f"{name}.weight" for name, module in wrapper.named_modules() if isinstance(module, torch.nn.LayerNorm)}
    with torch.no_grad():
        for name, value in wrapper.named_parameters():
            wave = 0.02 * torch.sin(0.01 * torch.arange(value.numel(), dtype=torch.float64) + len(name))
            value.copy_((wave + (name in norms)).reshape(value.shape))
        images = torch.sin(0.001 * torch.arange(2 * 3 * 64 * 64, dtype=torch.float64)).float().reshape(2, 3, 64, 64)
        head, tokens = student(images, distill_token=wrapper.distillation_token)
        for name, values in (("head", head), ("head_dist", wrapper.distill_mlp(tokens))):
            print(f"{name}: {', '.join(f'{value:.7g}' for value in values.flatten().tolist())}")
        for hard in (False, True):
            wrapper.hard = hard
            print(f"{'hard' if hard else 'soft'}: {wrapper(images, torch.tensor([1, 2])).item():.7g}")


def main():
    numpy.seterr(over="ignore")
    kinds = [("NONE", 1, 0.5, "NUMEL"), ("HARD", 1, 0.5, "NUMEL"), ("SOFT", 1, 0.5, "NUMEL"), ("SOFT", 3, 0.1, "NUMEL"),
             ("SOFT", 1, 0.5, "BATCHMEAN"), ("SOFT", 3, 0.7, "BATCHMEAN")]
    lines = []
    for (kind, tau, alpha, divisor), heads, learned, (smoothing, mixed) in itertools.product(
            kinds, (1, 2), (True, False), ((0.1, False), (0.0, False), (0.1, True))):
        if learned or (kind != "NONE" and smoothing and not mixed):  # without labels the rest has no say
            lines.append(case(kind, tau, alpha, smoothing, divisor, learned, heads, mixed))
    for (kind, tau, alpha, divisor), heads, mixed in itertools.product(kinds[:3], (1, 2), (False, True)):
        lines.append(case(kind, tau, alpha, 0.0, divisor, True, heads, mixed, binary=True))
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} cases")


if __name__ == "__main__":
    if sys.argv[1:] == ["vit-pytorch"]:
        print_vit_pytorch()
    else:
        main()
