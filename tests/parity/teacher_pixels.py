"""Prints what PyTorch makes of a student's pixels for a teacher of another size and other statistics, for
tests/worker/distill/teacher_pixels_test.cc.

  python tests/parity/teacher_pixels.py     (torch 2.14.1)

Images are keyed values (keyed_values.py) of "pixels", one image of 2 channels; resized as torchvision does tensors, then (x * std + mean - mean') / std'
as in timm's train.py, in fp64.
"""
import keyed_values
import numpy
import torch

MEAN, STD = (0.5, 0.25), (0.25, 0.5)
TEACHERS_MEAN, TEACHERS_STD = (0.485, 0.4), (0.229, 0.225)


def normalised(images):
    mean, std, own_mean, own_std = (torch.tensor(values, dtype=torch.float64).view(1, 2, 1, 1)
                                    for values in (MEAN, STD, TEACHERS_MEAN, TEACHERS_STD))
    return (images * std + mean - own_mean) / own_std


def main():
    numpy.seterr(over="ignore")
    for side, own in ((7, 4), (3, 5), (4, 4)):
        values = keyed_values.values(keyed_values.key_of("pixels"), 2 * side * side).astype(numpy.float32)
        images = torch.from_numpy(values).double().reshape(1, 2, side, side)
        if own != side:
            images = torch.nn.functional.interpolate(images, (own, own), mode="bicubic", antialias=True, align_corners=False)
        text = ", ".join(f"{value:.7g}" for value in normalised(images).flatten().tolist())
        print(f"{side} to {own}: {text}")


if __name__ == "__main__":
    main()
