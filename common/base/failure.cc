#include "common/base/failure.h"

#include <cstdio>
#include <string>

#include "common/base/log.h"

namespace deit {

void LogFailure(const Status& status) {
  const std::string hint = HintOf(status);
  const std::string text = hint.empty() ? std::string(status.message()) : absl::StrCat(status.message(), "\nhint: ", hint);
  // Messages with own places are compiler style: no program name precedes "file:line:col".
  if (IsPreformatted(status)) std::fprintf(stderr, "%s\n", text.c_str());
  else LogError(text);
}

}  // namespace deit
