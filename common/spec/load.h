// Loads a job file and overrides into a resolved, valid spec. Every program uses it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "proto/spec.pb.h"

namespace deit::spec {

struct LoadOptions {
  std::string working_folder;          // absolute: overrides' relative paths and the default run_dir start here; empty: the current folder
  std::string default_name;            // of a job that has none; empty: the file's name without suffix, or "job"
  size_t max_bytes = size_t{1} << 20;  // of a job file
};

// Reads a job file: textproto, or JSON where the name ends in ".json" (fields under their proto names); then applies "path=value" words in
// order, fills in what depends on other fields (resolve.h), and checks the rules between fields (validate.h). An empty `path` is a
// job of overrides alone.
//
// All mistakes come in one InvalidArgument, one line each ("job.textproto:3:15: error: train.epochs: 0: out of range: want 1 to 1000000",
// overrides: "command line: error: ..."), exit code 64 (deit-coord: 7), to be shown with LogFailure. A file that cannot be
// read: NotFound; one of more than max_bytes: InvalidArgument.
//
// Relative paths in the file are relative to its folder, in overrides to working_folder; in the result all are absolute. A file
// that holds a resolved spec (a run folder's config.textproto) loads to the same spec again.
StatusOr<v1::JobSpec> LoadSpec(const std::string& path, const std::vector<std::string>& overrides, const LoadOptions& options = {});

// The same for the content of a file at `path` (which may be empty).
StatusOr<v1::JobSpec> ParseSpec(absl::string_view content, const std::string& path, const std::vector<std::string>& overrides,
                                const LoadOptions& options = {});

// A spec as a job file: textproto, or JSON under proto names. Numbers round-trip.
std::string SpecText(const v1::JobSpec& spec);
std::string SpecJson(const v1::JobSpec& spec);

}  // namespace deit::spec
