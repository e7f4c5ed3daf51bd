#include <set>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/models/model_catalog.h"
#include "common/models/model_tensors.h"
#include "tests/fuzz/fuzz_target.h"
#include "worker/weights/weights_plan.h"

namespace {

using deit::checkpoint::TensorInfo;

struct Model {
  deit::weights::PlanOptions options;
  std::vector<deit::models::TensorSpec> tensors;
};

// A model of each set of names, and one with counted batches.
const std::vector<Model>& Models() {
  static const auto* const models = [] {
    auto* made = new std::vector<Model>;
    for (const char* name : {"deit_distilled", "vit", "convnet", "distillable_vit"}) {
      deit::v1::ModelSpec model;
      model.set_name(name);
      model.set_num_classes(2);
      if (std::string(name) != "convnet") {
        model.set_img_size(32);
        model.set_patch_size(8);
        model.set_embed_dim(32);
        model.set_num_heads(2);
        model.set_depth(1);
      }
      const auto resolved = deit::models::ResolveModel(model);
      DEIT_CHECK(resolved.ok(), name, ": ", resolved.status().message());
      made->push_back({deit::weights::PlanOptionsOf(*resolved), deit::models::TensorsOf(*resolved)});
    }
    return made;
  }();
  return *models;
}

// One tensor a line: "NAME 2x3", or "NAME" of a scalar.
std::vector<TensorInfo> FileOf(const std::string& lines) {
  std::vector<TensorInfo> file;
  for (const absl::string_view line : absl::StrSplit(lines, '\n', absl::SkipWhitespace())) {
    const size_t blank = line.find(' ');
    TensorInfo info;
    info.name = std::string(line.substr(0, blank));
    info.elements = 1;
    for (const absl::string_view word : absl::StrSplit(blank == absl::string_view::npos ? "" : line.substr(blank + 1), 'x')) {
      uint64_t side = 0;
      if (absl::SimpleAtoi(word, &side)) info.shape.push_back(side);
    }
    for (const uint64_t side : info.shape) info.elements *= side;
    file.push_back(info);
  }
  return file;
}

}  // namespace

// The names and shapes of a weights file. A plan without problems has for each tensor of the model those of the file that are its own.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<TensorInfo> file = FileOf(deit::testing::Content(data, size));
  for (const auto& [defaults, tensors] : Models()) {
    for (const bool adapts : {false, true}) {
      deit::weights::PlanOptions options = defaults;
      options.positions = options.head = options.distillation = adapts;
      const deit::weights::Plan plan = deit::weights::PlanWeights(file, tensors, options);
      DEIT_CHECK(plan.sources.size() == tensors.size());
      if (!plan.problems.empty()) continue;
      std::set<size_t> taken;
      for (size_t t = 0; t < tensors.size(); ++t) {
        uint64_t elements = 0;
        for (const size_t place : plan.sources[t].places) {
          DEIT_CHECK(place < file.size() && taken.insert(place).second, tensors[t].name, ": place ", place);
          elements += file[place].elements;
        }
        const bool is_whole = plan.sources[t].origin == deit::weights::Origin::kFile;
        DEIT_CHECK(!is_whole || elements == static_cast<uint64_t>(tensors[t].size()), tensors[t].name, ": elements=", elements);
      }
    }
  }
  return 0;
}
