#include <algorithm>

#include "common/base/status.h"
#include "common/dataset/index.h"
#include "proto/spec.pb.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"
#include "worker/data/image_source.h"

// The input is CIFAR-100's training file, and the file of its class names as well.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const deit::testing::TempFolder folder;
  deit::testing::WriteFile(folder / "train.bin", deit::testing::Content(data, size));
  deit::testing::WriteFile(folder / "fine_label_names.txt", deit::testing::Content(data, std::min<size_t>(size, 4096)));
  deit::v1::JobSpec spec;
  spec.mutable_data()->set_format(deit::v1::DataSpec::CIFAR);
  spec.mutable_data()->set_root(folder.path());
  spec.mutable_model()->set_num_classes(100);
  const auto index = deit::dataset::OpenIndex(spec, deit::dataset::Split::kTrain);
  if (!index.ok()) return 0;
  DEIT_CHECK((*index)->classes().size() == 100, "classes=", (*index)->classes().size());
  const auto pictures = deit::data::NewCifarImages(spec, **index);
  DEIT_CHECK(pictures.ok(), "what has an index has pictures");
  deit::data::Image image;
  for (int64_t i = 0; i < (*index)->size(); ++i) {
    DEIT_CHECK((*index)->label(i) >= 0 && (*index)->label(i) < 100, "label ", (*index)->label(i));
    DEIT_CHECK((*pictures)->Read(i, &image).ok(), "picture ", i);
  }
  return 0;
}
