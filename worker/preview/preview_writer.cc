#include "worker/preview/preview_writer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/out_of_memory.h"
#include "common/checkpoint/safetensors.h"
#include "common/files/operations.h"
#include "common/json/message_json.h"
#include "worker/data/loader.h"
#include "worker/preview/contact_sheet.h"
#include "worker/preview/view_record.h"

namespace deit::preview {
namespace {

// One view's normalised planes as 8-bit samples.
pixels::Image Shown(const v1::JobSpec& spec, const float* planes) {
  pixels::Image image;
  const int size = spec.model().img_size(), channels = spec.model().in_chans();
  image.Reset(size, size, channels == 1 ? 1 : 3);
  const size_t pixels = static_cast<size_t>(size) * static_cast<size_t>(size);
  for (int c = 0; c < image.channels; ++c) {
    const int from = std::min(c, channels - 1);
    for (size_t i = 0; i < pixels; ++i) {
      const float sample = (planes[static_cast<size_t>(from) * pixels + i] * spec.data().std(from) + spec.data().mean(from)) * 255.0f;
      image.pixels[i * static_cast<size_t>(image.channels) + static_cast<size_t>(c)] =
          static_cast<uint8_t>(std::lround(std::clamp(sample, 0.0f, 255.0f)));
    }
  }
  return image;
}

// What has been gathered of the steps so far.
class PreviewWriter {
 public:
  PreviewWriter(files::FileSystem& fs, const v1::JobSpec& spec, const dataset::Index& index, const data::ViewSource& views,
                const PreviewOptions& options)
      : fs_(fs), spec_(spec), index_(index), views_(views), options_(options),
        view_floats_(static_cast<size_t>(views.channels()) * static_cast<size_t>(views.size()) * static_cast<size_t>(views.size())) {}

  Status Reserve() {
    const auto batch = static_cast<uint64_t>(spec_.train().batch_size());
    const uint64_t view_bytes = view_floats_ * sizeof(float), most = kMaxPixelBytes / (batch * view_bytes);
    if (options_.end - options_.begin > most) {
      return WithHint(absl::InvalidArgumentError(absl::StrCat("--steps: ", options_.end - options_.begin, " steps of ", batch, " views of ",
                                                              view_bytes, " bytes: more than ", kMaxPixelBytes, " in all")),
                      most > 0 ? absl::StrCat("at most ", most, " steps at a time") : "a smaller train.batch_size shows other steps");
    }
    try {
      pixels_.reserve((options_.end - options_.begin) * batch * view_floats_);
    } catch (const std::bad_alloc&) {
      return OutOfMemory("pixels of the preview");
    }
    return absl::OkStatus();
  }

  Status Add(const data::MicroBatch& batch) {
    std::vector<v1::PreviewView> records;
    for (size_t slot = 0; slot < batch.views.size(); ++slot) {
      data::ViewDescription description;
      DEIT_RETURN_IF_ERROR(views_.Describe(batch.views[slot], &description));
      records.push_back(MakeViewRecord(spec_, index_, batch, slot, description));
      absl::StrAppend(&lines_, json::ToJsonLine(records.back()), "\n");
      positions_.push_back(records.back().position());
    }
    pixels_.insert(pixels_.end(), batch.pixels, batch.pixels + batch.views.size() * view_floats_);
    std::vector<Tile> tiles;
    for (size_t slot = 0; slot < records.size(); ++slot) {
      const std::string& partner = records[records.size() - 1 - slot].class_name();
      tiles.push_back({Shown(spec_, batch.pixels + slot * view_floats_), Captions(records[slot], partner)});
    }
    return Write(absl::StrFormat("step_%08d_lane_%d.png", batch.step, batch.lane), EncodePng(ContactSheet(tiles)));
  }

  Status Finish() {
    DEIT_RETURN_IF_ERROR(Write("views.jsonl", lines_));
    const uint64_t views = positions_.size(), size = static_cast<uint64_t>(views_.size());
    const std::vector<checkpoint::TensorData> tensors = {
        {"x", checkpoint::Dtype::kF32, {views, static_cast<uint64_t>(views_.channels()), size, size}, pixels_.data(), pixels_.size() * 4},
        {"position", checkpoint::Dtype::kI64, {views}, positions_.data(), views * 8}};
    const std::string path = files::JoinPath(options_.output, "pixels.safetensors");
    DEIT_RETURN_IF_ERROR(checkpoint::WriteSafetensors(fs_, path + ".tmp", tensors, {{"format", "pt"}}).status());
    return files::RenameDurably(fs_, path + ".tmp", path);
  }

 private:
  Status Write(const std::string& name, const std::string& bytes) {
    return files::WriteFileAtomically(fs_, files::JoinPath(options_.output, name), bytes);
  }

  files::FileSystem& fs_;
  const v1::JobSpec& spec_;
  const dataset::Index& index_;
  const data::ViewSource& views_;
  const PreviewOptions& options_;
  const size_t view_floats_;
  std::string lines_;
  std::vector<float> pixels_;
  std::vector<int64_t> positions_;
};

}  // namespace

Status WritePreview(files::FileSystem& fs, const v1::JobSpec& spec, const dataset::Index& index, const data::ViewSource& views,
                    const plan::Sampler& sampler, const PreviewOptions& options) {
  if (options.begin >= options.end) {
    return absl::InvalidArgumentError(absl::StrCat("--steps: ", options.begin, ":", options.end, ": the first is not below the second"));
  }
  DEIT_RETURN_IF_ERROR(files::CreateFolders(fs, options.output));
  PreviewWriter gathered(fs, spec, index, views, options);
  DEIT_RETURN_IF_ERROR(gathered.Reserve());
  const data::LoaderOptions loading = data::LoaderOptionsOf(spec, {0, spec.train().lanes()}, options.begin, options.end);
  DEIT_ASSIGN_OR_RETURN(const auto loader, data::Loader::Start(sampler, views, loading));
  while (true) {
    DEIT_ASSIGN_OR_RETURN(const data::MicroBatch* batch, loader->Next());
    if (batch == nullptr) return gathered.Finish();
    DEIT_RETURN_IF_ERROR(gathered.Add(*batch));
  }
}

}  // namespace deit::preview
