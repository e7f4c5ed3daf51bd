// JSON text of a protobuf message with an embedded digest, which a reader verifies before it uses the message. The text ends with
//   ,
//    "digest": "16 hex digits"
//   }
// and the digest is the xxh3-64 of every byte before that comma, for every version of the writer.
#pragma once

#include <string>

#include <google/protobuf/message.h>

#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::json {

// What this program writes, and the newest it reads (the field format_version).
inline constexpr int kFormatVersion = 1;

// Field names as in the schema; `message`'s last field is `digest` and is not set.
std::string SealJson(const google::protobuf::Message& message);

// Checks the seal, then parses into `message`, whose fields `format_version` and `digest` are int32 and string. A broken seal or
// text that does not parse is DataLoss. A newer format_version is Unimplemented with exit code 66: not damaged, just not for us.
Status UnsealJson(absl::string_view text, google::protobuf::Message* message);

}  // namespace deit::json
