// Flat list of the schema's fields with their paths ("train.batch_size"), for overrides, digests and comparisons.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/options.pb.h"

namespace deit::spec {

// One field that is no group, with its value in a message (its default where it is not set).
struct FieldValue {
  std::string path;
  std::string value;  // "300", "0.05", "true", "HARD", "\"adamw\"", "[16, 32]": numbers round-trip, strings are C-escaped
  bool is_set;        // written in the message, be it the default
  bool is_default;    // equal to the schema's default; an empty list or string is one
  bool is_path;       // option `path`: the value says where, not what
  v1::Effect effect;  // EXECUTION where the field or a group around it is marked so
};

// All fields of the message and its groups, set or not, in the order of their paths (bytewise).
std::vector<FieldValue> ListFields(const google::protobuf::Message& message);

// The nearest path to `name` that is no field of the group at `group` ("" is the whole spec): a sibling of a like name, else a field of
// that or a like name anywhere. Empty when nothing is near.
std::string NearestPath(const google::protobuf::Descriptor& spec, const std::string& group, absl::string_view name);

// "train" + "epochs" -> "train.epochs"; an empty group gives the name alone.
std::string JoinFieldPath(absl::string_view group, absl::string_view name);

}  // namespace deit::spec
