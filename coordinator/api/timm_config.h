// The config.json of exported weights, from which timm.create_model('local-dir:FOLDER', pretrained=True) rebuilds the model
// (timm 1.0: timm/models/_hub.py, _parse_model_cfg: architecture, model_args, pretrained_cfg).
#pragma once

#include <optional>

#include "proto/exported_model.pb.h"
#include "proto/spec.pb.h"

namespace deit::api {

// For a resolved job. Families of any size become timm's nearest architecture with their sizes as model_args; nullopt for a model that
// timm does not have (convnet) or takes no sizes of (RegNet and EfficientNet of sizes that are not published, ResNet of other than four
// stages). Pure.
std::optional<v1::TimmConfig> TimmConfig(const v1::JobSpec& job);

// What evaluation makes of a picture: input_size, num_classes, mean, std, interpolation, crop_pct. Pure.
v1::PretrainedConfig PixelsOf(const v1::JobSpec& job);

}  // namespace deit::api
