"""Random WebDataset shards: our samples and labels are those that webdataset reads.

usage: python3 tests/parity/random_shards.py build/release/tests/list_images FOLDER COUNT SEED     (webdataset 1.0.2)

What differs, and is expected to:
- half a sample (a picture without a label, or a label without a picture) is refused; webdataset hands out what is there. A sample with neither
  is left out;
- so is one that has its picture's or its label's key twice; webdataset refuses any key twice, also of members that a job does not look at:
  such are not drawn;
- hidden members are left out; webdataset takes "a/.b.jpg" for a sample "a/" of key "b.jpg": such a sample is skipped here;
- links are followed; webdataset leaves them out: none is drawn;
- labels with digits, blanks around them or a byte order mark are numbers; Python's int() reads more ("1_0"), and json other numbers ("1e1"):
  none is drawn. Of a field that an object has twice the first one counts, Python's json takes the last: none is drawn.
"""
import io
import json
import os
import tarfile
import warnings

import webdataset
from random_cases import Difference, expect_equal, listed, main
from webdataset.filters import getfirst

USUAL = ["jpg", "jpeg", "png", "webp", "ppm", "pgm", "bmp", "tif", "tiff"]
FOLDERS = ["", "", "a/", "./", "./a/", "a.b/", "a b/c.d/", "é/", "x" * 60 + "/" + "y" * 60 + "/"]
STEMS = ["k", "K", "a b", " k", "k-1", "k_1", "10", "猫", "é", "😀", "z" * 90, "k'\"", "k\\", "__k__", "-"]
NAMES = ["cat", "dog", "été", "猫", "big dog", "😀 \"quoted\\", "tab\tin it", "e\u0301"]
CLASSES = 12


def any_case(draw, text):
    return "".join(draw.choice([letter, letter.upper()]) for letter in text)


def nested(path, value, draw):
    """An object with the value at path, among others."""
    for name in reversed(path):
        others = {f"{name}{i}": draw.choice([None, True, -1.5e3, float("nan"), float("-inf"), "text", [1, {name: 2}], {name: 3}]) for i in range(draw.randrange(3))}
        items = [*others.items(), (name, value)]
        draw.shuffle(items)
        value = dict(items)
    return value


class Labels:
    """How a case writes its labels, and how they are read."""

    def __init__(self, draw):
        self.draw = draw
        self.kind = draw.choice(["cls", "CLS", "txt", "label.txt", "json:label", "json:a.b", "JSON:été.x"])
        self.key, _, path = self.kind.partition(":")
        self.key, self.path = self.key.lower(), path.split(".") if path else []
        self.named = draw.random() < 0.5
        self.names = draw.sample(NAMES, len(NAMES)) if self.named else []

    def written(self):
        draw = self.draw
        if self.named and draw.random() < 0.7:
            label = draw.choice(self.names)
        else:
            label = draw.randrange(CLASSES)
        if self.path:
            text = json.dumps(nested(self.path, draw.choice([label, str(label)]), draw), ensure_ascii=draw.random() < 0.5,
                              indent=draw.choice([None, 2]))
        else:
            text = draw.choice(["{}", "{}\n", " {}\r\n", "{} "]).format(label)
        return text.encode()

    def read(self, content):
        value = content.decode()
        if self.path:
            value = json.loads(value)
            for name in self.path:
                value = value[name]
        value = str(value).strip()
        return self.names.index(value) if value in self.names else int(value)


def random_sample(draw, labels, inputs):
    """Its members: key and content, in any order."""
    pictures = [draw.choice([*USUAL[:3], *USUAL])]
    if draw.random() < 0.15:
        pictures = draw.sample(USUAL, 2)
    if draw.random() < 0.1:
        pictures = ["left.jpg"]
    if inputs:
        pictures = [*draw.sample(["seg.png", "jpg", "left.jpg"], draw.randrange(0, 3)), draw.choice(inputs)]
    members = {key: bytes(draw.getrandbits(8) for _ in range(draw.choice([0, 1, 30, 511, 512, 513, 1200]))) for key in pictures}
    members[labels.key] = labels.written()
    for key in draw.sample(["caption.txt", "meta.json", "txt", "json", "cls2", "npy", "seg.mask", ""], draw.choice([0, 0, 1, 2])):
        members.setdefault(key, b"something else")
    broken = draw.random()
    if broken < 0.005:
        del members[labels.key]
    elif broken < 0.01:
        members = {key: content for key, content in members.items() if key not in pictures}
    elif broken < 0.03:
        members = {key: content for key, content in members.items() if key not in pictures and key != labels.key} or {"npy": b""}
    items = [(any_case(draw, key), content) for key, content in members.items()]
    draw.shuffle(items)
    return items


def write_shard(draw, path, labels, inputs):
    form = draw.choice([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    words = {"pax_headers": {"comment": "é"}} if form == tarfile.PAX_FORMAT and draw.random() < 0.5 else {}
    with tarfile.open(path, "w", format=form, **words) as tar:
        def add(name, content, kind=tarfile.REGTYPE):
            info = tarfile.TarInfo(name)
            info.size, info.type, info.mtime = len(content), kind, draw.choice([0, 1.5e9, 1.5e9 + 0.25])
            try:
                tar.addfile(info, io.BytesIO(content))
            except ValueError:  # a name that USTAR has no place for
                assert form == tarfile.USTAR_FORMAT and len(name.encode()) > 100, name

        for number in range(draw.choice([1, 2, 3, 8])):
            folder, stem = draw.choice(FOLDERS), draw.choice(STEMS)
            between = draw.random()
            if between < 0.1:
                add("folder" + str(number), b"", tarfile.DIRTYPE)
            elif between < 0.2:
                add(f"{folder}.hidden{number}.jpg", b"hidden")
            elif between < 0.3:
                add(draw.choice([f"__meta{number}__", "__meta__/a.jpg", "__meta__/a.cls", "README", "a.b/LICENSE"]), b"no sample")
            prefix = f"{folder}{stem}{number}"
            for key, content in random_sample(draw, labels, inputs):
                if draw.random() < 0.03:
                    add("README", b"between the members of a sample")
                add(f"{prefix}.{key}", content, draw.choice([tarfile.REGTYPE, tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE]))


def make(draw, case):
    root = case / "data"
    labels = Labels(draw)
    inputs = draw.choice([[], [], [], ["left.jpg"], ["webp", "png", "seg.png"]])
    shards = {}
    in_root = draw.random() < 0.3
    for split in ("train", "val"):
        folder = root if in_root else root / split
        folder.mkdir(parents=True, exist_ok=True)
        names = draw.sample(["0.tar", "1.tar", "10.tar", "a b.tar", "A.tar", "é.tar", "a.b.tar"], draw.randrange(1, 4))
        shards[split] = sorted(os.path.relpath(folder / (f"{split}-{name}" if in_root else name), root) for name in names)
        for shard in shards[split]:
            write_shard(draw, root / shard, labels, inputs)
    if labels.named:
        (root / "classes.txt").write_text(draw.choice(["", "\ufeff"]) + draw.choice(["\n", "\r\n"]).join([*labels.names, ""]), newline="")
    words = ["name: 'x'", "data { format: TAR root: 'data'", f"target_key: {json.dumps(labels.kind)}",
             f"input_key: {json.dumps(';'.join(inputs))} }} model {{ name: 'deit_tiny_patch16_224' num_classes: {CLASSES} }}"]
    (case / "job.textproto").write_text("\n".join(words))
    return {"root": root, "shards": shards, "labels": labels, "inputs": inputs}


def picture(sample, inputs):
    """The key of the picture that a job takes, or None."""
    keys = inputs or USUAL
    if any(key in sample for key in keys):
        return getfirst({key: key for key in sample}, keys)
    found = [] if inputs else [key for key in sample if not key.startswith("__") and key.endswith(tuple(f".{ending}" for ending in USUAL))]
    if len(found) > 1:
        raise LookupError(f"several pictures {found}")
    return found[0] if found else None


def reference(root, shards, labels, inputs):
    """What webdataset reads: (shard, name in it, label, picture) of each sample, and why there is to be nothing."""
    samples = []
    for shard in shards:
        try:
            read = list(webdataset.WebDataset([str(root / shard)], shardshuffle=False, empty_check=False))
        except ValueError as error:
            return None, str(error)
        for sample in read:
            if sample["__key__"].endswith("/"):  # hidden
                continue
            try:
                key = picture(sample, inputs)
            except LookupError as error:
                return None, str(error)
            if key is None and labels.key not in sample:
                continue
            if key is None or labels.key not in sample:
                return None, f"half a sample: {sample['__key__']}"
            samples.append((os.fsencode(shard), os.fsencode(f"{sample['__key__']}.{key}"), labels.read(sample[labels.key]), sample[key]))
    return (samples, "") if samples else (None, "no sample")


def compare(case, made):
    warnings.simplefilter("ignore")
    word = "refused by both"
    for split, shards in made["shards"].items():
        ours, error = listed(case, split)
        theirs, reason = reference(made["root"], shards, made["labels"], made["inputs"])
        if theirs is None or ours is None:
            if theirs is not None or ours is not None:
                raise Difference(f"{split}: ours: {error or 'a list'}; the reference: {reason or 'a list'}")
            continue
        samples = []
        for label, file, offset, size, path in ours:
            content = (made["root"] / os.fsdecode(file)).read_bytes()[offset : offset + size]
            name = path.removeprefix(file + b"/")
            stem, dot, key = name.rpartition(b"/")[2].partition(b".")
            samples.append((file, name[: len(name) - len(key)] + key.lower(), label, content))
        expect_equal(samples, theirs, f"{split}: sample")
        word = "equal"
    return word


if __name__ == "__main__":
    main(make, compare, __doc__)
