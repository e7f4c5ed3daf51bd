// Fills in fields that depend on others, so that the resolved spec is fully explicit.
#pragma once

#include <string>

#include "common/spec/problems.h"
#include "proto/spec.pb.h"

namespace deit::spec {

struct ResolveContext {
  std::string default_name;    // of a job that has none
  std::string working_folder;  // absolute; the default run_dir is runs/NAME beneath it
};

// After this every field that has a default is set, and:
//   model, teacher.model   complete for their family (ResolveModel); teacher.model's num_classes, img_size, in_chans default to the
//                          student's
//   model.distillation_token   where vit-pytorch's students leave it unset: whether the job distils
//   teacher                only `schedule: NONE` where there is no teacher (ask schedule(), not has_teacher()); else AUTO became INLINE and
//                          record DEFAULT became ARGMAX (HARD) or DENSE_FP32 (SOFT); mean and std stay unset, or have in_chans values
//   data.seed              train.seed;  data.mean, data.std: in_chans values each (a single value applies to all)
//   augment.crop           RESIZED (IMAGE_FOLDER, TAR, CIFAR above 32 pixels), else PADDED
//   schedule.warmup_epochs at most a tenth of train.epochs where it was not set; teacher.topk at most num_classes likewise
// Models that cannot be resolved are told.
void Resolve(const ResolveContext& context, v1::JobSpec* spec, Problems* problems);

// Whether views are crops of pictures scaled to any size (DeiT's rule: not up to 32 pixels) rather than whole pictures, padded for training.
// data.format and model.img_size are set.
bool UsesResizedCrop(const v1::JobSpec& spec);

// Whether the spec asks for a teacher: schedule is not NONE, and a teacher's model or weights are given.
bool WantsTeacher(const v1::JobSpec& spec);

}  // namespace deit::spec
