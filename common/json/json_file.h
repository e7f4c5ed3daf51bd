// JSON file holding one protobuf message, replaced atomically.
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/files/file_system.h"

namespace deit::json {

// Atomic and durable.
Status WriteJsonFile(files::FileSystem& fs, const std::string& path, const google::protobuf::Message& message);

// Atomic for readers, but not synced: for what is replaced every second, where waiting for a disk would cost training time. After a
// crash of the machine the file may be an old one, empty or missing.
Status ReplaceJsonFile(files::FileSystem& fs, const std::string& path, const google::protobuf::Message& message);

// NotFound without the file; DataLoss with the path and the parser's reason when it is not that message.
Status ReadJsonFile(files::FileSystem& fs, const std::string& path, google::protobuf::Message* message);

// The same for a file of one attempt, whose message has its number; DataLoss too when that is another attempt's. A process that continues the
// message may then believe its number.
template <typename Message>
StatusOr<Message> ReadAttemptFile(files::FileSystem& fs, const std::string& path, int attempt) {
  Message message;
  DEIT_RETURN_IF_ERROR(ReadJsonFile(fs, path, &message));
  if (message.attempt() == attempt) return message;
  return absl::DataLossError(absl::StrCat(path, ": contains attempt ", message.attempt(), ", expected attempt ", attempt));
}

}  // namespace deit::json
