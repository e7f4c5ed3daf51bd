#include "common/spec/load.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "common/files/absolute_path.h"
#include "common/files/operations.h"
#include "common/files/stream_file.h"
#include "common/spec/assign.h"
#include "common/spec/resolve.h"
#include "common/spec/syntax.h"
#include "common/spec/validate.h"

namespace deit::spec {
namespace {

StatusOr<std::string> WorkingFolder(const LoadOptions& options) {
  if (!options.working_folder.empty()) return options.working_folder;
  return files::CurrentFolder();
}

// For the caller a job file is an input: missing, unreadable, or a wrong one if it is too big to be one.
Status Unreadable(const Status& cause) {
  const std::string message = absl::StrCat("job file: ", cause.message());
  return absl::IsResourceExhausted(cause) ? absl::InvalidArgumentError(message) : absl::NotFoundError(message);
}

std::string DefaultName(const std::string& job_file, const LoadOptions& options) {
  if (!options.default_name.empty()) return options.default_name;
  return job_file.empty() ? "job" : files::StemOf(job_file);
}

}  // namespace

StatusOr<v1::JobSpec> LoadSpec(const std::string& path, const std::vector<std::string>& overrides, const LoadOptions& options) {
  if (path.empty()) return ParseSpec("", path, overrides, options);
  DEIT_ASSIGN_OR_RETURN(const std::string folder, WorkingFolder(options));
  auto content = files::ReadToEnd(files::AbsolutePath(folder, path), options.max_bytes);
  if (!content.ok()) return Unreadable(content.status());
  return ParseSpec(*content, path, overrides, options);
}

StatusOr<v1::JobSpec> ParseSpec(absl::string_view content, const std::string& path, const std::vector<std::string>& overrides,
                                const LoadOptions& options) {
  DEIT_ASSIGN_OR_RETURN(const std::string working_folder, WorkingFolder(options));
  const std::string job_file = path.empty() ? "" : files::AbsolutePath(working_folder, path);
  absl::ConsumePrefix(&content, "\xef\xbb\xbf");  // the byte order mark that some editors begin a file with
  Problems problems(path);
  const Node root = absl::EndsWith(path, ".json") ? ParseJson(content, &problems) : ParseTextproto(content, &problems);
  if (!problems.empty()) return problems.ToStatus();  // half a file would only give false alarms

  v1::JobSpec spec;
  AssignFile(root, path.empty() ? working_folder : files::FolderOf(job_file), &spec, &problems);
  AssignOverrides(overrides, working_folder, &spec, &problems);
  Resolve({.default_name = DefaultName(job_file, options), .working_folder = working_folder}, &spec, &problems);
  Validate(spec, &problems);
  if (!problems.empty()) return problems.ToStatus();
  return spec;
}

std::string SpecText(const v1::JobSpec& spec) {
  std::string text;
  DEIT_CHECK(google::protobuf::TextFormat::PrintToString(spec, &text));
  return text;
}

std::string SpecJson(const v1::JobSpec& spec) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.add_whitespace = true;
  std::string text;
  DEIT_CHECK(google::protobuf::util::MessageToJsonString(spec, &text, options).ok());
  return text;
}

}  // namespace deit::spec
