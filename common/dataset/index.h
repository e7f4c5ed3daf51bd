// Data set index: number of images, labels, names and a fingerprint, without pixels. Plan and coordinator use it without LibTorch;
// worker/data reads the pixels.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/spec.pb.h"

namespace deit::dataset {

enum class Split { kTrain, kValidation };

// "train" or "val": the first part of each image's path.
const char* Name(Split split);

// Where a stored image's bytes are.
struct Place {
  std::string file;        // below data.root
  int64_t offset = 0;      // of its first byte in there
  int64_t file_bytes = 0;  // of the file, and when it was modified (ns since 1970), as it was listed
  int64_t modified_ns = 0;
};

// Immutable once open: all methods are thread-safe. An index has at least one image. `i` is in [0, size()).
class Index {
 public:
  virtual ~Index() = default;

  virtual Split split() const = 0;
  virtual int64_t size() const = 0;            // images
  virtual int32_t label(int64_t i) const = 0;  // in [0, model.num_classes)
  // Relative to data.root: "train/cat/7.jpg" (IMAGE_FOLDER), "train/0001.tar/7.jpg" (TAR); "train/123" or "val/123" (IDX, CIFAR, SYNTHETIC).
  virtual std::string path(int64_t i) const = 0;
  virtual Place place(int64_t i) const { return {path(i)}; }  // IMAGE_FOLDER and TAR
  virtual int64_t bytes(int64_t i) const = 0;                 // of the stored image: file size, or rows x columns x channels
  // By label. Class folders' names (IMAGE_FOLDER), the names file's (CIFAR), classes.txt's (TAR), else "0", "1", ...
  virtual const std::vector<std::string>& classes() const = 0;

  // xxh3-64 over path, bytes and label of all images in order: equal on every machine that holds the same data.
  // O(size()) at worst: ask once and keep it.
  virtual uint64_t fingerprint() const;
};

// Opens what spec.data describes. `spec` is resolved (common/spec): a relative data.root is not looked up anywhere else.
// data.max_images keeps the first images of kTrain only. Reads labels, headers and folders; decodes no image. `kept`: the folder where what
// was found below data.root is kept from run to run (listing_cache.h); empty: nowhere.
// Errors: NotFound (no such folder, file, or image in it; with a hint), DataLoss (lying or truncated IDX file),
// InvalidArgument (a label or class folder beyond model.num_classes). Each names the path.
absl::StatusOr<std::unique_ptr<Index>> OpenIndex(const v1::JobSpec& spec, Split split, const std::string& kept = "");

// FailedPrecondition where both parts do not have the same classes by label: what is learned as one class would be asked as another.
absl::Status CheckSameClasses(const Index& train, const Index& validation);

}  // namespace deit::dataset
