// Index openers, one per data.format. OpenIndex() in index.h selects one and documents the contract and the errors.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/dataset/index.h"

namespace deit::dataset {

// MNIST's four files in data.root: train-images-idx3-ubyte, train-labels-idx1-ubyte, and t10k-* for validation; each may end in .gz.
absl::StatusOr<std::unique_ptr<Index>> OpenIdx(const v1::JobSpec& spec, Split split);

// data.root/train/CLASS/**.{jpg,jpeg,png,ppm,pgm,bmp,tif,tiff,webp} and data.root/val/..., in the order of torchvision's ImageFolder:
// classes by name, in a class folders by path, in a folder files by name (all bytewise). Both splits take their labels from train's class
// folders.
absl::StatusOr<std::unique_ptr<Index>> OpenImageFolder(const v1::JobSpec& spec, Split split, const std::string& kept);

// WebDataset's shards: data.root/train/*.tar and data.root/val/*.tar, or data.root/*train*.tar and data.root/*val*.tar, by name and each from
// its beginning. A sample is what shares a name up to the first dot: its picture and its label, as data.input_key and data.target_key say
// (tar_samples.h). Names of classes: the lines of data.root/classes.txt, where it exists. InvalidArgument for a shard that would be in both.
absl::StatusOr<std::unique_ptr<Index>> OpenTar(const v1::JobSpec& spec, Split split, const std::string& kept);

// The binary files of CIFAR-10 or CIFAR-100 in data.root (cifar_files.h).
absl::StatusOr<std::unique_ptr<Index>> OpenCifar(const v1::JobSpec& spec, Split split);

// Made-up images of the model's size: data.synthetic_images of them to train, a tenth of that (rounded up) to validate.
absl::StatusOr<std::unique_ptr<Index>> OpenSynthetic(const v1::JobSpec& spec, Split split);

}  // namespace deit::dataset
