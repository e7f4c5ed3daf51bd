// Prints messages of proto/ as JSON, and reads them back: files of a run folder and the output of every --json. Unlike protobuf's
// own printer: fields in the order of their declaration, 64-bit integers as numbers, doubles and floats in the shortest form that
// reads back exactly. Every key is present, except those of absent fields with presence (`optional`, sub-messages), unless the
// schema says `null_when_absent`: then the value is null. NaN and infinities are the strings "NaN", "Infinity", "-Infinity", as
// protobuf reads them. Maps (keys are strings) are objects, their keys in ascending order; google.protobuf.{Value,Struct,ListValue}
// are the JSON that they hold. Groups and bytes are not supported: our messages have none. All functions are pure.
#pragma once

#include <google/protobuf/message.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::json {

// One line without spaces and without a newline: {"step":12,"loss":3.25}. For files with a line for each of many objects.
std::string ToJsonLine(const google::protobuf::Message& message);

// The same with spaces: {"step": 12, "loss": 3.25}.
std::string ToSpacedJsonLine(const google::protobuf::Message& message);

// Two spaces per level, with a final newline: for files that people open. `line_levels`: how many outer brackets have each of their
// members on a line of its own; what lies deeper stays on that line, with spaces. Without it: all brackets.
std::string ToJsonText(const google::protobuf::Message& message);
std::string ToJsonText(const google::protobuf::Message& message, size_t line_levels);

// One array of several messages, each a spaced line, with a final newline. Empty: "[]".
template <typename Messages>
std::string ToJsonArray(const Messages& messages);

// Reads any of these forms of one message; keys that the message does not know are ignored. DataLoss with the parser's reason
// otherwise, and for maps and google.protobuf types, which only the printer knows.
Status FromJson(absl::string_view text, google::protobuf::Message* message);

// ToJsonArray's brackets around printed objects.
std::string JsonArrayText(const std::vector<std::string>& objects);

template <typename Messages>
std::string ToJsonArray(const Messages& messages) {
  std::vector<std::string> objects;
  for (const auto& message : messages) objects.push_back(ToSpacedJsonLine(message));
  return JsonArrayText(objects);
}

}  // namespace deit::json
