#include "worker/preview/view_record.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "common/plan/job_sampler.h"

namespace deit::preview {
namespace {

void SetBox(const pixels::Rectangle& from, v1::PreviewBox* box) {
  box->set_left(from.left);
  box->set_top(from.top);
  box->set_width(from.width);
  box->set_height(from.height);
}

const char* NameOf(pixels::Filter filter) {
  switch (filter) {
    case pixels::Filter::kNearest: return "nearest";
    case pixels::Filter::kBilinear: return "bilinear";
    case pixels::Filter::kBicubic: return "bicubic";
    case pixels::Filter::kBox: return "box";
    case pixels::Filter::kLanczos: return "lanczos";
  }
  return "";
}

void SetFraming(const augment::ViewParameters& parameters, v1::PreviewView* record) {
  const augment::Framing& framing = parameters.framing;
  SetBox(framing.crop, record->mutable_crop());
  record->set_scaled_width(framing.width);
  record->set_scaled_height(framing.height);
  record->set_filter(NameOf(parameters.filter));
  record->set_left(framing.left);
  record->set_top(framing.top);
  record->set_flip(framing.flip);
}

void SetOperations(const augment::ViewParameters& parameters, v1::PreviewView* record) {
  for (const augment::Operation& operation : parameters.operations) {
    v1::PreviewOperation* said = record->add_operations();
    said->set_name(std::string(operation.kind->name));
    if (operation.kind->argument != nullptr) said->set_argument(operation.argument);
    if (operation.kind->moves_pixels) said->set_filter(NameOf(operation.filter));
  }
}

void SetMix(const data::MicroBatch& batch, size_t slot, v1::PreviewView* record) {
  if (batch.mixes.empty() || batch.mixes[slot].kind == augment::Mix::Kind::kNone) return;
  const augment::Mix& mix = batch.mixes[slot];
  v1::PreviewMix* said = record->mutable_mix();
  const bool cuts = mix.kind == augment::Mix::Kind::kCutmix;
  said->set_kind(cuts ? "cutmix" : "mixup");
  said->set_keep(mix.keep);
  said->set_take(mix.take);
  said->set_partner(static_cast<int64_t>(batch.views[batch.views.size() - 1 - slot].position));
  if (cuts) SetBox(mix.box, said->mutable_box());
}

}  // namespace

v1::PreviewView MakeViewRecord(const v1::JobSpec& spec, const dataset::Index& index, const data::MicroBatch& batch, size_t slot,
                               const data::ViewDescription& description) {
  const plan::View& view = batch.views[slot];
  v1::PreviewView record;
  record.set_position(static_cast<int64_t>(view.position));
  record.set_step(static_cast<int64_t>(batch.step));
  record.set_lane(batch.lane);
  record.set_slot(static_cast<int32_t>(slot));
  record.set_epoch(static_cast<int64_t>(view.epoch));
  record.set_image(static_cast<int64_t>(view.image));
  record.set_shown(description.shown);
  record.set_path(index.path(description.shown));
  if (const int32_t label = batch.labels[slot]; label != data::kUnlabelled) {
    record.set_label(label);
    record.set_class_name(index.classes()[static_cast<size_t>(label)]);
  }
  record.set_width(description.width);
  record.set_height(description.height);
  SetFraming(description.parameters, &record);
  SetOperations(description.parameters, &record);
  for (int c = 0; c < spec.model().in_chans(); ++c) {
    record.add_fill(description.fill[static_cast<size_t>(c)]);
    record.add_mean(static_cast<double>(spec.data().mean(c)));
    record.add_std(static_cast<double>(spec.data().std(c)));
  }
  for (const pixels::Rectangle& box : description.parameters.erasures) SetBox(box, record.add_erasures());
  if (record.erasures_size() > 0) {
    record.set_erased_with(absl::AsciiStrToLower(v1::AugmentSpec::Erasing_Name(spec.augment().remode())));
  }
  record.set_seed(plan::DataSeed(spec));
  SetMix(batch, slot, &record);
  return record;
}

std::vector<std::string> Captions(const v1::PreviewView& record, const std::string& partner_class) {
  const auto name = [](const std::string& known) { return known.empty() ? std::string("(no label)") : known; };
  std::vector<std::string> lines;
  lines.push_back(record.has_mix()
                      ? absl::StrFormat("%s %.0f%% %s", name(record.class_name()), 100 * record.mix().keep(), name(partner_class))
                      : name(record.class_name()));
  lines.push_back(absl::StrFormat("#%d %s%s", record.position(), record.path(), record.flip() ? " flipped" : ""));
  lines.push_back(absl::StrFormat("crop %dx%d of %dx%d", record.crop().width(), record.crop().height(), record.width(), record.height()));
  for (const v1::PreviewOperation& operation : record.operations()) {
    lines.push_back(operation.has_argument() ? absl::StrFormat("%s %.4g", operation.name(), operation.argument()) : operation.name());
  }
  for (const v1::PreviewBox& box : record.erasures()) lines.push_back(absl::StrFormat("erased %dx%d", box.width(), box.height()));
  if (record.has_mix()) lines.push_back(absl::StrFormat("%s with #%d", record.mix().kind(), record.mix().partner()));
  return lines;
}

}  // namespace deit::preview
