"""Augmented and mixed RGB pictures up to the loss, beside deit-worker (Pillow 11.3, torch 2.14.1, torchvision 0.29.1, timm 1.0.31).

  python tests/parity/follow_recipe.py build/release/bin        writes tests/cluster/golden/recipe.json, for CI

For each job of tests/cluster/recipe_case.py, `deit-worker --task=preview` says what is drawn for each view: image, crop, operations, boxes and
mix. From these and the pictures, Pillow and timm make the pixels, timm's rules the targets, and PyTorch trains in fp64 for 20 steps. The
validation images go through torchvision's data set and timm's evaluation transform.
"""
import json
import pathlib
import sys
import tempfile

import follow_training
import rebuild_views
import torch
from PIL import Image
from timm.data import create_transform
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer
from torch.nn import functional
from torchvision import transforms
from torchvision.datasets import ImageFolder

sys.path.append(str(pathlib.Path(__file__).parent.parent / "cluster"))
import recipe_case  # noqa: E402
import training_case as case  # noqa: E402

GOLDEN = pathlib.Path(__file__).parent.parent / "cluster" / "golden" / "recipe.json"


def samples(kind, folder, split):
    """(picture, label) by image index."""
    if kind == "folder":
        found = ImageFolder(folder / "folder" / split).samples
        return [(Image.open(path).convert("RGB"), label) for path, label in found]
    made = recipe_case.pictures(kind, split, {"train": recipe_case.TRAIN, "val": recipe_case.VALIDATION}[split])
    return [(Image.frombytes("RGB", recipe_case.size(kind), pixels), recipe_case.label(i)) for i, pixels in enumerate(made)]


def smoothed(label, smoothing):
    """timm.data.mixup.one_hot."""
    target = torch.full((case.CLASSES,), smoothing / case.CLASSES, dtype=torch.float64)
    target[label] += 1 - smoothing
    return target


def batches(kind, folder, binaries):
    """(pixels, targets) of each step."""
    words = [f"--config={folder / 'recipe.textproto'}", "--task=preview", f"--steps=0:{case.STEPS}", f"--output={kind}_views"]
    follow_training.run(binaries / "deit-worker", *words, *recipe_case.KINDS[kind], folder=folder)
    views = [json.loads(line) for line in (folder / f"{kind}_views/views.jsonl").read_text().splitlines()]
    train, smoothing = samples(kind, folder, "train"), 0 if kind == "cifar" else case.SMOOTHING
    own = {view["position"]: torch.from_numpy(rebuild_views.render(view, train[view["image"]][0], case.SIDE)) for view in views}
    labels = {view["position"]: train[view["image"]][1] for view in views}
    steps = [[] for _ in range(case.STEPS)]
    for view in views:
        pixels, target = own[view["position"]], smoothed(labels[view["position"]], smoothing)
        if "mix" in view:
            partner = view["mix"]["partner"]
            pixels = torch.from_numpy(rebuild_views.mix(view, pixels.numpy(), own[partner].numpy()))
            target = target * view["mix"]["keep"] + smoothed(labels[partner], smoothing) * (1 - view["mix"]["keep"])
        steps[view["step"]].append((pixels.double(), target))
    print(f"{kind}: {sum('mix' in view for view in views)} of {len(views)} views are mixed", flush=True)
    return [tuple(map(torch.stack, zip(*step))) for step in steps]


def loss_of(kind, outputs, targets, taught):
    head, head_dist = outputs
    if kind == "cifar":  # DeiT III: every class that shows is a yes
        return functional.binary_cross_entropy_with_logits((head + head_dist) / 2, targets.gt(0).double())
    if taught is None:
        return functional.cross_entropy((head + head_dist) / 2, targets)
    return 0.5 * functional.cross_entropy(head, targets) + 0.5 * functional.cross_entropy(head_dist, taught.argmax(1))


def train(kind, model, teach, steps):
    model.set_distilled_training(True)
    model.train()
    optimizer, seen = follow_training.optimizer_of(model), []
    for step, (pixels, targets) in enumerate(steps):
        for group in optimizer.param_groups:
            group["lr"] = follow_training.learning_rate(step, len(pixels), recipe_case.TRAIN)
        with torch.no_grad():
            taught = teach(pixels) if teach else None
        loss = loss_of(kind, model(pixels), targets, taught)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    return seen


def validation(kind, folder):
    if kind == "cifar":
        show = transforms.Compose([transforms.ToTensor(), transforms.Normalize(recipe_case.MEAN, recipe_case.STD)])
    else:
        show = create_transform(case.SIDE, interpolation="bicubic", mean=recipe_case.MEAN, std=recipe_case.STD, crop_pct=0.875)
    found = samples(kind, folder, "val")
    return torch.stack([show(picture) for picture, _ in found]).double(), torch.tensor([label for _, label in found])


def main(binaries):
    torch.set_num_threads(1)
    binaries, results = pathlib.Path(binaries).resolve(), {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        recipe_case.write(folder)

        def vit(kind, sizes, name):
            return follow_training.small_vit(kind, sizes, case.SIDE, folder / f"{name}_rgb.safetensors", recipe_case.CHANNELS)

        for kind, words in recipe_case.KINDS.items():
            student = vit(VisionTransformerDistilled, case.STUDENT, "student")
            teacher = vit(VisionTransformer, case.TEACHER, "teacher").eval() if any("teacher" in word for word in words) else None
            seen = train(kind, student, teacher, batches(kind, folder, binaries))
            results[kind] = follow_training.result(seen, student, teacher, *validation(kind, folder))
            print(f"{kind}: losses {seen[0]:.6g} to {seen[-1]:.6g}", flush=True)
    GOLDEN.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
