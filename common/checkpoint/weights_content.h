// Weights at a user-supplied path: one safetensors file, or the model files of a folder (a checkpoint, an export).
#pragma once

#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/checkpoint/safetensors.h"

namespace deit::checkpoint {

// `path`: a .safetensors file, or a folder with model*.safetensors, which hold each tensor once (DataLoss otherwise, naming two files).
// NotFound, DataLoss as SafetensorsFile.
StatusOr<std::vector<SafetensorsFile>> OpenWeights(const std::string& path);

// xxh3-64 of all tensors' names, types, shapes and contents, however they are spread over files: what the spec digest takes instead of
// the path. Of a file of torch.save: of its bytes.
StatusOr<uint64_t> WeightsContentDigest(const std::string& path);

// A folder with a manifest is verified, file by file, before any of it is believed; files and other folders are fine here.
Status VerifyIfCheckpoint(const std::string& path);

// "[192, 3, 16, 16]"
std::string ShapeText(const std::vector<uint64_t>& shape);

}  // namespace deit::checkpoint
