"""A plain PyTorch loop beside deit-worker: from the same weights, on the images that `deit-coord plan` names, 20 steps without augmentation
and drop path (torch 2.14.1, timm 1.0.31).

  python tests/parity/follow_training.py golden build/release/bin            writes tests/cluster/golden/training.json, for CI
  python tests/parity/follow_training.py full build/release/bin [KIND ...]   deit_tiny_distilled_patch16_224 beside the worker, by hand

golden: the small jobs of tests/cluster/training_case.py in fp64: losses, sketches of the weights, and the report on the validation images.
full: kinds none, soft and hard (teacher: a regnety_002), everything in fp32; prints the largest relative difference of the losses and the norm
of the weights' difference over the norm of the weights, and fails beyond 1e-5 and 1e-4. Thirds of qkv biases whose true gradient is 0 are left
out.
"""
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import losses
import numpy
import predict_as_python
import timm
import torch
from safetensors.torch import load_file, save_file
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer
from torch.nn import functional

sys.path.append(str(pathlib.Path(__file__).parent.parent / "cluster"))
import inputs  # noqa: E402
import training_case as case  # noqa: E402

GOLDEN = pathlib.Path(__file__).parent.parent / "cluster" / "golden" / "training.json"
FULL = {
    "side": 224, "images": 64, "classes": 1000, "batch": 16,
    "job": """
name: "full"
model { name: "deit_tiny_distilled_patch16_224" drop_path: 0 init_from: "student.safetensors" }
data { format: IDX root: "data" mean: 0.5 std: 0.25 }
augment { crop: CENTER hflip: 0 }
train { epochs: 10 max_steps: 20 batch_size: 16 lanes: 4 smoothing: 0.1 }
optimizer { lr: 1e-3 scale_lr: false weight_decay: 0.05 }
schedule { warmup_epochs: 2 warmup_lr: 1e-6 min_lr: 1e-5 }
evaluate { every_epochs: 0 }
""",
    "teacher": ["teacher.model.name=regnety_002", "teacher.weights=teacher.safetensors"],
}
FULL["kinds"] = {
    "none": [],
    "soft": [*FULL["teacher"], "distillation.type=SOFT", "distillation.tau=3"],
    "hard": [*FULL["teacher"], "distillation.type=HARD"],
}
# Of each kind: its loss, as tests/parity/losses.py takes it.
LOSSES = {
    "none": {"kind": "NONE"},
    "soft": {"kind": "SOFT", "tau": 3, "divisor": "NUMEL"},
    "hard": {"kind": "HARD", "tau": 1, "divisor": "NUMEL"},
    "elsewhere": {"kind": "SOFT", "tau": 2, "divisor": "BATCHMEAN", "labels": False},
}


def run(program, *words, folder):
    environment = dict(os.environ, DEIT_STATE_DIR=str(folder / "state"))
    done = subprocess.run([program, *words], cwd=folder, env=environment, text=True, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{program} {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def order(binaries, folder, job):
    """Image indices of each step, as `deit-coord plan` prints them."""
    steps = [[] for _ in range(case.STEPS)]
    for line in run(binaries / "deit-coord", "plan", f"--config={job}", f"--steps=0:{case.STEPS}", "--json", folder=folder).splitlines():
        row = json.loads(line)
        steps[row["step"]].append(row["image"])
    return steps


def pixels(data, count, side, channels, dtype):
    """Normalised images from raw bytes."""
    images = torch.from_numpy(numpy.frombuffer(data, dtype=numpy.uint8).copy()).reshape(count, 1, side, side).to(dtype)
    return ((images / 255 - case.MEAN) / case.STD).expand(-1, channels, -1, -1)


def learning_rate(step, batch, images):
    epochs = step * batch / images
    if epochs < case.WARMUP:
        return case.WARMUP_LR + epochs * (case.LR - case.WARMUP_LR) / case.WARMUP
    return case.MIN_LR + 0.5 * (case.LR - case.MIN_LR) * (1 + math.cos(math.pi * epochs / case.EPOCHS))


def optimizer_of(model):
    """DeiT's two groups (facebookresearch/deit main.py with timm 0.3.2): the distillation token decays."""
    plain = [value for name, value in model.named_parameters() if value.dim() == 1 or name in ("cls_token", "pos_embed")]
    decayed = [value for name, value in model.named_parameters() if value.dim() > 1 and name not in ("cls_token", "pos_embed")]
    return torch.optim.AdamW([{"params": plain, "weight_decay": 0}, {"params": decayed, "weight_decay": case.DECAY}], lr=case.LR)


def loss_of(outputs, targets, teacher, kind, tau=1, divisor="NUMEL", labels=True):
    head, head_dist = outputs
    if kind == "NONE":
        return functional.cross_entropy((head + head_dist) / 2, targets, label_smoothing=case.SMOOTHING)
    if not labels:
        return sum(losses.distillation_loss(student, teacher, kind, tau, divisor) for student in outputs) / 2
    distilled = losses.distillation_loss(head_dist, teacher, kind, tau, divisor)
    return 0.5 * functional.cross_entropy(head, targets, label_smoothing=case.SMOOTHING) + 0.5 * distilled


def train(model, teach, images, targets, steps, settings):
    """The loop. Returns the losses."""
    model.set_distilled_training(True)
    model.train()
    optimizer, seen = optimizer_of(model), []
    for step, indices in enumerate(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, len(indices), len(images))
        batch = images[indices]
        with torch.no_grad():
            taught = teach(batch) if teach else None
        loss = loss_of(model(batch), targets[indices], taught, **settings)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    return seen


def report(model, teach, images, targets):
    """What deit-worker --task=evaluate --report says."""
    tokens = []
    hooks = [model.blocks[0].register_forward_pre_hook(lambda _, given: tokens.append(given[0]))]
    hooks += [block.register_forward_hook(lambda _, given, output: tokens.append(output)) for block in model.blocks]
    with torch.no_grad():
        head, head_dist = model(images)
        predictors = {"class": head, "distillation": head_dist, "fused": (head + head_dist) / 2,
                  "fused_softmax": ((head.softmax(1) + head_dist.softmax(1)) / 2).log()}
        if teach:
            predictors["teacher"] = teach(images)
    for hook in hooks:
        hook.remove()
    said = {name: logits.argmax(1) for name, logits in predictors.items()}
    share = {name: {other: (said[name] != said[other]).double().mean().item() for other in said if other != name} for name in said}
    scores = {}
    for name, logits in predictors.items():
        places = (logits.argsort(1, descending=True) == targets[:, None]).double().argmax(1)
        scores[name] = {"acc1": 100 * (places == 0).double().mean().item(), "acc5": 100 * (places < 5).double().mean().item(),
                        "loss": functional.cross_entropy(logits, targets).item()}
    cosines = [functional.cosine_similarity(layer[:, 0], layer[:, 1], dim=1).mean().item() for layer in tokens]
    return {"predictors": scores, "disagreement": share, "token_cosine": cosines}


def small_vit(kind, sizes, side, weights, channels=1):
    model = kind(img_size=side, patch_size=case.PATCH, in_chans=channels, num_classes=case.CLASSES, embed_dim=sizes["width"], depth=sizes["depth"],
                 num_heads=sizes["heads"])
    model.load_state_dict(load_file(weights), strict=True)
    return model.double()


def small_teacher(folder, kind):
    """A function from the student's pixels to the teacher's logits."""
    if kind == "none":
        return None
    if kind != "elsewhere":
        return small_vit(VisionTransformer, case.TEACHER, case.SIDE, folder / "teacher.safetensors").eval()
    model = small_vit(VisionTransformer, case.TEACHER, case.TEACHERS_SIDE, folder / "elsewhere.safetensors").eval()

    def see(batch):
        fitted = functional.interpolate(batch, (case.TEACHERS_SIDE,) * 2, mode="bicubic", antialias=True, align_corners=False)
        return model((fitted * case.STD + case.MEAN - case.TEACHERS_MEAN) / case.TEACHERS_STD)

    return see


def result(seen, model, teach, images, targets):
    """A kind's entry in a golden file."""
    sketches = {name: case.sketch(name, case.learned(name, value.flatten().tolist())) for name, value in model.state_dict().items()}
    return {"losses": [float(f"{loss:.10g}") for loss in seen],
            "weights": {name: [float(f"{number:.9g}") for number in row] for name, row in sketches.items()},
            "report": report(model, teach, images, targets)}


def golden(binaries):
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        steps = order(binaries, folder, case.write(folder))
        data = {prefix: (pixels(case.images(prefix, count), count, case.SIDE, 1, torch.float64),
                         torch.tensor(list(case.labels(prefix + " labels", count))))
                for prefix, count in (("train", case.IMAGES), ("t10k", case.VALIDATION))}
        for kind in case.KINDS:
            model = small_vit(VisionTransformerDistilled, case.STUDENT, case.SIDE, folder / "student.safetensors")
            teach = small_teacher(folder, kind)
            seen = train(model, teach, *data["train"], steps, LOSSES[kind])
            results[kind] = result(seen, model, teach, *data["t10k"])
            print(f"{kind}: losses {seen[0]:.6g} to {seen[-1]:.6g}", flush=True)
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(results, indent=1) + "\n")


def write_full(folder):
    generator = numpy.random.default_rng(5)
    (folder / "data").mkdir()
    side, count = FULL["side"], FULL["images"]
    for prefix in ("train", "t10k"):
        coarse = generator.integers(0, 256, (count, 8, 8), dtype=numpy.uint8).repeat(side // 8, 1).repeat(side // 8, 2)
        images = (coarse // 2 + generator.integers(0, 128, coarse.shape, dtype=numpy.uint8)).astype(numpy.uint8).tobytes()
        labels = generator.integers(0, 256, count, dtype=numpy.uint8).tobytes()
        (folder / f"data/{prefix}-images-idx3-ubyte").write_bytes(inputs.idx(0x803, (count, side, side), images))
        (folder / f"data/{prefix}-labels-idx1-ubyte").write_bytes(inputs.idx(0x801, (count,), labels))
        if prefix == "train":
            data = pixels(images, count, side, 3, torch.float32), torch.tensor(list(labels))
    torch.manual_seed(5)
    student = timm.create_model("deit_tiny_distilled_patch16_224")
    teacher = predict_as_python.moved(timm.create_model("regnety_002"))
    for name, model in (("student", student), ("teacher", teacher)):
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / f"{name}.safetensors")
    (folder / "full.textproto").write_text(FULL["job"])
    return data, teacher


def difference(ours, theirs):
    squares, total = 0, 0
    for name, value in theirs.items():
        third = len(value) // 3
        keep = torch.ones(len(value), dtype=torch.bool) if value.dim() else torch.ones((), dtype=torch.bool)
        if name.endswith("attn.qkv.bias"):
            keep[third:2 * third] = False
        squares += value[keep].double().norm().item() ** 2
        total += (ours[name][keep].double() - value[keep].double()).norm().item() ** 2
    return math.sqrt(total / squares)


def full(binaries, kinds):
    good = True
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (images, targets), teacher = write_full(folder)
        steps = order(binaries, folder, folder / "full.textproto")
        for kind in kinds or FULL["kinds"]:
            run(binaries / "deit-worker", "--config=full.textproto", f"--run_dir={kind}", *FULL["kinds"][kind], folder=folder)
            ours = [json.loads(line)["loss"] for line in (folder / kind / "metrics.jsonl").read_text().splitlines()]
            trained = load_file(folder / kind / f"checkpoints/step_{case.STEPS:08}/model_00.safetensors")
            model = timm.create_model("deit_tiny_distilled_patch16_224")
            model.load_state_dict(load_file(folder / "student.safetensors"), strict=True)
            theirs = train(model, teacher if kind != "none" else None, images, targets, steps, LOSSES[kind])
            worst = max(abs(a / b - 1) for a, b in zip(ours, theirs, strict=True))
            weights = difference(trained, model.state_dict())
            moved = difference(load_file(folder / "student.safetensors"), model.state_dict())
            print(f"{kind}: losses {theirs[0]:.6g} to {theirs[-1]:.6g} differ by {worst:.1e}, weights by {weights:.1e} (training moved them by "
                  f"{moved:.1e})", flush=True)
            good &= worst <= 1e-5 and weights <= 1e-4
    return 0 if good else 1


def main(what, binaries, *kinds):
    torch.set_num_threads(1)
    binaries = pathlib.Path(binaries).resolve()
    if what == "golden":
        return golden(binaries)
    return full(binaries, kinds)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
