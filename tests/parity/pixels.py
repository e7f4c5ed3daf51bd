"""Writes tests/worker/pixels/golden/{resize,operations}.txt: what Pillow and timm's operation functions make of made-up pictures.

usage: python3 tests/parity/pixels.py   (Pillow 11.3, timm 1.0.31)
resize.txt: width height channels, crop (left top width height), scaled width height, window (left top width height), filter, CRC-32 of the
window's bytes. operations.txt: operation, argument (a hexadecimal float), filter, CRC-32 of the bytes of all of PICTURES one after the other.
"""
import functools
import pathlib
import random
import zlib

import PIL
from PIL import Image
from timm.data import auto_augment

FOLDER = pathlib.Path(__file__).parent.parent / "worker" / "pixels" / "golden"
FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "box": Image.BOX, "lanczos": Image.LANCZOS}
FILL = (124, 116, 104)
PICTURES = [(texture, channels, size) for texture in ("noise", "smooth", "flat") for channels in (1, 3)
            for size in ((1, 1), (2, 5), (3, 3), (32, 32), (31, 17), (64, 48))]


def sample(texture, x, y, c):
    if texture == "noise":
        return ((x * 2654435761 + y * 40503 + c * 7919 + x * y * 31) & 0xFFFFFFFF) >> 7 & 255
    return 60 + (2 * x + 3 * y + 17 * c) % 64 if texture == "smooth" else 40 + 70 * c


@functools.cache
def picture(width, height, channels, texture="noise"):
    data = bytes(sample(texture, x, y, c) for y in range(height) for x in range(width) for c in range(channels))
    return Image.frombytes("L" if channels == 1 else "RGB", (width, height), data)


def crc(image):
    return f"{zlib.crc32(image.tobytes()):08x}"


def resize_cases():
    draw = random.Random(1)
    for _ in range(96):
        width, height = draw.randint(1, 90), draw.randint(1, 90)
        channels = draw.choice([1, 3])
        left, top = draw.randint(0, width // 3), draw.randint(0, height // 3)
        crop = (left, top, draw.randint((width - left + 1) // 2, width - left), draw.randint((height - top + 1) // 2, height - top))
        scaled = (draw.randint(1, 70), draw.randint(1, 70))
        x, y = draw.randint(0, scaled[0] // 3), draw.randint(0, scaled[1] // 3)
        window = (x, y, draw.randint(1, scaled[0] - x), draw.randint(1, scaled[1] - y))
        name = draw.choice(["bilinear", "bicubic", "box", "lanczos"])
        result = picture(width, height, channels).crop((left, top, left + crop[2], top + crop[3]))
        result = result.resize(scaled, FILTERS[name]).crop((x, y, x + window[2], y + window[3]))
        yield " ".join(map(str, (width, height, channels, *crop, *scaled, *window, name, crc(result))))


def line(name, argument, resample, function):
    crc_of_all = 0
    for texture, channels, size in PICTURES:
        crc_of_all = zlib.crc32(function(picture(*size, channels, texture)).tobytes(), crc_of_all)
    return f"{name} {float(argument).hex()} {resample} {crc_of_all:08x}"


def operation_cases():
    plain = [("AutoContrast", auto_augment.auto_contrast), ("Equalize", auto_augment.equalize), ("Invert", auto_augment.invert)]
    table = [(name, lambda image, _, function=function: function(image), [0.0]) for name, function in plain]
    table += [
        ("Posterize", auto_augment.posterize, [0, 1, 2, 3, 4, 7, 8]),
        ("Solarize", auto_augment.solarize, [0, 26, 128, 255, 256]),
        ("SolarizeAdd", auto_augment.solarize_add, [0, 55, 99, 110, 128]),
    ]
    factors = [0.1, 0.19, 0.5, 0.9971, 1.0, 1.3, 1.81, 1.9]
    table += [(n, f, factors) for n, f in (("Color", auto_augment.color), ("Contrast", auto_augment.contrast),
                                           ("Brightness", auto_augment.brightness), ("Sharpness", auto_augment.sharpness))]
    table += [("GaussianBlur", auto_augment.gaussian_blur, [0.1, 0.7, 1.0, 1.33, 2.0, 5.5])]
    for name, function, arguments in table:
        for argument in arguments:
            yield line(name, argument, "nearest", lambda image, function=function, argument=argument: function(image, argument))
    shifts = [-0.45, -0.405, -0.1, 0.0, 0.25, 0.3333, 0.405]
    shears = [-0.3, -0.27, 0.0, 0.1234, 0.27]
    table = [
        ("Rotate", auto_augment.rotate, [-30.0, -27.0, -0.001, 0.0, 13.7, 27.0, 30.0, 90.0, 180.0, 270.0, -90.0, 359.9]),
        ("ShearX", auto_augment.shear_x, shears),
        ("ShearY", auto_augment.shear_y, shears),
        ("TranslateXRel", auto_augment.translate_x_rel, shifts),
        ("TranslateYRel", auto_augment.translate_y_rel, shifts),
    ]
    for name, function, arguments in table:
        for argument in arguments:
            for resample in ("nearest", "bilinear", "bicubic"):
                def moved(image, function=function, argument=argument, resample=resample):
                    return function(image, argument, fillcolor=FILL if image.mode == "RGB" else FILL[0], resample=FILTERS[resample])
                yield line(name, argument, resample, moved)


def main():
    assert PIL.__version__.startswith("11.3"), PIL.__version__
    FOLDER.mkdir(exist_ok=True)
    for name, cases in (("resize", resize_cases()), ("operations", operation_cases())):
        (FOLDER / f"{name}.txt").write_text("".join(f"{case}\n" for case in cases))


if __name__ == "__main__":
    main()
