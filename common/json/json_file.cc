#include "common/json/json_file.h"

#include "common/files/operations.h"
#include "common/json/message_json.h"

namespace deit::json {
namespace {
constexpr size_t kMaxBytes = 64 << 20;
}

Status WriteJsonFile(files::FileSystem& fs, const std::string& path, const google::protobuf::Message& message) {
  return files::WriteFileAtomically(fs, path, ToJsonText(message));
}

Status ReplaceJsonFile(files::FileSystem& fs, const std::string& path, const google::protobuf::Message& message) {
  const std::string aside = path + ".tmp";
  const std::string text = ToJsonText(message);
  DEIT_ASSIGN_OR_RETURN(auto file, fs.OpenForWrite(aside));
  DEIT_RETURN_IF_ERROR(file->Append(text.data(), text.size()));
  DEIT_RETURN_IF_ERROR(file->Close());
  return fs.Rename(aside, path);
}

Status ReadJsonFile(files::FileSystem& fs, const std::string& path, google::protobuf::Message* message) {
  DEIT_ASSIGN_OR_RETURN(const std::string text, files::ReadWholeFile(fs, path, kMaxBytes));
  return Annotate(FromJson(text, message), path);
}

}  // namespace deit::json
