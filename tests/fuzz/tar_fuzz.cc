#include "common/base/status.h"
#include "common/dataset/index.h"
#include "common/dataset/tar_members.h"
#include "proto/spec.pb.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

// As a list of members, and as the only training shard. What is listed lies inside the file.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const deit::testing::TempFolder folder;
  const std::string path = folder / "train.tar";
  deit::testing::WriteFile(path, deit::testing::Content(data, size));
  const auto members = deit::dataset::ReadTarMembers(path);
  if (!members.ok()) return 0;
  for (const auto& member : *members) DEIT_CHECK(member.offset + member.bytes <= size, "member ", member.name);
  deit::v1::JobSpec spec;
  spec.mutable_data()->set_format(deit::v1::DataSpec::TAR);
  spec.mutable_data()->set_root(folder.path());
  spec.mutable_model()->set_num_classes(1000);
  for (const char* target : {"cls", "json:a.b"}) {
    spec.mutable_data()->set_target_key(target);
    const auto index = deit::dataset::OpenIndex(spec, deit::dataset::Split::kTrain);
    if (!index.ok()) continue;
    for (int64_t i = 0; i < (*index)->size(); ++i) {
      DEIT_CHECK((*index)->label(i) >= 0 && (*index)->label(i) < 1000, "label ", (*index)->label(i));
      const auto end = static_cast<uint64_t>((*index)->place(i).offset + (*index)->bytes(i));
      DEIT_CHECK(end <= size, "image ", (*index)->path(i));
    }
  }
  return 0;
}
