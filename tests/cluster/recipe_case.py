"""The jobs of training_case.py on RGB pictures in a class folder, in TAR shards and in CIFAR's files, with augmentation and mixing.
follow_recipe_test.py runs them, and tests/parity/follow_recipe.py computes with PyTorch, timm and Pillow what must come of them. Python's
standard library only.
"""
import io
import itertools
import math
import struct
import tarfile

import training_case as case
from cluster import write_safetensors

TRAIN, VALIDATION, CHANNELS = 40, 10, 3
WIDTH, HEIGHT = 44, 38  # of a picture; CIFAR's have SIDE x SIDE
MEAN, STD = (0.5, 0.375, 0.625), (0.25, 0.3125, 0.1875)  # fp32 holds them
FILES_OF_CIFAR, SHARDS = 5, 2

JOB = case.JOB.replace("in_chans: 1", f"in_chans: {CHANNELS}").replace("student.safetensors", "student_rgb.safetensors").replace(
    f"mean: {case.MEAN} std: {case.STD}", f"mean: {list(MEAN)} std: {list(STD)}")
A_TEACHER = [*case.A_TEACHER, "teacher.weights=teacher_rgb.safetensors", "distillation.type=HARD", "distillation.alpha=0.5"]
# Words of a command line that follow JOB; paths are relative to the folder of write().
KINDS = {
    "folder": ["data.format=IMAGE_FOLDER", "data.root=folder", "augment.crop=RESIZED", "augment.hflip=0.5",
               "augment.aa=rand-m9-mstd0.5-inc1", "augment.reprob=0.5", "augment.mixup=0.8", "augment.mixup_mode=ELEM"],
    "shards": [*A_TEACHER, "data.format=TAR", "data.root=shards", "augment.crop=RESIZED", "augment.interpolation=RANDOM",
               "augment.mixup=0.8", "augment.cutmix=1"],
    "cifar": ["data.format=CIFAR", "data.root=cifar", "augment.crop=PADDED", "augment.cutmix=1", "augment.mixup_mode=PAIR",
              "train.bce_loss=true", "train.smoothing=0"],
}


def label(i):
    return (3 * i + 1) % case.CLASSES


def size(kind):
    """(width, height) of a kind's pictures."""
    return (case.SIDE, case.SIDE) if kind == "cifar" else (WIDTH, HEIGHT)


def pictures(kind, split, count):
    """`count` RGB pictures as rows of pixels: a slope of each channel's own, and noise."""
    width, height = size(kind)
    noise, made = case.words(f"{kind} {split}"), []
    for _ in range(count):
        slopes = [(next(noise) % 7 - 3, next(noise) % 7 - 3, next(noise) % 256) for _ in range(CHANNELS)]
        made.append(bytes(max(0, min(255, level + across * (x - width // 2) + down * (y - height // 2) + next(noise) % 64 - 32))
                          for y, x in itertools.product(range(height), range(width)) for across, down, level in slopes))
    return made


def ppm(pixels):
    return f"P6 {WIDTH} {HEIGHT} 255\n".encode() + pixels


def write_folder(folder):
    for split, count in (("train", TRAIN), ("val", VALIDATION)):
        for i, pixels in enumerate(pictures("folder", split, count)):
            path = folder / split / f"class_{label(i)}" / f"{i:02}.ppm"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(ppm(pixels))


def write_shards(folder):
    for split, count, shards in (("train", TRAIN, SHARDS), ("val", VALIDATION, 1)):
        (folder / split).mkdir(parents=True)
        made = pictures("shards", split, count)
        for shard in range(shards):
            with tarfile.open(folder / split / f"{shard:04}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
                for i in range(shard * count // shards, (shard + 1) * count // shards):
                    for ending, content in (("ppm", ppm(made[i])), ("cls", str(label(i)).encode())):
                        member = tarfile.TarInfo(f"{i:04}.{ending}")
                        member.size = len(content)
                        tar.addfile(member, io.BytesIO(content))


def write_cifar(folder):
    folder.mkdir()

    def records(split, count):
        return [bytes([label(i)]) + b"".join(pixels[c::CHANNELS] for c in range(CHANNELS))
                for i, pixels in enumerate(pictures("cifar", split, count))]

    train, each = records("train", TRAIN), TRAIN // FILES_OF_CIFAR
    for k in range(FILES_OF_CIFAR):
        (folder / f"data_batch_{k + 1}.bin").write_bytes(b"".join(train[k * each:(k + 1) * each]))
    (folder / "test_batch.bin").write_bytes(b"".join(records("val", VALIDATION)))


def write(folder):
    """Job, data and weights of every kind; returns the job's path."""
    write_folder(folder / "folder")
    write_shards(folder / "shards")
    write_cifar(folder / "cifar")
    for name, sizes, distilled in (("student_rgb", case.STUDENT, True), ("teacher_rgb", case.TEACHER, False)):
        tensors = {}
        for key, shape in case.vit_tensors(sizes, case.SIDE, distilled).items():
            if key == "patch_embed.proj.weight":
                shape = [shape[0], CHANNELS, *shape[2:]]
            tensors[key] = ("F32", shape, struct.pack(f"<{math.prod(shape)}f", *case.tensor(key, shape)))
        write_safetensors(folder / f"{name}.safetensors", tensors)
    (folder / "recipe.textproto").write_text(JOB)
    return folder / "recipe.textproto"
