// The samples of a WebDataset shard: members side by side that share a name up to its first dot, one of which is the picture and another one
// the label. https://github.com/webdataset/webdataset
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "common/dataset/tar_members.h"
#include "proto/spec.pb.h"

namespace deit::dataset {

// Which members count, and what labels mean. Keys of members are what follows the first dot of the name, in lower case.
struct SampleRules {
  std::vector<std::string> inputs;                   // of the picture, in the order of preference; empty: every picture's ending
  std::string target;                                // of the label
  std::vector<std::string> field;                    // in the label's member, an object; empty: the member is the label itself
  std::unordered_map<std::string, int32_t> classes;  // labels by name; kAmbiguous of a name that several have

  static constexpr int32_t kAmbiguous = -1;
};

// data.input_key and data.target_key, which the spec's validation has seen. `classes`: names by label, as far as they are known.
SampleRules RulesOf(const v1::DataSpec& data, const std::vector<std::string>& classes);

struct TarSample {
  TarMember image;
  int32_t label = 0;
};

// In the order of their pictures. Samples with neither a label nor a picture are left out, and so are members that belong to no sample: hidden
// files, names without a dot, and webdataset's notes ("__meta__/..."). Errors: those of ReadTarMembers, and DataLoss, naming path and sample,
// for a picture without a label or a label without a picture, a sample of several pictures none of which the rules prefer, a member that is a
// link out of the shard, and a label that is no number and no class's name.
absl::StatusOr<std::vector<TarSample>> ReadTarSamples(const std::string& path, const SampleRules& rules);

}  // namespace deit::dataset
