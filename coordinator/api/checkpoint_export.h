// One checkpoint as a folder that Python loads: model.safetensors (whole model, timm's names) and config.json. vit-pytorch's students
// have its names, and in model_distillation.safetensors what belongs to its DistillWrapper.
#pragma once

#include <string>

#include "common/base/status.h"
#include "common/files/file_system.h"
#include "proto/checkpoints.pb.h"

namespace deit::api {

// Verifies the checkpoint, then writes into the folder `output`, which is made if missing; files of these names are replaced. `ema`:
// the averaged weights instead of the trained ones. The architecture comes from config.textproto in `run_folder`. Sets everything of
// the answer but `step`.
StatusOr<v1::CheckpointExport> ExportCheckpoint(files::FileSystem& fs, const std::string& run_folder, const std::string& checkpoint_folder,
                                                const std::string& output, bool ema);

}  // namespace deit::api
