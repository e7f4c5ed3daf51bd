// One checkpoint set as a folder that timm loads: model.safetensors (whole model, timm's names) and config.json.
#pragma once

#include <string>

#include "common/checkpoint/set_reader.h"
#include "common/files/file_system.h"

namespace deit::cli {

struct ExportOptions {
  std::string output;  // folder, made if missing; files of these names are replaced
  bool ema = false;    // the averaged weights instead of the trained ones
};

struct Exported {
  uint64_t tensors = 0;
  uint64_t bytes = 0;       // of model.safetensors
  bool has_config = false;  // false: a model that timm does not have
};

// Verifies the set, then writes. The architecture comes from config.textproto in `run_folder`.
StatusOr<Exported> ExportSet(files::FileSystem& fs, const std::string& run_folder, const std::string& set_folder,
                             const ExportOptions& options);

}  // namespace deit::cli
