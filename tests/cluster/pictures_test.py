"""Folders of pictures that are not what they should be: what is said names the thing, the value, the cause and the next action."""
import os
import shutil
import struct
import time
import zlib

import inputs
from cluster import CORRUPT, MISSING, RUN_FOLDER, STOPPED, STUDENT, ClusterTest, Run, main, poll, run_dir

WORDS = ("data.format=IMAGE_FOLDER", "train.batch_size=8", "model.num_classes=2")
SHORT = ("train.max_steps=3",)
MEND = ("hint: mend or remove it", "data.on_bad_image=REPLACE")


def png_header(width, height):
    """Up to where the pixels would begin."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + b"\0\0\0\x09IDAT"


class Pictures(ClusterTest):
    def setUp(self):
        super().setUp()
        self.config = self.job(STUDENT)
        self.root = inputs.write_image_folder(self.folder / "pictures")
        self.words = (*WORDS, f"data.root={self.root}")
        self.one = self.root / "train/class_1/3.jpg"
        self.good = self.one.read_bytes()

    def refuse(self, code, *texts, words=SHORT, run="refused", **options):
        said = self.train(self.config, run, *self.words, *words, code=code, **options)
        self.assert_failed_plainly(said.ended, *texts)

    def age(self):
        """As if nothing had been touched for a minute: only then is the list of a folder kept."""
        for folder, _, _ in os.walk(self.root):
            os.utime(folder, (time.time() - 60,) * 2)

    def test_broken_pictures(self):
        self.train(self.config, "good", *self.words, *SHORT, workers=2)
        neither = "neither JPEG, PNG, PPM, BMP, TIFF nor WebP: it begins with "
        for content, cause in (
            (b"", "empty file"),
            (b"not a picture", neither + '"not a pi"'),
            (b"GIF89a\x01\0\x01\0", neither + '"GIF89a\\x01\\x00"'),
            (self.good[:30], "broken JPEG: "),
            (self.good[: len(self.good) // 2], "broken JPEG: "),
            (b"\xff\xd8" + bytes(100), neither),
            (self.good.replace(struct.pack(">HH", 32, 32), struct.pack(">HH", 65500, 65500)), "picture of 65500 x 65500 pixels"),
            (b"P5 100000 100000 255 ", "picture of 100000 x 100000 pixels: allowed are"),
            (png_header(100000, 100000), "picture of 100000 x 100000 pixels: allowed are"),
            (b"BM" + bytes(8) + struct.pack("<IIiiHH", 54, 40, 100000, 100000, 1, 24) + bytes(24), "picture of 100000 x 100000 pixels"),
        ):
            with self.subTest(content=content[:20]):
                self.one.unlink()  # so that the folder is listed again
                self.one.write_bytes(content)
                self.refuse(CORRUPT, "step ", f"image 11: {self.one}: {cause}", *MEND)
        self.refuse(CORRUPT, str(self.one), *MEND, workers=2)

    def test_a_broken_picture_of_the_validation_part_is_never_replaced(self):
        broken = self.root / "val/class_0/2.jpg"
        broken.write_bytes(b"not a picture")
        self.refuse(CORRUPT, f"evaluation: image 2: {broken}: neither JPEG", "hint: mend or remove it",
                    words=(*SHORT, "data.on_bad_image=REPLACE"))

    def test_folders_without_pictures(self):
        (self.root / "train/class_0/notes.txt").write_text("no picture")
        for picture in (self.root / "train/class_0").glob("*.jpg"):
            picture.unlink()
        self.refuse(MISSING, f"data.root: {self.root}/train/class_0: no image in this class",
                    "hint: a class folder holds .jpg, .jpeg, .png, .ppm, .pgm, .bmp, .tif, .tiff or .webp files")
        shutil.rmtree(self.root / "val")
        shutil.rmtree(self.root / "train/class_0")
        self.refuse(MISSING, f"data.root: {self.root}/val", "no such file or directory", "hint: data.root needs val/CLASS/IMAGE.jpg")
        shutil.rmtree(self.root / "train")
        (self.root / "train").mkdir()
        self.refuse(MISSING, f"data.root: {self.root}/train: no class folder in it", "hint: data.root needs train/CLASS/IMAGE.jpg")
        shutil.rmtree(self.root)
        self.refuse(MISSING, "data.root: ", str(self.root), "no such file or directory", "hint: ")

    def test_a_picture_that_vanishes_while_it_trains(self):
        whole = self.train(self.config, "whole", *self.words, "train.epochs=40").result()
        for name, words in (("fail", ()), ("replace", ("data.on_bad_image=REPLACE",))):
            with self.subTest(name):
                launch = self.launch(f"--config={self.config}", f"--run_dir={run_dir(self.folder, name)}", *self.words, *words,
                                     "train.epochs=100000", "checkpoint.every_steps=10", "evaluate.every_epochs=100000")
                run = Run(self.folder / name)
                for _ in poll(60, "the first set"):
                    if run.sets():
                        break
                self.one.unlink()
                ended = launch.wait()
                self.assertEqual(ended.code, MISSING, ended)
                self.assert_failed_plainly(ended, f"image 11: {self.one}: cannot open: no such file or directory",
                                           "hint: put it back as it was (is its disk mounted?) and run again")
                self.one.write_bytes(self.good)  # as the hint says
                run = self.train(self.config, name, *self.words, *words, "train.epochs=100000", "checkpoint.every_steps=10",
                                 "--stop_after_steps=1", code=STOPPED)
                self.assertGreaterEqual(run.summary["attempts"][-1]["first_step"], 10)
        self.assertEqual(self.train(self.config, "again", *self.words, "train.epochs=40").result(), whole, "the data is as it was")

    def test_a_folder_that_has_changed_since_it_was_listed(self):
        self.age()
        self.train(self.config, "run", *self.words, *SHORT, "--stop_after_steps=1", code=STOPPED)
        self.assertEqual(len(list((self.folder / "state/indexes").glob("*.index"))), 2, "the lists are kept")
        self.one.write_bytes(self.good + b"\0")  # in place: no folder changes
        self.refuse(CORRUPT, f"{self.one}: {len(self.good) + 1} bytes: it had {len(self.good)} when data.root was listed",
                    f"hint: touch {self.one.parent}, so that data.root is listed again", run="other")
        self.one.write_bytes(self.good)
        shutil.copy(self.one, self.root / "train/class_1/new.jpg")
        said = self.train(self.config, "run", *self.words, *SHORT, code=RUN_FOLDER)
        self.assert_failed_plainly(said.ended, "holds another job", "no field differs, so the images of data.root or",
                                   "hint: put them back, choose another run_dir")
        (self.root / "train/class_1/new.jpg").unlink()
        self.train(self.config, "run", *self.words, *SHORT)


if __name__ == "__main__":
    main()
