#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/log.h"
#include "common/models/model_catalog.h"
#include "worker/tasks/tasks.h"

namespace deit::tasks {
namespace {

std::string JsonOf(const models::CatalogEntry& entry) {
  return absl::StrFormat(R"({"name": "%s", "parameters": %d, "macs": %.0f, "img_size": %d})", entry.name,
                         models::ParameterCount(entry.sizes), models::MacCount(entry.sizes), entry.sizes.img_size());
}

}  // namespace

Status Models(const Options& options) {
  const std::vector<models::CatalogEntry>& catalog = models::ModelCatalog();
  if (options.json) {
    PrintLine(absl::StrCat(R"({"models": [)",
                           absl::StrJoin(catalog, ", ", [](std::string* out, const auto& entry) { out->append(JsonOf(entry)); }), "]}"));
    return absl::OkStatus();
  }
  size_t width = 4;
  for (const auto& entry : catalog) width = std::max(width, entry.name.size());
  PrintLine(absl::StrFormat("%-*s  PARAMETERS  GMACS  INPUT", static_cast<int>(width), "NAME"));
  for (const auto& entry : catalog) {
    PrintLine(absl::StrFormat("%-*s  %-10s  %-5.2f  %dx%d", static_cast<int>(width), entry.name,
                              absl::StrFormat("%.2fM", static_cast<double>(models::ParameterCount(entry.sizes)) / 1e6),
                              models::MacCount(entry.sizes) / 1e9, entry.sizes.img_size(), entry.sizes.img_size()));
  }
  return absl::OkStatus();
}

}  // namespace deit::tasks
