#include "common/spec/problems.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "common/base/exit_code.h"

namespace deit::spec {

void Problems::Add(const std::string& path, absl::string_view message) {
  if (!Knows(path)) AddAt(PlaceOf(path), path, message);
}

void Problems::AddAt(Place place, const std::string& path, absl::string_view message) {
  problems_.push_back({place, path, std::string(message)});
}

Status Problems::ToStatus() const {
  if (problems_.empty()) return absl::OkStatus();
  std::vector<Problem> sorted = problems_;
  const auto key = [](const Problem& p) { return std::make_tuple(p.place.line == 0, !p.place.command_line, p.place.line, p.place.column); };
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Problem& a, const Problem& b) { return key(a) < key(b); });
  std::vector<std::string> lines;
  for (const Problem& p : sorted) {
    std::string where = p.place.command_line || file_.empty() ? "command line" : file_;
    if (p.place.line > 0) absl::StrAppend(&where, ":", p.place.line, ":", p.place.column);
    lines.push_back(absl::StrCat(where, ": error: ", p.path, p.path.empty() ? "" : ": ", p.message));
  }
  return MarkPreformatted(WithExitCode(absl::InvalidArgumentError(absl::StrJoin(lines, "\n")), ExitCode::kBadConfig));
}

Place Problems::PlaceOf(std::string path) const {
  while (!path.empty()) {
    if (const auto found = places_.find(path); found != places_.end()) return found->second;
    const size_t dot = path.rfind('.');
    path.resize(dot == std::string::npos ? 0 : dot);
  }
  return {};
}

bool Problems::Knows(const std::string& path) const {
  return std::any_of(problems_.begin(), problems_.end(),
                     [&](const Problem& p) { return !p.path.empty() && (p.path == path || absl::StartsWith(path, p.path + ".")); });
}

}  // namespace deit::spec
