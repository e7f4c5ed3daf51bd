// Description of one view, for views.jsonl and for the caption under its image.
#pragma once

#include <string>
#include <vector>

#include "common/dataset/index.h"
#include "proto/preview.pb.h"
#include "proto/spec.pb.h"
#include "worker/data/micro_batch.h"
#include "worker/data/view_source.h"

namespace deit::preview {

// Of view `slot` of `batch`, which was rendered (and mixed) as `description` says. `spec` is resolved.
v1::PreviewView MakeViewRecord(const v1::JobSpec& spec, const dataset::Index& index, const data::MicroBatch& batch, size_t slot,
                               const data::ViewDescription& description);

// Class name (both, where views are mixed), then position and image, then one line for each thing that was done.
std::vector<std::string> Captions(const v1::PreviewView& record, const std::string& partner_class);

}  // namespace deit::preview
