#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "common/base/log.h"
#include "common/json/message_json.h"
#include "common/models/model_catalog.h"
#include "proto/model_list.pb.h"
#include "worker/tasks/tasks.h"

namespace deit::tasks {
namespace {

v1::ModelList ListModels() {
  v1::ModelList list;
  for (const models::CatalogEntry& entry : models::ModelCatalog()) {
    v1::ModelEntry& model = *list.add_models();
    model.set_name(entry.name);
    model.set_parameters(models::ParameterCount(entry.sizes));
    model.set_macs(std::llround(models::MacCount(entry.sizes)));
    model.set_img_size(entry.sizes.img_size());
  }
  return list;
}

void PrintTable(const v1::ModelList& list) {
  size_t width = 4;
  for (const v1::ModelEntry& model : list.models()) width = std::max(width, model.name().size());
  PrintLine(absl::StrFormat("%-*s  PARAMETERS  GMACS  INPUT", static_cast<int>(width), "NAME"));
  for (const v1::ModelEntry& model : list.models()) {
    PrintLine(absl::StrFormat("%-*s  %-10s  %-5.2f  %dx%d", static_cast<int>(width), model.name(),
                              absl::StrFormat("%.2fM", static_cast<double>(model.parameters()) / 1e6),
                              static_cast<double>(model.macs()) / 1e9, model.img_size(), model.img_size()));
  }
}

}  // namespace

Status Models(const Options& options) {
  const v1::ModelList list = ListModels();
  if (options.json) PrintLine(json::ToSpacedJsonLine(list));
  else PrintTable(list);
  return absl::OkStatus();
}

}  // namespace deit::tasks
