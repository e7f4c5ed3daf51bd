#include "common/base/status.h"
#include "common/dataset/index.h"
#include "proto/spec.pb.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/file_content.h"
#include "tests/support/tar_content.h"
#include "tests/support/temp_folder.h"

// The label of a sample in a well-formed shard, as each kind of label, and behind its first zero classes.txt.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using deit::testing::TarMember;
  static const deit::testing::TempFolder folder;
  const std::string content = deit::testing::Content(data, size);
  const size_t zero = content.find('\0');
  const std::string label = content.substr(0, zero), classes = zero == std::string::npos ? "" : content.substr(zero + 1);
  deit::testing::WriteFile(folder / "train.tar", TarMember("a.jpg", "x") + TarMember("a.txt", label) + deit::testing::TarEnd());
  deit::testing::WriteFile(folder / "classes.txt", classes);
  deit::v1::JobSpec spec;
  spec.mutable_data()->set_format(deit::v1::DataSpec::TAR);
  spec.mutable_data()->set_root(folder.path());
  spec.mutable_model()->set_num_classes(10);
  for (const char* target : {"txt", "txt:a", "txt:a.b"}) {
    spec.mutable_data()->set_target_key(target);
    const auto index = deit::dataset::OpenIndex(spec, deit::dataset::Split::kTrain);
    if (!index.ok()) continue;
    DEIT_CHECK((*index)->size() == 1 && (*index)->label(0) >= 0 && (*index)->label(0) < 10, "label ", (*index)->label(0));
    DEIT_CHECK((*index)->classes().size() == 10, "classes=", (*index)->classes().size());
  }
  return 0;
}
