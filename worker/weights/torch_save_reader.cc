#include "worker/weights/torch_save_reader.h"

#include <exception>
#include <optional>

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/import_read.h>

#include "absl/strings/str_split.h"
#include "common/checkpoint/torch_save_format.h"

namespace deit::weights {
namespace {

constexpr const char* kNested[] = {"model", "state_dict"};
constexpr const char* kNoDictionary = "not a plain dictionary of tensors";

// LibTorch's sentence without its stack.
std::string FirstLine(const std::exception& error) { return std::vector<std::string>(absl::StrSplit(error.what(), '\n'))[0]; }

c10::IValue Read(const std::string& path) {
  caffe2::serialize::PyTorchStreamReader reader(path);
  c10::IValue value = torch::jit::readArchiveAndTensors("data", "", "", std::nullopt, std::nullopt, at::kCPU, reader);
  for (const char* key : kNested) {
    if (!value.isGenericDict()) break;
    const auto dictionary = value.toGenericDict();
    const auto found = dictionary.find(key);
    if (found != dictionary.end() && found->value().isGenericDict()) return found->value();
  }
  return value;
}

}  // namespace

StatusOr<std::vector<NamedTensor>> ReadTorchSave(const std::string& path) {
  std::vector<NamedTensor> tensors;
  try {
    const c10::IValue value = Read(path);
    if (!value.isGenericDict()) return checkpoint::WantsConversion(path, kNoDictionary);
    for (const auto& entry : value.toGenericDict()) {
      if (!entry.key().isString() || !entry.value().isTensor()) return checkpoint::WantsConversion(path, kNoDictionary);
      tensors.push_back({entry.key().toStringRef(), entry.value().toTensor().contiguous()});
    }
  } catch (const std::exception& error) {
    return checkpoint::WantsConversion(path, absl::StrCat("which LibTorch cannot read: ", FirstLine(error)));
  }
  return tensors;
}

}  // namespace deit::weights
