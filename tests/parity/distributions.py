"""Writes tests/worker/augment/golden/distributions.txt: what timm 1.0.31 draws, as quantiles.

usage: python3 tests/parity/distributions.py   (Pillow 11.3, timm 1.0.31, torchvision 0.29.1)
Each line: parameter, number of draws, then the quantiles (i + 0.5) / 50. Operations are counted by their place in KINDS.
"""
import pathlib
import random
import re

import numpy as np
import torch
from PIL import Image
from timm.data import auto_augment, mixup, random_erasing, transforms
from torchvision.transforms import ColorJitter, RandomHorizontalFlip

OUT = pathlib.Path(__file__).parent.parent / "worker" / "augment" / "golden" / "distributions.txt"
DRAWS = 20000
NORMAL = "rand-m9-mstd0.5-inc1"
STRINGS = (NORMAL, "rand-n3-p0.9-tweights-m7-mstd101", "rand-m12-n3-mmax15-t3aw-p1", "rand-m4-mstd2")
KINDS = sorted(name for name in auto_augment.NAME_TO_OP
               if name not in ("TranslateX", "TranslateY", "PosterizeOriginal", "GaussianBlurRand"))


def crops():
    picture = Image.new("RGB", (500, 375))
    found = [transforms.RandomResizedCropAndInterpolation.get_params(picture, (0.08, 1), (3 / 4, 4 / 3)) for _ in range(DRAWS)]
    top, left, height, width = zip(*found)
    return {"crop.left": left, "crop.top": top, "crop.width": width, "crop.height": height, **shapes("crop", width, height)}


def shapes(name, widths, heights):
    return {f"{name}.area": [w * h for w, h in zip(widths, heights)], f"{name}.aspect": [w / h for w, h in zip(widths, heights)]}


def operations(text):
    """How often each operation is done, in which layer's order, and with which argument."""
    record = []
    for name in KINDS:
        auto_augment.NAME_TO_OP[name] = lambda image, *arguments, name=name, **_: record.append((name, *arguments)) or image
    policy = auto_augment.rand_augment_transform(text, dict(img_mean=(124, 116, 104), interpolation=Image.BICUBIC))
    values = {f"{text}.count": [], f"{text}.first": [], f"{text}.last": []}
    for _ in range(DRAWS):
        record.clear()
        policy(None)
        values[f"{text}.count"].append(len(record))
        if record:
            values[f"{text}.first"].append(KINDS.index(record[0][0]))
            values[f"{text}.last"].append(KINDS.index(record[-1][0]))
        for name, *arguments in record:
            if arguments:
                values.setdefault(f"{text}.{name}", []).append(1 - arguments[0] if name == "Desaturate" else arguments[0])
    return values


def erasures():
    values = {}
    for count in (1, 3):
        boxes = values.setdefault(f"erase{count}.boxes", [])
        eraser = random_erasing.RandomErasing(probability=0.25, mode="const", max_count=count, device="cpu")

        class Recorder:
            def __setitem__(self, key, _):
                self.boxes.append((key[1].start, key[1].stop, key[2].start, key[2].stop))

        for _ in range(DRAWS):
            recorder = Recorder()
            recorder.boxes = []
            eraser._erase(recorder, 3, 224, 224, torch.float32)
            boxes.append(len(recorder.boxes))
            for top, bottom, left, right in recorder.boxes:
                for name, value in (("top", top), ("left", left), ("height", bottom - top), ("width", right - left)):
                    values.setdefault(f"erase{count}.{name}", []).append(value)
        values.update(shapes(f"erase{count}", values[f"erase{count}.width"], values[f"erase{count}.height"]))
    return values


def mixes():
    values = {}
    jobs = {"mix": dict(mixup_alpha=0.8, cutmix_alpha=1.0), "mix_rarely": dict(mixup_alpha=2.5, prob=0.4),
            "cut_between": dict(mixup_alpha=0, cutmix_minmax=(0.2, 0.7))}
    boxes = []
    original = mixup.cutmix_bbox_and_lam

    def recorded(*arguments, **keywords):
        box, lam = original(*arguments, **keywords)
        boxes.append(box)
        return box, lam

    mixup.cutmix_bbox_and_lam = recorded
    for name, options in jobs.items():
        mixer = mixup.Mixup(**options)
        kinds = values.setdefault(f"{name}.kind", [])
        for _ in range(DRAWS):
            boxes.clear()
            keep = mixer._mix_batch(torch.zeros(2, 1, 64, 64))
            kinds.append(2 if boxes else 0 if keep == 1 else 1)
            if kinds[-1] > 0:
                values.setdefault(f"{name}.keep{kinds[-1]}", []).append(keep)
            for top, bottom, left, right in boxes:
                for side, value in (("top", top), ("left", left), ("height", bottom - top), ("width", right - left)):
                    values.setdefault(f"{name}.{side}", []).append(value)
    return values


def jitters():
    jitter = ColorJitter(0.3, 0.3, 0.3)
    values = {"jitter.brightness": [], "jitter.contrast": [], "jitter.saturation": [], "jitter.first": [], "jitter.last": []}
    for _ in range(DRAWS):
        order, *factors, _ = ColorJitter.get_params(jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)
        for name, factor in zip(("brightness", "contrast", "saturation"), factors):
            values[f"jitter.{name}"].append(factor)
        order = [int(k) for k in order if k < 3]
        values["jitter.first"].append(order[0])
        values["jitter.last"].append(order[-1])
    return values


def choices():
    """What is one of two: flips, and how crops and operations interpolate, 0 bicubic, 1 bilinear."""
    values = {"flip": [], "filter": [], "operations.filter": []}
    picture, flip = Image.new("L", (2, 1)), RandomHorizontalFlip(0.3)
    picture.putpixel((0, 0), 255)
    crop, kept = transforms.RandomResizedCropAndInterpolation(1, interpolation="random"), transforms.F.resized_crop
    used, both = [], auto_augment._RANDOM_INTERPOLATION
    transforms.F.resized_crop = lambda image, top, left, height, width, size, interpolation: used.append(interpolation.value)
    for _ in range(DRAWS):
        values["flip"].append(flip(picture).getpixel((1, 0)) // 255)
        crop(picture)
        values["filter"].append(["bicubic", "bilinear"].index(used.pop()))
        values["operations.filter"].append([Image.BICUBIC, Image.BILINEAR].index(auto_augment._interpolation(dict(resample=both))))
    transforms.F.resized_crop = kept
    return values


def fills():
    """What stands in an erased box: a number for each element, or one for each channel."""
    each = random_erasing._get_pixels(True, False, (1, 100, DRAWS // 100), device="cpu")
    channels = [random_erasing._get_pixels(False, True, (4, 9, 9), device="cpu") for _ in range(DRAWS // 4)]
    return {"fill.pixel": each.flatten().tolist(), "fill.rand": torch.cat(channels).flatten().tolist()}


def main():
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    values = {**crops(), **erasures(), **mixes(), **jitters()}
    original = dict(auto_augment.NAME_TO_OP)
    for text in STRINGS:
        values.update(operations(text))
    auto_augment.NAME_TO_OP.update(original)
    values.update(choices())
    values.update(fills())
    lines = []
    for name, drawn in values.items():
        quantiles = np.quantile(np.asarray(drawn, dtype=np.float64), (np.arange(50) + 0.5) / 50, method="inverted_cdf")
        lines.append(" ".join([re.sub(r"\s", "", name), str(len(drawn)), *(f"{q:.7g}" for q in quantiles)]) + "\n")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text("".join(lines))


if __name__ == "__main__":
    main()
