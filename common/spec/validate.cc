#include "common/spec/validate.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "common/base/numbers.h"
#include "common/models/model_catalog.h"
#include "common/spec/rand_augment.h"

namespace deit::spec {
namespace {

using Teacher = v1::TeacherSpec;
using Distillation = v1::DistillationSpec;

void CheckName(const v1::JobSpec& spec, Problems* problems) {
  const std::string& name = spec.name();
  const bool control = std::any_of(name.begin(), name.end(), [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
  if (control || name.find('/') != std::string::npos || name == "." || name == "..") {
    problems->Add("name", "want a name that can be a folder's: without \"/\" and control characters");
  } else if (name.size() > 200) {
    problems->Add("name", absl::StrCat(name.size(), " bytes: want at most 200, it names the run folder"));
  }
}

void CheckDevice(const v1::JobSpec& spec, Problems* problems) {
  if (spec.device() == v1::CUDA) problems->Add("device", "CUDA: not in this version: want CPU until the CUDA plug-in exists");
}

// Lanes are a power of two that divides the batch; a batch below the lanes is told with the lanes that would fit.
void CheckBatch(const v1::JobSpec& spec, Problems* problems) {
  const int lanes = spec.train().lanes(), batch = spec.train().batch_size();
  if (!std::has_single_bit(static_cast<unsigned>(lanes))) {
    const auto floor = std::bit_floor(static_cast<unsigned>(lanes));
    return problems->Add("train.lanes", absl::StrCat(lanes, ": want a power of two, such as ", floor, " or ", 2 * floor));
  }
  if (batch % lanes == 0) return;
  const int below = batch / lanes * lanes;
  const std::string near = below == 0 ? absl::StrCat(lanes) : absl::StrCat(below, " or ", below + lanes);
  const auto fitting = std::min(static_cast<unsigned>(lanes), static_cast<unsigned>(batch) & -static_cast<unsigned>(batch));
  problems->Add("train.batch_size",
                absl::StrCat(batch, ": not divisible by train.lanes ", lanes, ": set it to ", near, ", or train.lanes to ", fitting));
}

// Batch norm divides by the number of values less one.
void CheckBatchNorm(const v1::JobSpec& spec, Problems* problems) {
  const int lanes = spec.train().lanes(), batch = spec.train().batch_size();
  if (batch != lanes || models::FewestNormalisedPixels(models::NetworkOf(spec.model())) != 1) return;
  problems->Add("train.batch_size",
                absl::StrCat(batch, ": each of ", lanes, " lanes has one image, of which ", spec.model().name(),
                             " leaves one pixel at img_size ", spec.model().img_size(), ": batch norm needs two: set it to ", 2 * batch));
}

// Pictures are gray or RGB.
void CheckChannels(const v1::JobSpec& spec, Problems* problems) {
  if (spec.model().in_chans() == 2) problems->Add("model.in_chans", "2: pictures have 1 channel (gray) or 3 (RGB)");
}

void CheckPerChannel(const char* path, int values, const v1::JobSpec& spec, Problems* problems) {
  const int channels = spec.model().in_chans();
  if (values != channels) problems->Add(path, absl::StrCat(values, " values: want 1, or one for each of model.in_chans ", channels));
}

// What weighs or counts labels says nothing where none is learned.
void CheckLabels(const v1::JobSpec& spec, Problems* problems) {
  const Distillation& distillation = spec.distillation();
  if (distillation.labels()) return;
  if (distillation.type() == Distillation::NONE) {
    problems->Add("distillation.labels", "false: without a teacher there is nothing else to learn from: want true");
  } else if (distillation.alpha() != Distillation::default_instance().alpha()) {
    problems->Add("distillation.alpha",
                  absl::StrCat(RoundTripText(distillation.alpha()),
                               ": weighs the teacher against labels, which distillation.labels leaves out: leave it unset"));
  } else if (spec.data().labelled() > 0) {
    problems->Add("data.labelled", absl::StrCat(spec.data().labelled(), ": distillation.labels leaves out all of them: leave it unset"));
  }
}

void CheckDistillation(const v1::JobSpec& spec, Problems* problems) {
  const bool has_teacher = spec.teacher().schedule() != Teacher::NONE;
  const Distillation::Type type = spec.distillation().type();
  if (type == Distillation::NONE) {
    if (models::FindModel(spec.model().name()) != nullptr && spec.model().distillation_token()) {
      problems->Add("model.distillation_token", "true: nothing trains it without a teacher: want false, or leave it unset");
    }
    if (has_teacher) {
      problems->Add("distillation.type",
                    "NONE: but the job has a teacher: set it to HARD or SOFT, or teacher.schedule to NONE to train without");
    }
    return;
  }
  if (has_teacher) return;
  problems->Add("distillation.type", absl::StrCat(Distillation::Type_Name(type),
                                                  ": needs a teacher: set teacher.model.name and teacher.weights, or the type to NONE"));
}

void CheckSchedule(const Teacher& teacher, Problems* problems) {
  if (teacher.schedule() != Teacher::AHEAD && teacher.schedule() != Teacher::CACHED) return;
  problems->Add("teacher.schedule", absl::StrCat(Teacher::Schedule_Name(teacher.schedule()), ": not in this version: want INLINE or AUTO"));
}

void CheckRecord(const v1::JobSpec& spec, Problems* problems) {
  const Teacher& teacher = spec.teacher();
  if (spec.distillation().type() == Distillation::SOFT && teacher.record() == Teacher::ARGMAX) {
    problems->Add("teacher.record", "ARGMAX: SOFT distillation needs probabilities: want TOPK, DENSE_FP16 or DENSE_FP32");
  }
  if (teacher.topk() > spec.model().num_classes()) {
    problems->Add("teacher.topk", absl::StrCat(teacher.topk(), ": more than model.num_classes ", spec.model().num_classes()));
  }
}

// Teacher and student speak of the same classes, and their pixels have the same channels.
void CheckTeacherFits(const v1::ModelSpec& student, const v1::ModelSpec& teacher, Problems* problems) {
  const auto same = [&](const char* field, int theirs, int ours) {
    if (theirs == ours) return;
    problems->Add(absl::StrCat("teacher.model.", field),
                  absl::StrCat(theirs, ": differs from model.", field, " ", ours, ": want the same, or leave it unset"));
  };
  same("num_classes", teacher.num_classes(), student.num_classes());
  same("in_chans", teacher.in_chans(), student.in_chans());
}

void CheckTeacher(const v1::JobSpec& spec, Problems* problems) {
  const Teacher& teacher = spec.teacher();
  if (teacher.schedule() == Teacher::NONE) return;
  if (teacher.weights().empty()) problems->Add("teacher.weights", "not set: want the teacher's safetensors file or checkpoint folder");
  if (!teacher.model().init_from().empty()) {
    problems->Add("teacher.model.init_from", "a teacher is not trained: want its file in teacher.weights");
  }
  for (const int adaptation : teacher.model().adapt()) {
    if (adaptation == v1::ModelSpec::POSITIONS) continue;
    problems->Add("teacher.model.adapt", absl::StrCat(v1::ModelSpec::Adaptation_Name(static_cast<v1::ModelSpec::Adaptation>(adaptation)),
                                                      ": the teacher is frozen: only POSITIONS can be adapted, not HEAD or DISTILLATION"));
  }
  CheckSchedule(teacher, problems);
  CheckRecord(spec, problems);
  CheckTeacherFits(spec.model(), teacher.model(), problems);
  if (!teacher.mean().empty()) CheckPerChannel("teacher.mean", teacher.mean_size(), spec, problems);
  if (!teacher.std().empty()) CheckPerChannel("teacher.std", teacher.std_size(), spec, problems);
}

// "jpg;png" and "json:annotation.label".
void CheckSampleKeys(const v1::DataSpec& data, Problems* problems) {
  const auto is_key = [](absl::string_view key) {
    return !key.empty() && key.find_first_of("/:; \t") == absl::string_view::npos && key.front() != '.' && key.back() != '.';
  };
  const std::vector<absl::string_view> inputs = absl::StrSplit(data.input_key(), ';');
  if (!data.input_key().empty() && !std::all_of(inputs.begin(), inputs.end(), is_key)) {
    problems->Add("data.input_key",
                  absl::StrCat("\"", data.input_key(), "\": want what follows the first dot of a name, such as \"jpg;png\""));
  }
  const std::vector<absl::string_view> target = absl::StrSplit(data.target_key(), absl::MaxSplits(':', 1));
  const std::vector<absl::string_view> fields = absl::StrSplit(target.back(), '.');
  const bool has_fields = std::none_of(fields.begin(), fields.end(), [](absl::string_view field) { return field.empty(); });
  if (!is_key(target[0]) || !has_fields) {
    problems->Add("data.target_key", absl::StrCat("\"", data.target_key(), "\": want \"cls\", \"txt\" or \"json:FIELD\""));
  }
}

void CheckData(const v1::JobSpec& spec, Problems* problems) {
  const v1::DataSpec& data = spec.data();
  if (data.format() != v1::DataSpec::SYNTHETIC && data.root().empty()) {
    const char* what = data.format() == v1::DataSpec::IDX     ? "the folder of the four *-ubyte[.gz] files"
                       : data.format() == v1::DataSpec::CIFAR ? "the folder of the *.bin files"
                       : data.format() == v1::DataSpec::TAR   ? "the folder of the shards, in train/ and val/"
                                                              : "the folder with train/ and val/";
    problems->Add("data.root", absl::StrCat("not set: ", v1::DataSpec::Format_Name(data.format()), " needs ", what));
  }
  if (data.max_images() > 0 && data.labelled() > data.max_images()) {
    problems->Add("data.labelled", absl::StrCat(data.labelled(), ": more than data.max_images ", data.max_images()));
  }
  if (data.labelled() > 0 && data.on_bad_image() == v1::DataSpec::REPLACE) {
    problems->Add("data.on_bad_image", "REPLACE: would show labels that data.labelled hides: want FAIL");
  }
  CheckSampleKeys(data, problems);
  CheckPerChannel("data.mean", data.mean_size(), spec, problems);
  CheckPerChannel("data.std", data.std_size(), spec, problems);
}

void CheckOrdered(absl::string_view low, double low_value, absl::string_view high, double high_value, Problems* problems) {
  if (low_value <= high_value) return;
  problems->Add(std::string(low), absl::StrCat(RoundTripText(low_value), ": more than ", high, " ", RoundTripText(high_value)));
}

void CheckMixing(const v1::JobSpec& spec, Problems* problems) {
  const v1::AugmentSpec& augment = spec.augment();
  if (augment.cutmix_minmax_size() == 2) {
    CheckOrdered("augment.cutmix_minmax", augment.cutmix_minmax(0), "its second value", augment.cutmix_minmax(1), problems);
  } else if (augment.cutmix_minmax_size() != 0) {
    problems->Add("augment.cutmix_minmax", absl::StrCat(augment.cutmix_minmax_size(), " values: want two, such as [0.2, 0.8]"));
  }
  const char* mixes = augment.mixup() > 0                ? "augment.mixup"
                      : augment.cutmix() > 0             ? "augment.cutmix"
                      : augment.cutmix_minmax_size() > 0 ? "augment.cutmix_minmax"
                                                         : nullptr;
  const int lanes = spec.train().lanes(), batch = spec.train().batch_size();
  if (mixes == nullptr || batch % lanes != 0 || batch / lanes % 2 == 0) return;
  problems->Add(mixes, absl::StrCat("views mix in pairs inside a micro-batch, which has ", batch / lanes,
                                    " (train.batch_size / train.lanes): want an even number"));
}

void CheckAugment(const v1::JobSpec& spec, Problems* problems) {
  const v1::AugmentSpec& augment = spec.augment();
  CheckOrdered("augment.scale_min", augment.scale_min(), "augment.scale_max", augment.scale_max(), problems);
  CheckOrdered("augment.ratio_min", augment.ratio_min(), "augment.ratio_max", augment.ratio_max(), problems);
  if (!augment.aa().empty()) {
    if (const Status status = ParseRandAugment(augment.aa()).status(); !status.ok()) problems->Add("augment.aa", status.message());
    const bool rotates = augment.interpolation() != v1::AugmentSpec::BOX && augment.interpolation() != v1::AugmentSpec::LANCZOS;
    if (!rotates) {
      problems->Add("augment.interpolation", absl::StrCat(v1::AugmentSpec::Interpolation_Name(augment.interpolation()),
                                                          ": augment.aa rotates and shears: want BICUBIC, BILINEAR or RANDOM"));
    }
  }
  if (spec.evaluate().interpolation() == v1::AugmentSpec::RANDOM) {
    problems->Add("evaluate.interpolation", "RANDOM: an evaluation is the same each time: want BILINEAR, BICUBIC, BOX or LANCZOS");
  }
  CheckMixing(spec, problems);
}

void CheckTraining(const v1::JobSpec& spec, Problems* problems) {
  constexpr absl::string_view kOptimizers[] = {"adamw", "lamb", "sgd", "momentum"};
  const std::string& opt = spec.optimizer().opt();
  if (std::count(std::begin(kOptimizers), std::end(kOptimizers), opt) == 0) {
    problems->Add("optimizer.opt", absl::StrCat("\"", opt, "\": not in this version: want adamw, lamb, sgd or momentum"));
  }
  const std::string& sched = spec.schedule().sched();
  if (sched != "cosine") problems->Add("schedule.sched", absl::StrCat("\"", sched, "\": not in this version: want \"cosine\""));
  if (spec.train().bce_loss() && spec.train().smoothing() > 0) {
    problems->Add("train.smoothing", absl::StrCat(RoundTripText(spec.train().smoothing()),
                                                  ": train.bce_loss asks of each class yes or no, nothing in between: want 0"));
  }
  CheckOrdered("schedule.warmup_epochs", spec.schedule().warmup_epochs(), "train.epochs", spec.train().epochs(), problems);
}

}  // namespace

void Validate(const v1::JobSpec& resolved, Problems* problems) {
  CheckName(resolved, problems);
  CheckDevice(resolved, problems);
  CheckBatch(resolved, problems);
  CheckChannels(resolved, problems);
  if (models::FindModel(resolved.model().name()) != nullptr) CheckBatchNorm(resolved, problems);
  CheckDistillation(resolved, problems);
  CheckLabels(resolved, problems);
  CheckTeacher(resolved, problems);
  CheckData(resolved, problems);
  CheckAugment(resolved, problems);
  CheckTraining(resolved, problems);
}

}  // namespace deit::spec
