// Errors as values. Functions that can fail return absl::Status or absl::StatusOr; these macros pass a failure on.
// Message style: what failed, the value, the cause: "data.root: /x/y: no such directory". Lower case, no full stop.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace deit {

using absl::Status;
using absl::StatusOr;

// `status` with "context: " before its message; code and payloads (exit code, hint) are kept. OK stays OK.
Status Annotate(const Status& status, absl::string_view context);

// Attaches the one next action a user can take ("run again", "set data.root to ..."). Printed after the message as "hint: ...".
Status WithHint(Status status, absl::string_view hint);

// The attached hint, or empty.
std::string HintOf(const Status& status);

// Marks a message whose lines say themselves where and how bad ("job.textproto:3:9: error: ..."): LogFailure adds no prefix.
Status MarkPreformatted(Status status);
bool IsPreformatted(const Status& status);

namespace internal {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition, const std::string& message);
}

}  // namespace deit

#define DEIT_CONCAT_INNER(a, b) a##b
#define DEIT_CONCAT(a, b) DEIT_CONCAT_INNER(a, b)

#define DEIT_RETURN_IF_ERROR(expression)                                                     \
  do {                                                                                       \
    if (::absl::Status deit_status_ = (expression); !deit_status_.ok()) return deit_status_; \
  } while (false)

#define DEIT_ASSIGN_OR_RETURN(target, expression) DEIT_ASSIGN_OR_RETURN_INNER(DEIT_CONCAT(deit_result_, __LINE__), target, expression)
#define DEIT_ASSIGN_OR_RETURN_INNER(result, target, expression) \
  auto result = (expression);                                   \
  if (!result.ok()) return std::move(result).status();          \
  target = std::move(result).value()

// A broken invariant of ours: prints file, line, condition and message, then aborts. Never for input, peers or disks.
#define DEIT_CHECK(condition, ...)                                                                                                  \
  do {                                                                                                                              \
    if (!(condition)) ::deit::internal::CheckFailed(__FILE__, __LINE__, #condition, ::absl::StrCat("" __VA_OPT__(, ) __VA_ARGS__)); \
  } while (false)
