// Reads each weights file of a folder and writes what it holds as safetensors: tests/parity compares it with what torch and safetensors read.
// usage: read_weights FOLDER
// FOLDER/N/path.txt has the path of the weights: their tensors as they are stored go to FOLDER/N/stored.safetensors, and those of the model of
// FOLDER/N/job.textproto, if there is one, in fp32 to FOLDER/N/model.safetensors; what cannot be read is told in FOLDER/N/error.txt.
#include <filesystem>
#include <fstream>
#include <vector>

#include "common/base/status.h"
#include "common/models/model_tensors.h"
#include "common/spec/load.h"
#include "tests/support/case_folders.h"
#include "worker/weights/weights_file.h"

namespace deit::weights {
namespace {

namespace fs = std::filesystem;
using checkpoint::Dtype;
using checkpoint::TensorData;

Status Write(const std::string& path, const std::vector<TensorData>& tensors) {
  return checkpoint::WriteSafetensors(files::FileSystem::Posix(), path, tensors, {{"format", "pt"}}).status();
}

Status WriteStored(const std::string& weights, const std::string& path) {
  DEIT_ASSIGN_OR_RETURN(const StoredWeights stored, OpenStored(weights));
  std::vector<std::vector<char>> contents;
  std::vector<TensorData> tensors;
  for (const StoredTensor& tensor : stored.tensors) {
    contents.emplace_back(tensor.info.bytes);
    DEIT_RETURN_IF_ERROR(tensor.read(contents.back().data()));
    tensors.push_back({tensor.info.name, tensor.info.dtype, tensor.info.shape, contents.back().data(), tensor.info.bytes});
  }
  return Write(path, tensors);
}

Status WriteModel(const std::string& weights, const v1::ModelSpec& model, const std::string& path) {
  const std::vector<models::TensorSpec> specs = models::TensorsOf(model);
  DEIT_ASSIGN_OR_RETURN(const auto file, WeightsFile::Open(weights, specs, PlanOptionsOf(model)));
  std::vector<std::vector<float>> contents;
  std::vector<TensorData> tensors;
  for (size_t t = 0; t < specs.size(); ++t) {
    if (specs[t].role == models::TensorRole::kBatchesTracked) continue;
    std::vector<float>& content = contents.emplace_back(static_cast<size_t>(specs[t].size()));
    DEIT_RETURN_IF_ERROR(file.Read(t, content.data()));
    tensors.push_back(
        {specs[t].name, Dtype::kF32, {specs[t].shape.begin(), specs[t].shape.end()}, content.data(), content.size() * sizeof(float)});
  }
  return Write(path, tensors);
}

Status Read(const fs::path& folder) {
  std::string weights;
  std::getline(std::ifstream(folder / "path.txt"), weights);
  DEIT_RETURN_IF_ERROR(WriteStored(weights, folder / "stored.safetensors"));
  if (!fs::exists(folder / "job.textproto")) return absl::OkStatus();
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec job, spec::LoadSpec(folder / "job.textproto", {}));
  return WriteModel(weights, job.model(), folder / "model.safetensors");
}

Status ReadCase(const fs::path& folder) {
  const Status status = Read(folder);
  if (!status.ok()) std::ofstream(folder / "error.txt") << status.message();
  return absl::OkStatus();
}

}  // namespace
}  // namespace deit::weights

int main(int argc, char** argv) { return deit::testing::ReadCases(argc, argv, deit::weights::ReadCase); }
