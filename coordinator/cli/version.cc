// `deit-coord version [--build]`: what this binary is, and what it was built with.
#include <cstdio>

#include <google/protobuf/stubs/common.h>
#include <xxhash.h>

#include "absl/base/config.h"
#include "absl/strings/str_format.h"
#include "coordinator/cli/verb.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

std::string Sanitizers() { return std::string(DEIT_SANITIZE).empty() ? "none" : DEIT_SANITIZE; }

std::string BuildTable() {
  std::string text;
  const auto line = [&text](absl::string_view name, absl::string_view value) { absl::StrAppendFormat(&text, "%-10s  %s\n", name, value); };
  line("compiler", absl::StrCat("g++ ", __VERSION__));
  line("build", DEIT_BUILD_TYPE);
  line("sanitizers", Sanitizers());
  line("protobuf", google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION));
  line("abseil", absl::StrCat(ABSL_LTS_RELEASE_VERSION, ".", ABSL_LTS_RELEASE_PATCH_LEVEL));
  line("xxhash", absl::StrFormat("%d.%d.%d", XXH_VERSION_MAJOR, XXH_VERSION_MINOR, XXH_VERSION_RELEASE));
  return text;
}

StatusOr<VerbExit> RunVersion(const Arguments& arguments) {
  if (!arguments.words().empty()) return UsageError(absl::StrCat("version: unexpected argument: ", arguments.words()[0]));
  absl::PrintF("deit %s\n", DEIT_VERSION);
  if (arguments.Has("build")) std::fputs(BuildTable().c_str(), stdout);
  return VerbExit::kDone;
}

}  // namespace

const Verb kVersion{
    .name = "version",
    .summary = "print the version",
    .usage = {"version [--build]"},
    .examples = {"deit-coord version --build"},
    .flags = {{.name = "build", .value = "", .help = "also the compiler and the libraries it was built with"}},
    .run = RunVersion,
};

}  // namespace deit::cli
