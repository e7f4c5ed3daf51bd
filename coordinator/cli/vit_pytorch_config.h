// The config.json beside exported weights of vit-pytorch's students: the class that takes them, and its arguments.
#pragma once

#include <string>

#include "proto/spec.pb.h"

namespace deit::cli {

// For a resolved job with a student of vit-pytorch's (models::IsVitPytorch). Pure.
// library "vit-pytorch", architecture (the class in vit_pytorch), num_classes, model_args (its keywords), transformer (architecture and
// model_args of the object that vit_pytorch.efficient.ViT takes as such; others have none), pretrained_cfg as timm's. docs/formats.md.
std::string VitPytorchConfig(const v1::JobSpec& job);

}  // namespace deit::cli
