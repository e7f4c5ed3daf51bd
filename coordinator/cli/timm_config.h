// The config.json beside exported weights, from which timm.create_model('local-dir:FOLDER', pretrained=True) rebuilds the model
// (timm 1.0: timm/models/_hub.py, _parse_model_cfg: architecture, model_args, pretrained_cfg).
#pragma once

#include <optional>
#include <string>

#include "proto/spec.pb.h"

namespace deit::cli {

// For a resolved job. Families of any size become timm's nearest architecture with their sizes as model_args; nothing for a model that
// timm does not have (convnet) or takes no sizes of (RegNet and EfficientNet of sizes that are not published, ResNet of other than four
// stages). Pure.
std::optional<std::string> TimmConfig(const v1::JobSpec& job);

// The entries of pretrained_cfg that say what evaluation makes of a picture: mean, std, interpolation, crop_pct.
std::string PixelsOf(const v1::JobSpec& job);

}  // namespace deit::cli
