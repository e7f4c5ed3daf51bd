"""Draws cases from a seed, lets a program of ours read them, and compares each with a reference. For random_folders.py and its like.

A case is a folder FOLDER/N, drawn from "SEED N" alone, so that one can be repeated. A difference is told with seed, case and its folder, which
stays.
"""
import pathlib
import random
import shutil
import subprocess
import sys


class Difference(Exception):
    """Ours and the reference's, in words."""


def main(make, compare, usage):
    """make(draw, folder) writes a case and returns what compare(folder, made) is to know of it; that returns a word for what the case showed."""
    if len(sys.argv) != 5:
        sys.exit(usage)
    program, root, count, seed = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), int(sys.argv[3]), sys.argv[4]
    shutil.rmtree(root, ignore_errors=True)
    made = {}
    for case in range(count):
        folder = root / str(case)
        folder.mkdir(parents=True)
        made[folder] = make(random.Random(f"{seed} {case}"), folder)
    subprocess.run([program, root], check=True)
    shown, differences = {}, 0
    for folder, known in made.items():
        try:
            word = compare(folder, known)
            shown[word] = shown.get(word, 0) + 1
        except Difference as difference:
            differences += 1
            print(f"seed {seed}, case {folder.name} ({folder}): {difference}", flush=True)
    print(f"{count} cases of seed {seed}: " + ", ".join(f"{shown[word]} {word}" for word in sorted(shown)) + f", {differences} differ")
    sys.exit(1 if differences or not shown.get("equal") else 0)


def expect_equal(ours, theirs, what):
    """Two lists, element by element."""
    for place, (our, their) in enumerate(zip(ours, theirs)):
        if our != their:
            raise Difference(f"{what} {place}: {our} instead of {their}")
    if len(ours) != len(theirs):
        rest = ours[len(theirs):] or theirs[len(ours):]
        raise Difference(f"{len(ours)} of {what} instead of {len(theirs)}: {rest[0]} is too {'many' if len(ours) > len(theirs) else 'few'}")


def listed(folder, split):
    """What list_images wrote: the images (label, file, offset, bytes, path), or None and the error."""
    content = (folder / f"listed.{split}").read_bytes()
    if content.startswith(b"error: "):
        return None, content.decode(errors="replace")
    fields = content.split(b"\0")[:-1]
    images = []
    for place, path in zip(fields[::2], fields[1::2], strict=True):
        label, offset, size, file = place.split(b" ", 3)
        images.append((int(label), file, int(offset), int(size), path))
    return images, ""
