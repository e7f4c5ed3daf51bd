// Answers about job files. All mistakes of a job file come in one InvalidArgument; NotFound: no such file (common/spec/load.h).
#pragma once

#include <string>
#include <vector>

#include "common/base/status.h"
#include "proto/config_report.pb.h"
#include "proto/spec.pb.h"

namespace deit::api {

// `file`: textproto, or JSON by suffix. `overrides`: path=value, applied in order.
StatusOr<v1::ConfigCheck> CheckConfig(const std::string& file, const std::vector<std::string>& overrides);

// The resolved job: every field filled in, paths absolute.
StatusOr<v1::JobSpec> ShowConfig(const std::string& file, const std::vector<std::string>& overrides);

// The fields that differ between two job files, with the overrides applied to both. File names are no difference.
StatusOr<v1::ConfigDiff> DiffConfig(const std::string& before, const std::string& after, const std::vector<std::string>& overrides);

// Digest of the RESULT fields alone, 16 hex digits: it compares job files, not runs, because weights and data are not read. Pure.
std::string FieldsDigest(const v1::JobSpec& job);

}  // namespace deit::api
