"""Writes tests/worker/data/golden/: small picture files of every kind, and in expected.txt what Pillow's convert("RGB") makes of each.

usage: python3 tests/parity/decoding.py   (Pillow 11.3)
expected.txt: file, width, height, CRC-32 of the RGB bytes.

What worker/data does otherwise than Pillow 11.3:
- A picture of which samples are missing or wrong is refused: JPEG with any warning of the library but those that lose none (extraneous bytes,
  a scan header's band, a JFIF version, an Adobe transform), where Pillow shows what it can; JPEG inside TIFF with any warning; PNG with an
  error before its last sample, a wrong checksum of their chunk, or a file that ends inside of it (the library reads it before it decodes it);
  TIFF with any error.
- JPEG that ends after its last sample is shown always; Pillow shows it if it does not read on when it has the last row, so not where the file
  is small or progressive.
- Pictures of more than 32768 pixels a side or 2^27 in all are refused; Pillow warns at 89 million and refuses at twice that.
- BMP whose palette of 2 colours is black and white, at 4 or 8 bits, or of 16 grays 0 to 15 at 4 bits: Pillow takes the bytes for pixels
  of another width. Runs of an odd number of 4-bit pixels as they are: Pillow loses the last, and what follows; a jump inside runs: it takes the
  two bytes behind it for its lengths. Channels of any 1 to 8 bits are read, not only the usual ones.
- TIFF: no L*a*b*, YCbCr without JPEG, old-style JPEG, 12, 32 or signed or floating-point bits, associated alpha in planes; 8-bit samples in
  planes only. An orientation that only the XMP packet tells is ignored.
- Libraries: Pillow's wheels bring libjpeg-turbo 3.1, libtiff 4.7 and libwebp 1.5; Debian 12 has 2.1, 4.5 and 1.2. On what stands here they
  give the same samples. Of a progressive JPEG with chroma of half the size (4:2:0) that ends early, but with a proper end, libjpeg-turbo
  2.1 and 3.1 make up the missing scans differently: up to 3 levels, in one sample of eight where only the first scan is there.
"""
import io
import pathlib
import random
import struct
import zlib

import PIL
from PIL import Image

import bmp_tiff_webp

FOLDER = pathlib.Path(__file__).parent.parent / "worker" / "data" / "golden"


def photo(width, height, channels):
    """Smooth with some grain, as JPEG likes it."""
    draw = random.Random(width * 1000 + height)
    data = bytes(min(255, int(40 + 150 * (x + c * y) / (width + channels * height) + draw.random() * 24))
                 for y in range(height) for x in range(width) for c in range(channels))
    return Image.frombytes({1: "L", 3: "RGB", 4: "CMYK"}[channels], (width, height), data)


def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80, **options)
    return out.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def changed_scan(content, band):
    """The JPEG with other last three bytes of its scan header: first and last coefficient, and bits."""
    scan = content.index(b"\xff\xda")
    end = scan + 2 + struct.unpack(">H", content[scan + 2:scan + 4])[0]
    return content[:end - 3] + band + content[end:]


def with_adobe(content, transform):
    """The JPEG with an Adobe segment in place of the JFIF one."""
    assert content[2:4] == b"\xff\xe0"
    end = 4 + struct.unpack(">H", content[4:6])[0]
    return content[:2] + b"\xff\xee" + struct.pack(">H5sHHHB", 14, b"Adobe", 100, 0, 0, transform) + content[end:]


def png(width, height, depth, colour, rows, extra=b""):
    """`rows` are packed already; each gets filter 0."""
    stride = len(rows) // height
    lines = b"".join(b"\0" + rows[y * stride:(y + 1) * stride] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def noise(count, seed):
    return random.Random(seed).randbytes(count)


def files():
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        for kind, options in (("baseline", {}), ("progressive", {"progressive": True})):
            yield f"{kind}_{name}.jpg", jpeg(photo(37, 29, 3), subsampling=subsampling, **options)
    yield "gray.jpg", jpeg(photo(37, 29, 1))
    yield "gray_progressive.jpg", jpeg(photo(37, 29, 1), progressive=True)
    yield "cmyk.jpg", jpeg(photo(24, 17, 4))
    yield "cmyk_progressive.jpg", jpeg(photo(24, 17, 4), progressive=True)
    yield "restarts.jpg", jpeg(photo(37, 29, 3), restart_marker_blocks=2)
    yield "one_pixel.jpg", jpeg(photo(1, 1, 3))
    plain = jpeg(photo(37, 29, 3))
    yield "scan_of_nothing.jpg", changed_scan(plain, bytes(3))  # as Samsung's phones write
    version = plain.index(b"JFIF\0") + 5
    yield "jfif_0_02.jpg", plain[:version] + b"\0\2" + plain[version + 2:]
    yield "adobe_transform_2.jpg", with_adobe(plain, 2)
    yield "stray_before_end.jpg", plain[:-2] + b"stray" + plain[-2:]
    yield "no_end.jpg", plain[:-2] + b"SEFT, a trailer"
    palette = chunk(b"PLTE", noise(3 * 16, 1))
    yield "gray1.png", png(13, 5, 1, 0, noise(2 * 5, 2))
    yield "gray2.png", png(13, 5, 2, 0, noise(4 * 5, 2))
    yield "gray4.png", png(13, 5, 4, 0, noise(7 * 5, 2))
    yield "gray8.png", png(13, 5, 8, 0, noise(13 * 5, 2))
    yield "gray8_transparent.png", png(13, 5, 8, 0, noise(13 * 5, 2), chunk(b"tRNS", b"\0\x07"))
    yield "gray16.png", png(13, 5, 16, 0, bytes(b if i % 2 else b % 3 for i, b in enumerate(noise(26 * 5, 2))))
    yield "gray_alpha8.png", png(13, 5, 8, 4, noise(26 * 5, 2))
    yield "gray_alpha16.png", png(13, 5, 16, 4, noise(52 * 5, 2))
    yield "rgb8.png", png(13, 5, 8, 2, noise(39 * 5, 2))
    yield "rgb8_transparent.png", png(13, 5, 8, 2, noise(39 * 5, 2), chunk(b"tRNS", b"\0\x07\0\x08\0\x09"))
    yield "rgb16.png", png(13, 5, 16, 2, noise(78 * 5, 2))
    yield "rgba8.png", png(13, 5, 8, 6, noise(52 * 5, 2))
    yield "rgba16.png", png(13, 5, 16, 6, noise(104 * 5, 2))
    yield "palette4.png", png(13, 5, 4, 3, noise(7 * 5, 2), palette)
    yield "palette8.png", png(13, 5, 8, 3, bytes(b % 16 for b in noise(13 * 5, 2)), palette)
    yield "palette8_transparent.png", png(13, 5, 8, 3, bytes(b % 16 for b in noise(13 * 5, 2)), palette + chunk(b"tRNS", noise(9, 3)))
    yield "gamma.png", png(13, 5, 8, 2, noise(39 * 5, 2), chunk(b"gAMA", struct.pack(">I", 45455)))
    whole = png(13, 5, 8, 2, noise(39 * 5, 2))
    end = chunk(b"IEND", b"")
    yield "no_end.png", whole[:-len(end)]
    yield "no_end_checksum.png", whole[:-4]
    yield "wrong_end_checksum.png", whole[:-4] + b"none"
    yield "no_data_checksum.png", whole[:-len(end) - 4]
    start = whole.index(b"IDAT")
    yield "no_adler.png", whole[:start - 4] + chunk(b"IDAT", whole[start + 4:-len(end) - 8]) + end
    yield "bits.pbm.ppm", b"P4 # ten by two\n10 2\n" + noise(4, 4)
    yield "bits_plain.ppm", b"P1\n# three by two\n3 2\n1 0 1\n011"
    yield "gray.ppm", b"P5\n7 3\n255\n" + noise(21, 5)
    yield "gray_of_15.ppm", b"P5 7 3 15\n" + bytes(b % 20 for b in noise(21, 5))
    yield "gray_of_1000.ppm", b"P5 7 3 1000\n" + bytes(b if i % 2 else b % 4 for i, b in enumerate(noise(42, 5)))
    yield "gray_of_65535.ppm", b"P5 7 3 65535\n" + bytes(b if i % 2 else b % 2 for i, b in enumerate(noise(42, 5)))
    yield "gray_plain.ppm", b"P2 3 2 100 # a comment\n0 50 100\n1 2 #another\n 3\n"
    yield "rgb.ppm", b"P6\n7 3\n255\n" + noise(63, 5)
    yield "rgb_of_200.ppm", b"P6\n7 3\n200\n" + noise(63, 5)
    yield "rgb_of_1000.ppm", b"P6\n7 3\n1000\n" + noise(126, 5)
    yield "rgb_plain.ppm", b"P3 2 1 31 0 15 31 1 2 3"
    yield from bmp_tiff_webp.files()


def main():
    assert PIL.__version__.startswith("11.3"), PIL.__version__
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    lines = []
    for name, content in files():
        (FOLDER / name).write_bytes(content)
        image = Image.open(io.BytesIO(content)).convert("RGB")
        lines.append(f"{name} {image.width} {image.height} {zlib.crc32(image.tobytes()):08x}\n")
    (FOLDER / "expected.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
