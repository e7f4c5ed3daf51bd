// Stored images of a data set, by index: one implementation per data.format.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "common/dataset/index.h"
#include "worker/data/decode_image.h"

namespace deit::data {

// Thread-safe; a picture is always the same.
class ImageSource {
 public:
  virtual ~ImageSource() = default;
  // Gray or RGB, any size. Errors name the path. DataLoss: its bytes are no picture, or a broken one; all others: they are not there, or
  // others than were listed.
  virtual absl::Status Read(int64_t i, Image* image) const = 0;
  // At least what `wanted` names of it. By default all of it.
  virtual absl::Status ReadPart(int64_t i, RegionOf /*wanted*/, Picture* picture) const {
    absl::Status status = Read(i, &picture->image);
    if (status.ok()) picture->HoldWhole();
    return status;
  }
};

// The error of a picture that was listed and cannot be read now, from the file system's: never DataLoss, with a hint. Exit code 66, or 65 where
// another attempt may find it readable (retry_read.h).
absl::Status Unreadable(const absl::Status& status);

// Each reads the pictures that `index` lists; `index` outlives the source.
// IDX: all of them into memory, once (a byte per pixel). DataLoss where the file and the index disagree.
absl::StatusOr<std::unique_ptr<ImageSource>> NewIdxImages(const v1::JobSpec& spec, const dataset::Index& index);
// CIFAR: read from the open files when asked for. DataLoss where they have become shorter.
absl::StatusOr<std::unique_ptr<ImageSource>> NewCifarImages(const v1::JobSpec& spec, const dataset::Index& index);
// IMAGE_FOLDER and TAR: each read from its file below data.root when it is asked for. FailedPrecondition where a file, be it a
// picture's own or a shard, has another size or time of modification than when it was listed.
std::unique_ptr<ImageSource> NewStoredImages(const v1::JobSpec& spec, const dataset::Index& index);
// Half a coarse pattern of the class, half noise of the image, so that there is something to learn. Every data.seed sees the same pictures.
std::unique_ptr<ImageSource> NewSyntheticImages(const v1::JobSpec& spec, const dataset::Index& index);

}  // namespace deit::data
