// The config.json of exported weights of vit-pytorch's students: the class that takes them, and its arguments.
#pragma once

#include "proto/exported_model.pb.h"
#include "proto/spec.pb.h"

namespace deit::api {

// For a resolved job with a student of vit-pytorch's (models::IsVitPytorch); docs/formats.md has the keys. Pure.
v1::VitPytorchConfig VitPytorchConfig(const v1::JobSpec& job);

}  // namespace deit::api
