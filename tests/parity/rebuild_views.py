"""Makes the pixels of `deit-worker --task=preview` again, from views.jsonl and the pictures, with Pillow and timm's operation functions, and
compares every bit with pixels.safetensors. Exits 1 where they differ.

usage: python3 tests/parity/rebuild_views.py PREVIEW_FOLDER DATA_ROOT   (Pillow 11.3, timm 1.0.31; IMAGE_FOLDER jobs)
       python3 tests/parity/rebuild_views.py --make DATA_ROOT           (pictures to try it with: train/ and val/, of every format)
"""
import json
import pathlib
import random
import sys

import numpy as np
import PIL
from PIL import Image, ImageEnhance
from safetensors.numpy import load_file
from timm.data import auto_augment

FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "box": Image.BOX, "lanczos": Image.LANCZOS}
ERASING = 9  # plan::Purpose::kErasing
F = np.float32


def philox(seed, index, sub, count):
    """The first `count` words of a RandomStream, rounded up to whole blocks."""
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    c = [blocks & mask, np.full_like(blocks, ERASING << 24 | sub), np.full_like(blocks, index & 0xFFFFFFFF), np.full_like(blocks, index >> 32)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & mask, (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & mask]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c, axis=1).reshape(-1).astype(np.uint32)


def log(v):
    bits = v.view(np.uint32)
    exponent = (bits >> 23).astype(np.int32) - 126
    m = ((bits & 0x007FFFFF) | 0x3F000000).astype(np.uint32).view(np.float32)
    small = m < F(0.707106781186547524)
    exponent = exponent - small
    m = np.where(small, m + m - F(1), m - F(1))
    z = m * m
    p = F(7.0376836292e-2) * m - F(1.1514610310e-1)
    for coefficient in (1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1,
                        3.3333331174e-1):
        p = p * m + F(coefficient)
    e = exponent.astype(np.float32)
    return (m + (p * m * z - e * F(2.12194440e-4) - F(0.5) * z)) + e * F(0.693359375)


def normal(words):
    """worker/pixels/noise.cc, in numpy."""
    x = ((words >> 9).astype(np.float32) + F(0.5)) * F(2.0 ** -22) - F(1)
    w = -log((F(1) - x) * (F(1) + x))

    def polynomial(first, coefficients, at):
        value = F(first) * at + F(coefficients[0])
        for coefficient in coefficients[1:]:
            value = value * at + F(coefficient)
        return value

    a = polynomial(2.81022636e-08, (3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
                                    0.246640727, 1.50140941), w - F(2.5))
    b = polynomial(-0.000200214257, (0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
                                     1.00167406, 2.83297682), np.sqrt(w) - F(3))
    return F(1.41421356) * x * np.where(w < F(5), a, b)


def operate(image, operation, fill):
    name, argument = operation["name"], operation.get("argument")
    if name == "Desaturate":
        return ImageEnhance.Color(image).enhance(argument)
    arguments = [] if argument is None else [int(argument) if name.startswith(("Posterize", "Solarize")) else argument]
    keywords = {"resample": FILTERS[operation["filter"]], "fillcolor": fill} if "filter" in operation else {}
    return auto_augment.NAME_TO_OP[name](image, *arguments, **keywords)


def render(view, image, size):
    """The view's pixels before mixing, of a picture as Pillow opens it."""
    gray = len(view["mean"]) == 1
    image = image.convert("RGB")
    image = image.convert("L") if gray else image
    assert image.size == (view["width"], view["height"]), view["path"]
    crop = view["crop"]
    image = image.crop((crop["left"], crop["top"], crop["left"] + crop["width"], crop["top"] + crop["height"]))
    image = image.resize((view["scaled_width"], view["scaled_height"]), FILTERS[view["filter"]])
    image = image.crop((view["left"], view["top"], view["left"] + size, view["top"] + size))
    if view["flip"]:
        image = image.transpose(Image.FLIP_LEFT_RIGHT)
    for operation in view["operations"]:
        image = operate(image, operation, view["fill"][0] if gray else tuple(view["fill"]))
    pixels = np.asarray(image).reshape(size, size, -1).transpose(2, 0, 1).astype(np.float32) / F(255)
    mean, std = (np.asarray(view[key], dtype=np.float32)[:, None, None] for key in ("mean", "std"))
    pixels = (pixels - mean) / std
    for number, box in enumerate(view["erasures"]):
        shape = (len(pixels), box["height"], box["width"])
        count = {"pixel": int(np.prod(shape)), "rand": len(pixels), "const": 0}[view["erased_with"]]
        noise = normal(philox(view["seed"], view["position"], number + 1, count)[:count])
        region = pixels[:, box["top"]:box["top"] + box["height"], box["left"]:box["left"] + box["width"]]
        region[...] = noise.reshape(shape) if view["erased_with"] == "pixel" else noise[:, None, None] if count else 0
    return pixels


def mix(view, own, partner):
    how = view.get("mix")
    if how is None:
        return own
    if how["kind"] == "mixup":
        return own * F(how["keep"]) + partner * F(how["take"])
    box, mixed = how["box"], own.copy()
    rows, columns = slice(box["top"], box["top"] + box["height"]), slice(box["left"], box["left"] + box["width"])
    mixed[:, rows, columns] = partner[:, rows, columns]
    return mixed


LATER = (("bmp", {}), ("tif", {"compression": "tiff_lzw"}), ("webp", {"quality": 80}), ("webp", {"lossless": True}))


def make(root):
    draw = np.random.default_rng(1)
    for part, count in (("train", 12), ("val", 2)):
        for name in ("cat", "dog"):
            folder = root / part / name
            folder.mkdir(parents=True, exist_ok=True)
            for k in range(count):
                width, height = (int(side) for side in draw.integers(40, 400, 2))
                y, x = np.mgrid[:height, :width] / 40
                waves = np.stack([np.sin(x * a + y * b + c) for a, b, c in draw.uniform(-3, 3, (3, 3))], axis=2)
                image = Image.fromarray(np.clip(128 + 90 * waves + draw.normal(0, 12, waves.shape), 0, 255).astype(np.uint8))
                if k >= 8:
                    ending, options = LATER[k - 8]
                    image.save(folder / f"{k}.{ending}", **options)
                elif k % 4 == 1:
                    image.save(folder / f"{k}.jpg", quality=85, progressive=k % 8 == 1)
                elif k % 4 == 2:
                    image.convert("L").save(folder / f"{k}.jpg")
                elif k % 4 == 3:
                    image.save(folder / f"{k}.ppm")
                elif k % 8 == 0:
                    image.convert("RGBA").save(folder / f"{k}.png")
                else:
                    image.convert("CMYK").save(folder / f"{k}.jpg")


def main():
    assert PIL.__version__.startswith("11.3"), PIL.__version__
    if sys.argv[1] == "--make":
        return make(pathlib.Path(sys.argv[2]))
    folder, root = map(pathlib.Path, sys.argv[1:])
    views = [json.loads(line) for line in (folder / "views.jsonl").read_text(encoding="utf-8").splitlines()]
    tensors = load_file(folder / "pixels.safetensors")
    size = tensors["x"].shape[2]
    rendered = {view["position"]: render(view, Image.open(root / view["path"]), size) for view in views}
    different = 0
    for view, position, pixels in zip(views, tensors["position"], tensors["x"], strict=True):
        assert view["position"] == position
        partner = rendered[view["mix"]["partner"]] if "mix" in view else None
        ours = mix(view, rendered[view["position"]], partner)
        if not np.array_equal(ours, pixels):
            different += 1
            print(f"position {position}: {np.count_nonzero(ours != pixels)} of {pixels.size} pixels differ by at most "
                  f"{np.abs(ours - pixels).max():.3g}: {json.dumps(view)}")
    print(f"{len(views)} views, {different} differ; {sum(len(view['operations']) for view in views)} operations, "
          f"{sum(len(view['erasures']) for view in views)} erasures, {sum('mix' in view for view in views)} mixed")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
