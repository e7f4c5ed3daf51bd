#include "common/base/status.h"

#include <cstdlib>

#include "absl/strings/cord.h"
#include "common/base/log.h"
#include "common/base/output_queue.h"

namespace deit {
namespace {
constexpr absl::string_view kHintUrl = "deit/hint";
constexpr absl::string_view kOwnPlacesUrl = "deit/own_places";
}  // namespace

Status Annotate(const Status& status, absl::string_view context) {
  if (status.ok()) return status;
  Status annotated(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) { annotated.SetPayload(url, payload); });
  return annotated;
}

Status WithHint(Status status, absl::string_view hint) {
  if (!status.ok()) status.SetPayload(kHintUrl, absl::Cord(hint));
  return status;
}

std::string HintOf(const Status& status) {
  auto payload = status.GetPayload(kHintUrl);
  return payload ? std::string(*payload) : std::string();
}

Status MarkPreformatted(Status status) {
  if (!status.ok()) status.SetPayload(kOwnPlacesUrl, absl::Cord());
  return status;
}

bool IsPreformatted(const Status& status) { return status.GetPayload(kOwnPlacesUrl).has_value(); }

namespace internal {
void CheckFailed(const char* file, int line, const char* condition, const std::string& message) {
  LogError(absl::StrCat("internal error: ", file, ":", line, ": ", condition, " does not hold", message.empty() ? "" : ": ", message));
  FlushOutput(absl::Seconds(1));
  std::abort();
}
}  // namespace internal

}  // namespace deit
