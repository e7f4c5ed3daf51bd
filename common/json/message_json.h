// Messages of proto/run.proto as JSON and back. Unlike protobuf's own printer: fields in the order of their declaration,
// 64-bit integers as numbers, doubles in the shortest form that reads back exactly. Unknown means absent, only for fields
// with presence (`optional`, sub-messages); all other keys are always present. NaN and infinities are the strings "NaN",
// "Infinity", "-Infinity", as protobuf reads them. Maps, groups and bytes are not supported: our messages have none.
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::json {

// One line without a newline: {"step":12,"loss":3.25}
std::string ToJsonLine(const google::protobuf::Message& message);

// Two spaces per level, with a final newline: for files that people open.
std::string ToJsonText(const google::protobuf::Message& message);

// Reads either form; keys that the message does not know are ignored. DataLoss with the parser's reason otherwise.
Status FromJson(absl::string_view text, google::protobuf::Message* message);

}  // namespace deit::json
