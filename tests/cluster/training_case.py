"""Small training jobs of which everything follows from names: weights, images, labels. follow_training_test.py runs them, and
tests/parity/follow_training.py computes with PyTorch what must come of them. Python's standard library only.
"""
import itertools
import math
import struct

import inputs
from cluster import write_safetensors

STEPS, IMAGES, VALIDATION, SIDE, PATCH, CLASSES = 20, 40, 10, 32, 8, 10
MEAN, STD = 0.5, 0.25
TEACHERS_SIDE, TEACHERS_MEAN, TEACHERS_STD = 24, 0.4, 0.3  # of KINDS["elsewhere"]
BATCH, EPOCHS, WARMUP, LR, WARMUP_LR, MIN_LR, DECAY, SMOOTHING = 16, 10, 2, 1e-3, 1e-6, 1e-5, 0.05, 0.1
STUDENT = {"width": 32, "depth": 2, "heads": 2}
TEACHER = {"width": 16, "depth": 1, "heads": 1}

JOB = f"""
name: "follow"
model {{
  name: "deit_distilled" num_classes: {CLASSES} img_size: {SIDE} in_chans: 1 patch_size: {PATCH}
  embed_dim: {STUDENT["width"]} depth: {STUDENT["depth"]} num_heads: {STUDENT["heads"]}
  init_from: "student.safetensors"
}}
data {{ format: IDX root: "data" mean: {MEAN} std: {STD} }}
augment {{ crop: CENTER hflip: 0 }}
train {{ epochs: {EPOCHS} max_steps: {STEPS} batch_size: {BATCH} lanes: 4 smoothing: {SMOOTHING} }}
optimizer {{ lr: {LR} scale_lr: false weight_decay: {DECAY} }}
schedule {{ warmup_epochs: {WARMUP} warmup_lr: {WARMUP_LR} min_lr: {MIN_LR} }}
evaluate {{ batch_size: 3 }}
"""

A_TEACHER = ["teacher.model.name=vit", f"teacher.model.patch_size={PATCH}", f"teacher.model.embed_dim={TEACHER['width']}",
             f"teacher.model.depth={TEACHER['depth']}", f"teacher.model.num_heads={TEACHER['heads']}"]
# Words of a command line that follow JOB; paths are relative to the folder of write().
KINDS = {
    "none": [],
    "soft": [*A_TEACHER, "teacher.weights=teacher.safetensors", "distillation.type=SOFT", "distillation.tau=3", "distillation.alpha=0.5"],
    "hard": [*A_TEACHER, "teacher.weights=teacher.safetensors", "distillation.type=HARD", "distillation.alpha=0.5"],
    # A teacher of another size and other statistics, from which alone the student learns.
    "elsewhere": [*A_TEACHER, "teacher.weights=elsewhere.safetensors", f"teacher.model.img_size={TEACHERS_SIDE}",
                  f"teacher.mean={TEACHERS_MEAN}", f"teacher.std={TEACHERS_STD}", "distillation.type=SOFT", "distillation.tau=2",
                  "distillation.reduction=BATCHMEAN", "distillation.labels=false"],
}


def key_of(name):
    """The name's FNV-1a, as tests/support/keyed_values.h."""
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = (key ^ byte) * 0x100000001B3 % 2**64
    return key


def words(name):
    """SplitMix64 begun at the name's key, as there."""
    return words_of(key_of(name))


def words_of(key):
    for i in itertools.count(1):
        z = (key + i * 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        yield z ^ (z >> 31)


def tensor(name, shape):
    """A parameter's values, as KeyedTensor there."""
    count = math.prod(shape)
    offset, scale = 0.0, 0.1
    if len(shape) > 1:
        scale = math.sqrt(6 / (count / shape[0]))
    elif name.endswith(".weight"):
        offset, scale = 1.0, 0.2
    return [offset + scale * ((word >> 11) * 2.0**-52 - 1) for word in itertools.islice(words(name), count)]


def vit_tensors(sizes, side, distilled):
    """Names and shapes, as timm's."""
    width, hidden = sizes["width"], 4 * sizes["width"]
    tokens = (side // PATCH) ** 2 + 1 + distilled
    shapes = {"cls_token": [1, 1, width], "pos_embed": [1, tokens, width], **({"dist_token": [1, 1, width]} if distilled else {})}

    def linear(name, inputs_, outputs):
        shapes[name + ".weight"], shapes[name + ".bias"] = [outputs, inputs_], [outputs]

    def norm(name):
        shapes[name + ".weight"], shapes[name + ".bias"] = [width], [width]

    shapes["patch_embed.proj.weight"], shapes["patch_embed.proj.bias"] = [width, 1, PATCH, PATCH], [width]
    for block in range(sizes["depth"]):
        norm(f"blocks.{block}.norm1")
        linear(f"blocks.{block}.attn.qkv", width, 3 * width)
        linear(f"blocks.{block}.attn.proj", width, width)
        norm(f"blocks.{block}.norm2")
        linear(f"blocks.{block}.mlp.fc1", width, hidden)
        linear(f"blocks.{block}.mlp.fc2", hidden, width)
    norm("norm")
    for head in ("head", "head_dist")[:1 + distilled]:
        linear(head, width, CLASSES)
    return shapes


def images(name, count):
    """`count` pictures of SIDE x SIDE bytes, one after another: a gradient of its own, and noise."""
    noise = words(name)
    pixels = bytearray()
    for _ in range(count):
        slope_x, slope_y, level = (next(noise) % 7 - 3, next(noise) % 7 - 3, next(noise) % 256)
        for y, x in itertools.product(range(SIDE), repeat=2):
            pixels.append(max(0, min(255, level + slope_x * (x - SIDE // 2) + slope_y * (y - SIDE // 2) + next(noise) % 64 - 32)))
    return bytes(pixels)


def labels(name, count):
    return bytes(word % CLASSES for word in itertools.islice(words(name), count))


def write(folder):
    """Job, data and weights of every kind; returns the job's path."""
    data = folder / "data"
    data.mkdir()
    for prefix, count in (("train", IMAGES), ("t10k", VALIDATION)):
        content = inputs.idx(0x803, (count, SIDE, SIDE), images(prefix, count))
        (data / f"{prefix}-images-idx3-ubyte").write_bytes(content)
        (data / f"{prefix}-labels-idx1-ubyte").write_bytes(inputs.idx(0x801, (count,), labels(prefix + " labels", count)))
    for name, sizes, side, distilled in (("student", STUDENT, SIDE, True), ("teacher", TEACHER, SIDE, False),
                                         ("elsewhere", TEACHER, TEACHERS_SIDE, False)):
        tensors = {}
        for key, shape in vit_tensors(sizes, side, distilled).items():
            tensors[key] = ("F32", shape, struct.pack(f"<{math.prod(shape)}f", *tensor(key, shape)))
        write_safetensors(folder / f"{name}.safetensors", tensors)
    (folder / "follow.textproto").write_text(JOB)
    return folder / "follow.textproto"


def learned(name, values):
    """A tensor's numbers without those whose true gradient is 0: shifting all keys of a head alike changes no attention."""
    third = len(values) // 3
    return values[:third] + values[2 * third:] if name.endswith("attn.qkv.bias") else values


def sketch(name, values):
    """The norm, and the products with four vectors of keyed signs (tests/support/keyed_values.h)."""
    sums = [0.0] * 4
    for value, word in zip(values, words_of(key_of(name) ^ (2**64 - 1))):
        for k in range(4):
            sums[k] += value if word >> k & 1 else -value
    return [math.sqrt(math.fsum(value * value for value in values)), *sums]
