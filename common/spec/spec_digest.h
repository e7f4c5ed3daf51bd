// Spec digest over everything that can change the weights, and the difference of two specs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/spec/fields.h"

namespace deit::spec {

// xxh3-64 of the content behind a path, by field: "model.init_from", "teacher.weights" (weights), "data.root" (the data set's
// fingerprint, for every data.format). Paths themselves never count.
using ContentDigests = std::map<std::string, uint64_t>;

// xxh3-64 over the lines "path=value\n" of all RESULT fields of a resolved spec whose value is not the schema's default, in the order of
// their paths (bytewise), then "path@=digest\n" of all contents in that order. So a field that is added later, with a default
// that leaves weights alone, leaves old digests alone; so do new order, numbers and comments in the schema. Sound because a default
// never changes (proto/spec.proto) and every field's meaning depends on explicit values only.
// Compare digests only if both were made with contents, or both without.
uint64_t SpecDigest(const google::protobuf::Message& resolved, const ContentDigests& contents);

struct FieldDifference {
  std::string path;
  std::string before;  // as FieldValue::value, or "unset"; a content's digest as 16 hex digits
  std::string after;
  v1::Effect effect;  // RESULT also for a content; EXECUTION also for a path, whose content counts instead
};

// Fields that differ between two specs of one schema: RESULT first, then EXECUTION, each in the order of their paths. A content that
// only one side knows is no difference.
std::vector<FieldDifference> DiffSpecs(const google::protobuf::Message& before, const google::protobuf::Message& after,
                                       const ContentDigests& contents_before = {}, const ContentDigests& contents_after = {});

// "train.epochs: 300 -> 2"
std::string ToString(const FieldDifference& difference);

}  // namespace deit::spec
