// One checkpoint set as a folder that Python loads: model.safetensors (whole model, timm's names) and config.json. vit-pytorch's students
// have its names, and in model_distillation.safetensors what belongs to its DistillWrapper.
#pragma once

#include <string>

#include "common/checkpoint/checkpoint_reader.h"
#include "common/files/file_system.h"

namespace deit::cli {

struct ExportOptions {
  std::string output;  // folder, made if missing; files of these names are replaced
  bool ema = false;    // the averaged weights instead of the trained ones
};

struct Exported {
  uint64_t tensors = 0;
  uint64_t bytes = 0;       // of all files with tensors
  std::string how_to_load;  // a sentence
};

// Verifies the set, then writes. The architecture comes from config.textproto in `run_folder`.
StatusOr<Exported> ExportCheckpoint(files::FileSystem& fs, const std::string& run_folder, const std::string& checkpoint_folder,
                                    const ExportOptions& options);

}  // namespace deit::cli
