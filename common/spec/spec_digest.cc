#include "common/spec/spec_digest.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/digest.h"
#include "common/base/status.h"

namespace deit::spec {

namespace {
std::string Shown(const FieldValue& field) { return field.is_set ? field.value : "unset"; }
}  // namespace

uint64_t SpecDigest(const google::protobuf::Message& resolved, const ContentDigests& contents) {
  std::string lines;
  for (const FieldValue& field : ListFields(resolved)) {
    if (field.effect == v1::RESULT && !field.is_path && !field.is_default) absl::StrAppend(&lines, field.path, "=", field.value, "\n");
  }
  for (const auto& [path, digest] : contents) absl::StrAppend(&lines, path, "@=", DigestHex(digest), "\n");
  return Digest64(lines.data(), lines.size());
}

std::vector<FieldDifference> DiffSpecs(const google::protobuf::Message& before, const google::protobuf::Message& after,
                                       const ContentDigests& contents_before, const ContentDigests& contents_after) {
  DEIT_CHECK(before.GetDescriptor() == after.GetDescriptor());
  std::vector<FieldDifference> differences;
  const std::vector<FieldValue> old_fields = ListFields(before), new_fields = ListFields(after);
  for (size_t i = 0; i < old_fields.size(); ++i) {
    const FieldValue& field = old_fields[i];
    if (field.value == new_fields[i].value) continue;
    differences.push_back({field.path, Shown(field), Shown(new_fields[i]), field.is_path ? v1::EXECUTION : field.effect});
  }
  for (const auto& [path, digest] : contents_before) {
    const auto now = contents_after.find(path);
    if (now == contents_after.end() || now->second == digest) continue;
    differences.push_back({absl::StrCat("content of ", path), DigestHex(digest), DigestHex(now->second), v1::RESULT});
  }
  std::stable_partition(differences.begin(), differences.end(), [](const FieldDifference& d) { return d.effect == v1::RESULT; });
  return differences;
}

std::string ToString(const FieldDifference& difference) {
  return absl::StrCat(difference.path, ": ", difference.before, " -> ", difference.after);
}

}  // namespace deit::spec
