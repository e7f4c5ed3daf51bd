"""Data sets for the tests, written byte by byte: IDX files and JPEG pictures."""
import gzip
import struct

CODE_LENGTHS_OF_ONE_SYMBOL = bytes([1] + [0] * 15)  # one code, "0"


def idx(magic, sizes, data):
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + data


def idx_images(count, rows=28, columns=28):
    return idx(0x803, (count, rows, columns), bytes(i * 7 % 251 for i in range(count * rows * columns)))


def idx_labels(count, classes=10):
    return idx(0x801, (count,), bytes(i % classes for i in range(count)))


def write_idx(folder, changes=None, count=40, compress=()):
    """A data set of `count` training and 10 validation images; `changes`: file name -> function of its good content."""
    folder.mkdir()
    files = {"train-images-idx3-ubyte": idx_images(count), "train-labels-idx1-ubyte": idx_labels(count),
             "t10k-images-idx3-ubyte": idx_images(10), "t10k-labels-idx1-ubyte": idx_labels(10)}
    for name, content in files.items():
        ending = ".gz" if name in compress else ""
        content = gzip.compress(content) if ending else content
        (folder / (name + ending)).write_bytes((changes or {}).get(name, lambda same: same)(content))
    return folder


def segment(marker, content):
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(side=32, level=0):
    """A gray baseline JPEG of side x side pixels (a multiple of 8): all blocks equal, their brightness by `level`, -2, 0 or 2.

    Both Huffman tables have codes of one or two bits: DC sizes 0 ("0") and 2 ("10"), AC only end of block ("0").
    """
    dc_lengths, dc_symbols = (CODE_LENGTHS_OF_ONE_SYMBOL, b"\0") if level == 0 else (bytes([1, 1] + [0] * 14), b"\0\2")
    bits = "" if level == 0 else "10" + ("10" if level > 0 else "01") + "0"  # the first block's difference, then end of block
    bits += "00" * ((side // 8) ** 2 - (level != 0))
    bits += "1" * (-len(bits) % 8)
    data = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")
    return (b"\xff\xd8" + segment(0xDB, b"\0" + bytes([64] * 64)) + segment(0xC0, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")
            + segment(0xC4, b"\0" + dc_lengths + dc_symbols) + segment(0xC4, b"\x10" + CODE_LENGTHS_OF_ONE_SYMBOL + b"\0")
            + segment(0xDA, b"\1\1\0\0\x3f\0") + data + b"\xff\xd9")


def write_image_folder(folder, classes=2, pictures=8):
    """train/ and val/ with `pictures` each per class."""
    for split in ("train", "val"):
        for label in range(classes):
            place = folder / split / f"class_{label}"
            place.mkdir(parents=True)
            for picture in range(pictures):
                (place / f"{picture}.jpg").write_bytes(jpeg(level=2 * label))
    return folder
