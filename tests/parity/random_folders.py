"""Random folders of pictures: our list of (path, label) is torchvision's ImageFolder's.

usage: python3 tests/parity/random_folders.py build/release/tests/list_images FOLDER COUNT SEED     (torchvision 0.29.1)

What differs, and is expected to:
- links that point nowhere are refused, or left out with data.on_missing=SKIP; torchvision lists those that are called like a picture;
- pipes are never pictures; torchvision lists those that are called like one;
- the labels of val/ are those of train/'s folders; a class of val/ that train/ has not is refused;
- a link to a folder above itself is refused (torchvision lists its pictures some forty times over): none is drawn;
- names that are no UTF-8 are in the order of their bytes: none is drawn.
"""
import os

from random_cases import Difference, expect_equal, listed, main
from torchvision.datasets.folder import IMG_EXTENSIONS, find_classes, make_dataset

CLASSES = ["cat", "Cat", "dog", "dog-big", "dog.small", "a b", " leading", "trailing ", "10", "9", "été", "e\u0301te\u0301", "猫", "😀", ".hidden",
           "x.jpg", "İ", "Z", "_", "\uffee", "quote'\"", "new\nline"]
STEMS = ["a", "A", "b", "a.b", "a b", " a", "a ", "a-b", "a_b", ".a", "..a", "1", "10", "9", "é", "e\u0301", "ß", "猫", "😀", "\uffee", "a\\b", "a\nb",
         "x" * 200, ""]
OTHER_ENDINGS = ["", ".txt", ".jpg.txt", ".jpgx", ".gif", ".jpg~", ".jpg ", "jpg", ".tİf", ".ｊｐｇ", ".JSON", ".mp4"]
FOLDERS = ["s", "s-t", "s.t", "S", "deep er", ".git", "t.png", "日本"]


def any_case(draw, text):
    return "".join(draw.choice([letter, letter.upper()]) for letter in text)


def file_name(draw):
    ending = any_case(draw, draw.choice(IMG_EXTENSIONS)) if draw.random() < 0.7 else draw.choice(OTHER_ENDINGS)
    return draw.choice(STEMS) + ending or "empty"


def fill(draw, folder, store, depth):
    """Files, links to files, pipes and folders in `folder`, which has none yet; `store`: what links may point to."""
    for _ in range(draw.choice([0, 1, 2, 3, 6])):
        path = folder / file_name(draw)
        if os.path.lexists(path):
            continue
        kind = draw.random()
        if kind < 0.75:
            path.write_bytes(bytes(draw.randrange(30)))
        elif kind < 0.9:
            target = draw.choice(store["files"])
            path.symlink_to(target if draw.random() < 0.5 else os.path.relpath(target, os.path.realpath(folder)))
        elif kind < 0.97:
            os.link(store["files"][0], path)
        else:
            os.mkfifo(path)
    for name in draw.sample(FOLDERS, draw.choice([0, 0, 1, 2]) if depth < 3 else 0):
        path = folder / name
        if os.path.lexists(path):
            continue
        if store["folders"] and draw.random() < 0.2:
            path.symlink_to(draw.choice(store["folders"]))
        else:
            path.mkdir()
            fill(draw, path, store, depth + 1)


def make_store(draw, root):
    """Outside of both parts, what links in them point to: files and folders, and links to them."""
    root.mkdir()
    store = {"files": [root / name for name in ("one.bin", "two.jpg", "three")], "folders": []}
    for path in store["files"]:
        path.write_bytes(bytes(draw.randrange(30)))
    (root / "again").symlink_to("two.jpg")
    store["files"].append(root / "again")
    for name, depth in (("f", 3), ("g", 2)):  # g's links point to f
        (root / name).mkdir()
        (root / name / "p.PNG").write_bytes(b"p")
        fill(draw, root / name, store, depth)
        store["folders"].append(root / name)
    (root / "folder_again").symlink_to("g")
    store["folders"].append(root / "folder_again")
    return store


def make(draw, case):
    root = case / "data root"
    root.mkdir()
    store = make_store(draw, root / "store")
    classes = draw.sample(CLASSES, draw.randrange(1, 7))
    dangling = draw.random() < 0.15
    skips = draw.random() < 0.5
    for split in ("train", "val"):
        (root / split).mkdir()
        (root / split / "picture_of_no_class.jpg").write_bytes(b"x")
        own = list(classes)
        if split == "val" and draw.random() < 0.3:
            own = draw.sample(classes, draw.randrange(1, len(classes) + 1))
        if split == "val" and draw.random() < 0.1:
            own.append("of val alone")
        for name in own:
            path = root / split / name
            if draw.random() < 0.1:
                path.symlink_to(draw.choice(store["folders"]))
                continue
            path.mkdir()
            fill(draw, path, store, 0)
            if draw.random() < 0.9:
                (path / "one.jpeg").write_bytes(b"one")
        if dangling and draw.random() < 0.7:
            folder = draw.choice([root / split, *(root / split / name for name in own)])
            gone = folder / draw.choice(["gone.jpg", "gone"])
            gone.is_symlink() or gone.symlink_to("/no/such/place")
    words = ["name: 'x'", f"data {{ format: IMAGE_FOLDER root: 'data root' on_missing: {'SKIP' if skips else 'REFUSE'} }}",
             "model { name: 'deit_tiny_patch16_224' num_classes: 20 }"]
    (case / "job.textproto").write_text("\n".join(words))
    return {"root": root, "skips": skips}


def dangling_links(root):
    return [path for path, folders, files in os.walk(root, followlinks=True) for name in [*folders, *files]
            if not os.path.exists(os.path.join(path, name))]


def reference(root, split, skips):
    """torchvision's list, and why there is to be none."""
    train, part = root / "train", root / split
    if dangling_links(part) and not skips or split == "val" and dangling_links_among_classes(train) and not skips:
        return None, "a link that points nowhere"
    labels = find_classes(train)[1]
    own = find_classes(part)[0]
    if not set(own) <= set(labels):
        return None, "a class of val alone"
    images = [(path, label) for path, label in make_dataset(part, {name: labels[name] for name in own}, IMG_EXTENSIONS, allow_empty=True)
              if os.path.isfile(path)]
    if {label for _, label in images} != {labels[name] for name in own}:
        return None, "a class without a picture"
    return images, ""


def dangling_links_among_classes(train):
    return [name for name in os.listdir(train) if not os.path.exists(train / name)]


def compare(case, made):
    word = "refused by both"
    for split in ("train", "val"):
        ours, error = listed(case, split)
        theirs, reason = reference(made["root"], split, made["skips"])
        if theirs is None or ours is None:
            if theirs is not None or ours is not None:
                raise Difference(f"{split}: ours: {error or 'a list'}; the reference: {reason or 'a list'}")
            continue
        expected = [(label, os.fsencode(os.path.relpath(path, made["root"])), os.path.getsize(path)) for path, label in theirs]
        expect_equal([(label, path, size) for label, file, offset, size, path in ours], expected, f"{split}: image")
        if any(file != path or offset for label, file, offset, size, path in ours):
            raise Difference(f"{split}: an image that is elsewhere")
        word = "equal"
    return word


if __name__ == "__main__":
    main(make, compare, __doc__)
