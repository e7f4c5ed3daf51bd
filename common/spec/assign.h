// Assignment of parsed names and values to the spec message: types, ranges and spelling of single fields.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "common/spec/syntax.h"

namespace deit::spec {

// Puts a parsed job file into `spec`. Told: unknown fields (with the nearest), a value of the wrong type, an enum's name that is none (with
// all that exist), a number that is not finite or outside its `range`, a field set twice. Fields with the option `path` become absolute,
// taken from `folder` (absolute) where they are relative. An empty path, and JSON's null, leave a field unset.
void AssignFile(const Node& root, const std::string& folder, google::protobuf::Message* spec, Problems* problems);

// Puts "path=value" words over what is there, the last of a field counts. A list is given as "16,32" or by repeating the word, and
// replaces the file's; an empty value unsets a field, a list or a whole group. Paths are taken from `folder`.
void AssignOverrides(const std::vector<std::string>& overrides, const std::string& folder, google::protobuf::Message* spec,
                     Problems* problems);

}  // namespace deit::spec
