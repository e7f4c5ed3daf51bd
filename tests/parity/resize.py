"""Prints the table of tests/worker/data/resize_test.cc: what Pillow makes of a made-up picture.

Needs Pillow. Columns: width, height, channels of the picture; crop (left, top, width, height); scaled width, height;
window (left, top, width, height); filter; CRC-32 of the window's bytes.
"""
import random
import zlib

from PIL import Image


def sample(x, y, c):
    value = (x * 2654435761 + y * 40503 + c * 7919 + x * y * 31) & 0xFFFFFFFF
    return (value >> 7) & 255


def picture(width, height, channels):
    data = bytes(sample(x, y, c) for y in range(height) for x in range(width) for c in range(channels))
    return Image.frombytes("L" if channels == 1 else "RGB", (width, height), data)


def main():
    draw = random.Random(1)
    for case in range(24):
        width, height = draw.randint(1, 90), draw.randint(1, 90)
        channels = draw.choice([1, 3])
        left, top = draw.randint(0, width // 3), draw.randint(0, height // 3)
        crop = (left, top, draw.randint((width - left + 1) // 2, width - left), draw.randint((height - top + 1) // 2, height - top))
        scaled = (draw.randint(1, 70), draw.randint(1, 70))
        x, y = draw.randint(0, scaled[0] // 3), draw.randint(0, scaled[1] // 3)
        window = (x, y, draw.randint(1, scaled[0] - x), draw.randint(1, scaled[1] - y))
        name, method = draw.choice([("Bilinear", Image.BILINEAR), ("Bicubic", Image.BICUBIC)])
        result = picture(width, height, channels).crop((left, top, left + crop[2], top + crop[3]))
        # Horizontal pass first, as Pillow up to 12 does by itself; Pillow 13 begins with the pass that shrinks more.
        result = result.resize((scaled[0], crop[3]), method).resize(scaled, method)
        result = result.crop((x, y, x + window[2], y + window[3]))
        fields = ", ".join(str(v) for v in (width, height, channels))
        rectangles = [", ".join(str(v) for v in r) for r in (crop, window)]
        print(f"    {{{fields}, {{{rectangles[0]}}}, {scaled[0]}, {scaled[1]}, {{{rectangles[1]}}}, Filter::k{name}, "
              f"0x{zlib.crc32(result.tobytes()):08x}}},")


if __name__ == "__main__":
    main()
