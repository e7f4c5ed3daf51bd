// Writes the exact pixels that steps train on: contact sheets, pixels.safetensors, views.jsonl.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/status.h"
#include "common/dataset/index.h"
#include "common/files/file_system.h"
#include "common/plan/sampler.h"
#include "proto/spec.pb.h"
#include "worker/data/view_source.h"

namespace deit::preview {

inline constexpr uint64_t kMaxPixelBytes = uint64_t{4} << 30;  // of pixels.safetensors, which is made in memory

struct PreviewOptions {
  uint64_t begin = 0, end = 0;  // steps [begin, end)
  std::string output;           // folder, made if it is not there; files of the same name are replaced
};

// Writes output/pixels.safetensors (x: fp32 [views, C, S, S]; position: int64 [views]), output/views.jsonl (one line per view; both in order of
// position) and output/step_SSSSSSSS_lane_L.png for each micro-batch (docs/formats.md). Views are rendered and mixed by the loader that
// training uses. Errors: as the views'; InvalidArgument (no step, too many pixels); those of writing.
Status WritePreview(files::FileSystem& fs, const v1::JobSpec& spec, const dataset::Index& index, const data::ViewSource& views,
                    const plan::Sampler& sampler, const PreviewOptions& options);

}  // namespace deit::preview
