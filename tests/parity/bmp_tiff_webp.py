"""Small picture files for decoding.py: of Pillow where it writes the kind, else made here byte by byte."""
import io
import random
import struct
import zlib

from PIL import Image


def noise(count, seed):
    return random.Random(seed).randbytes(count)


def photo(mode, width=21, height=18):
    """Smooth with some grain."""
    draw = random.Random(width * 1000 + height)
    channels = len(Image.new(mode, (1, 1)).getbands())
    data = bytes(min(255, int(30 + 150 * (x + c * y) / (width + channels * height) + draw.random() * 24))
                 for y in range(height) for x in range(width) for c in range(channels))
    return Image.frombytes(mode, (width, height), data)


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def bmp(width, height, bits, data, header=40, palette=b"", compression=0, masks=(), colours=0, offset=None, top_down=False):
    """`data`: rows from the bottom up, padded already. `palette`: as it stands in the file."""
    if header == 12:
        head = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        sizes = (width, -height if top_down else height, 1, bits, compression, len(data))
        head = struct.pack("<IiiHHIIiiII", header, *sizes, 0, 0, colours, 0)
        inside = struct.pack(f"<{len(masks)}I", *masks)
        head += (inside if header > 40 else b"").ljust(header - 40, b"\0") + (inside if header == 40 else b"")
    begin = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", begin + len(data), 0, 0, begin if offset is None else offset) + head + palette + data


def few(count):
    """Indices, some of which a palette of 16 colours does not have."""
    return bytes(byte % 19 for byte in noise(count, 3))


def bmps():
    colours = b"".join(noise(3, 7 * i + 1) + b"\0" for i in range(16))
    rle8 = bytes([5, 1, 0, 0, 3, 2, 0, 4, 5, 6, 7, 8, 0, 0, 6, 9, 200, 3, 0, 0, 7, 4, 0, 0, 7, 5, 0, 0, 7, 6, 0, 1])
    rle4 = bytes([5, 0x12, 0, 0, 3, 0x20, 0, 4, 0x56, 0x78, 0, 0, 6, 0x9a, 200, 3, 0, 0, 7, 4, 0, 0, 7, 5, 0, 0, 7, 6, 0, 1])
    yield "bits1.bmp", bmp(11, 3, 1, noise(4 * 3, 1), palette=colours[:8])
    yield "bits1_gray.bmp", bmp(11, 3, 1, noise(4 * 3, 1), palette=b"\0\0\0\0\xff\xff\xff\0")
    yield "bits1_white_first.bmp", bmp(11, 3, 1, noise(4 * 3, 1), palette=b"\xff\xff\xff\0\0\0\0\0")
    yield "bits4.bmp", bmp(7, 3, 4, noise(4 * 3, 2), palette=colours)
    yield "bits4_few.bmp", bmp(7, 3, 4, noise(4 * 3, 2), palette=colours[:20], colours=5)
    yield "bits8.bmp", bmp(7, 3, 8, few(8 * 3), palette=colours, colours=16)
    yield "bits8_top_down.bmp", bmp(7, 3, 8, few(8 * 3), palette=colours, colours=16, top_down=True)
    yield "bits8_forgotten.bmp", bmp(7, 3, 8, few(8 * 3), palette=colours, colours=16, offset=54)
    yield "bits8_nowhere.bmp", bmp(7, 3, 8, few(8 * 3), palette=colours, colours=16, offset=0)
    yield "bits8_os2.bmp", bmp(7, 3, 8, few(8 * 3), header=12, palette=noise(768, 4))
    yield "bits8_os2_2.bmp", bmp(7, 3, 8, few(8 * 3), header=64, palette=colours, colours=16)
    yield "bits16.bmp", bmp(5, 3, 16, noise(12 * 3, 5))
    yield "bits16_565.bmp", bmp(5, 3, 16, noise(12 * 3, 5), compression=3, masks=(0xF800, 0x7E0, 0x1F))
    yield "bits24.bmp", bmp(5, 3, 24, noise(16 * 3, 6))
    yield "bits24_os2.bmp", bmp(5, 3, 24, noise(16 * 3, 6), header=12)
    yield "bits24_top_down.bmp", bmp(5, 3, 24, noise(16 * 3, 6), header=108, top_down=True)
    yield "bits32.bmp", bmp(5, 3, 32, noise(20 * 3, 7))
    yield "bits32_rgba.bmp", bmp(5, 3, 32, noise(20 * 3, 7), header=124, compression=3, masks=(0xFF, 0xFF00, 0xFF0000, 0xFF000000))
    yield "bits32_bgxr.bmp", bmp(5, 3, 32, noise(20 * 3, 7), header=40, compression=3, masks=(0xFF000000, 0xFF00, 0xFF))
    yield "bits32_no_masks.bmp", bmp(5, 3, 32, noise(20 * 3, 7), header=56, compression=3, masks=(0, 0, 0, 0))
    yield "runs8.bmp", bmp(7, 6, 8, rle8, palette=colours, colours=16, compression=1)
    yield "runs4.bmp", bmp(7, 6, 4, rle4, palette=colours, compression=2)
    for mode in ("L", "RGB", "RGBA"):
        yield f"pillow_{mode}.bmp", saved(photo(mode, 9, 5), "BMP")


def tiff(width, height, chunks, photometric, bits=(8,), order="<", tags=(), tile=None, rows=None, pages=1):
    """`chunks`: strips of `rows` (default: equal heights), or tiles of the size `tile`; `tags`: more (number, type, values)."""
    sizes = {3: "H", 4: "I"}
    data = b"".join(chunks)
    offsets = [8 + sum(map(len, chunks[:i])) for i in range(len(chunks))]
    entries = [(256, 4, [width]), (257, 4, [height]), (258, 3, bits), (277, 3, [len(bits)]),
               (324 if tile else 273, 4, offsets), (325 if tile else 279, 4, [len(chunk) for chunk in chunks])]
    entries += [] if photometric is None else [(262, 3, [photometric])]
    entries += [(322, 4, [tile[0]]), (323, 4, [tile[1]])] if tile else [(278, 4, [rows or -(-height // len(chunks))])]
    entries = sorted([*entries, *tags])
    begin = 8 + len(data) + len(data) % 2
    after = begin + 2 + 12 * len(entries) + 4
    directory, values = struct.pack(order + "H", len(entries)), b""
    for tag, kind, content in entries:
        packed = struct.pack(f"{order}{len(content)}{sizes[kind]}", *content)
        directory += struct.pack(order + "HHI", tag, kind, len(content))
        if len(packed) <= 4:
            directory += packed.ljust(4, b"\0")
        else:
            directory += struct.pack(order + "I", after + len(values))
            values += packed + b"\0" * (len(packed) % 2)
    following = after + len(values) if pages > 1 else 0
    whole = ((b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", begin) + data + b"\0" * (len(data) % 2) + directory
             + struct.pack(order + "I", following) + values)
    return whole + (directory + bytes(4) if pages > 1 else b"")


def tiles(width, height, samples, seed):
    """One tile of 16 x 16 after another."""
    return [noise(256 * samples, seed + i) for i in range(-(-width // 16) * -(-height // 16))]


def tiffs():
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I;16B"):
        picture = photo("L").convert("1") if mode == "1" else photo("RGB").quantize(32) if mode == "P" else None
        if mode.startswith("I;16"):
            wide = bytes(b if (i % 2 == 0) == (mode == "I;16") else b % 2 for i, b in enumerate(noise(2 * 21 * 18, 1)))
            picture = Image.frombytes(mode, (21, 18), wide)
        yield f"pillow_{mode.replace(';', '')}.tif", saved(picture or photo(mode), "TIFF")
    for compression in ("tiff_lzw", "packbits", "tiff_adobe_deflate", "tiff_deflate", "lzma"):
        yield f"{compression}.tif", saved(photo("RGB"), "TIFF", compression=compression)
    yield "predictor.tif", saved(photo("RGB"), "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
    for compression in ("tiff_ccitt", "group3", "group4"):
        yield f"{compression}.tif", saved(photo("L").convert("1"), "TIFF", compression=compression)
    for mode in ("L", "RGB", "YCbCr", "CMYK"):
        yield f"jpeg_{mode}.tif", saved(photo(mode), "TIFF", compression="jpeg", quality=80)
    for k, (name, steps) in enumerate((("444", (1, 1)), ("422", (2, 1)), ("420", (2, 2)))):
        strips = [saved(photo("RGB", 37, 40).crop((0, y, 37, min(40, y + 16))), "JPEG", subsampling=k) for y in (0, 16, 32)]
        yield f"jpeg_strips_{name}.tif", tiff(37, 40, strips, 6, (8,) * 3, tags=[(259, 3, [7]), (530, 3, steps)], rows=16)
    jpegs = [saved(photo("L", 32, 16).crop((x, 0, x + 16, 16)), "JPEG") for x in (0, 16)]
    yield "jpeg_tiles.tif", tiff(30, 13, jpegs, 1, tags=[(259, 3, [7])], tile=(16, 16))
    yield "big.tiff", saved(photo("RGB"), "TIFF", big_tiff=True)
    strips = {1: 3, 2: 6, 4: 11, 8: 21}  # bytes of a row of 21
    colour_map = struct.unpack("<768H", noise(1536, 2))
    for bits, stride in strips.items():
        rows = [noise(stride * 3, bits), noise(stride * 2, bits + 1)]
        yield f"min_is_white{bits}.tif", tiff(21, 5, rows, 0, (bits,))
        yield f"min_is_black{bits}.tif", tiff(21, 5, rows, 1, (bits,))
        yield f"palette{bits}.tif", tiff(21, 5, rows, 3, (bits,), tags=[(320, 3, colour_map[:3 << bits])])
        yield f"bits_from_right{bits}.tif", tiff(21, 5, rows, 1, (bits,), tags=[(266, 3, [2])])
    yield "palette_alpha.tif", tiff(7, 5, [noise(70, 3)], 3, (8, 8), tags=[(320, 3, colour_map), (338, 3, [2])])
    yield "no_photometric.tif", tiff(21, 5, [noise(105, 3)], None)
    for order, name in (("<", "little"), (">", "big")):
        yield f"{name}_rgb16.tif", tiff(7, 5, [noise(210, 4)], 2, (16,) * 3, order)
        yield f"{name}_rgba16.tif", tiff(7, 5, [noise(280, 4)], 2, (16,) * 4, order, [(338, 3, [2])])
        yield f"{name}_premultiplied16.tif", tiff(7, 5, [noise(280, 4)], 2, (16,) * 4, order, [(338, 3, [1])])
        yield f"{name}_cmyk16.tif", tiff(7, 5, [noise(280, 4)], 5, (16,) * 4, order)
        yield f"{name}_rgb.tif", tiff(7, 5, [noise(105, 4)], 2, (8,) * 3, order)
    yield "premultiplied.tif", tiff(7, 5, [noise(140, 5)], 2, (8,) * 4, tags=[(338, 3, [1])])
    yield "rgbx.tif", tiff(7, 5, [noise(140, 5)], 2, (8,) * 4, tags=[(338, 3, [0])])
    yield "rgb_and_more.tif", tiff(7, 5, [noise(210, 5)], 2, (8,) * 6, tags=[(338, 3, [0, 0, 0])])
    yield "rgb_and_silence.tif", tiff(7, 5, [noise(140, 5)], 2, (8,) * 4)
    yield "cmyk_and_more.tif", tiff(7, 5, [noise(175, 5)], 5, (8,) * 5, tags=[(338, 3, [0])])
    yield "planes_rgb.tif", tiff(7, 5, [noise(35, i) for i in range(3)], 2, (8,) * 3, tags=[(284, 3, [2])], rows=5)
    planes = [zlib.compress(noise(35, i)) for i in range(3)]
    yield "planes_deflate.tif", tiff(7, 5, planes, 2, (8,) * 3, tags=[(284, 3, [2]), (259, 3, [8])], rows=5)
    yield "planes_cmyk.tif", tiff(7, 5, [noise(35, i) for i in range(4)], 5, (8,) * 4, tags=[(284, 3, [2])], rows=5)
    yield "tiles_gray.tif", tiff(20, 18, tiles(20, 18, 1, 6), 1, tile=(16, 16))
    yield "tiles_rgb.tif", tiff(20, 18, tiles(20, 18, 3, 6), 2, (8,) * 3, tile=(16, 16))
    yield "tiles_deflate.tif", tiff(20, 18, list(map(zlib.compress, tiles(20, 18, 3, 6))), 2, (8,) * 3, tags=[(259, 3, [8])], tile=(16, 16))
    yield "one_tile.tif", tiff(9, 7, tiles(9, 7, 3, 6), 2, (8,) * 3, tile=(16, 16))
    for orientation in range(1, 9):
        yield f"turned{orientation}.tif", tiff(4, 3, [noise(36, 7)], 2, (8,) * 3, tags=[(274, 3, [orientation])])
    yield "two_pages.tif", tiff(7, 5, [noise(35, 8)], 1, pages=2)


def riff(*chunks):
    body = b"WEBP" + b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def u24(value):
    return struct.pack("<I", value)[:3]


def frame(picture, left, top, width, height):
    """An ANMF chunk, with the only picture of a simple WebP file; left and top are even."""
    return b"ANMF", u24(left // 2) + u24(top // 2) + u24(width - 1) + u24(height - 1) + u24(40) + b"\0" + picture[12:]


def webps():
    alpha = Image.merge("RGBA", (*photo("RGB").split(), Image.frombytes("L", (21, 18), noise(21 * 18, 1))))
    yield "lossy.webp", saved(photo("RGB", 37, 29), "WEBP", quality=80)
    yield "lossy_poor.webp", saved(photo("RGB", 37, 29), "WEBP", quality=5)
    yield "lossy_gray.webp", saved(photo("L", 37, 29), "WEBP", quality=80)
    yield "lossy_alpha.webp", saved(alpha, "WEBP", quality=80)
    turned = b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 274, 3, 1, 6) + bytes(4)
    yield "lossy_exif.webp", saved(photo("RGB"), "WEBP", quality=50, exif=turned)
    yield "lossless.webp", saved(photo("RGB"), "WEBP", lossless=True)
    yield "lossless_few.webp", saved(photo("RGB").quantize(6).convert("RGB"), "WEBP", lossless=True)
    yield "lossless_alpha.webp", saved(alpha, "WEBP", lossless=True, exact=True)
    yield "one_pixel.webp", saved(photo("RGB", 1, 1), "WEBP")
    yield "animation.webp", saved(photo("RGB"), "WEBP", save_all=True, append_images=[photo("RGB").rotate(90)], quality=70)
    part = saved(alpha.crop((0, 0, 9, 7)), "WEBP", lossless=True, exact=True)
    canvas = b"\x12\0\0\0" + u24(20) + u24(17)
    frames = frame(part, 6, 4, 9, 7), frame(part, 0, 0, 9, 7)
    yield "animation_part.webp", riff((b"VP8X", canvas), (b"ANIM", b"\x40\x80\xc0\xff\0\0"), *frames)


def files():
    yield from bmps()
    yield from tiffs()
    yield from webps()
