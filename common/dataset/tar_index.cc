#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/dataset/formats.h"
#include "common/dataset/image_names.h"
#include "common/dataset/in_parallel.h"
#include "common/dataset/listed_index.h"
#include "common/dataset/listing_cache.h"
#include "common/dataset/tar_members.h"
#include "common/files/operations.h"

namespace deit::dataset {
namespace {

constexpr char kClassesFile[] = "classes.txt";
constexpr size_t kMaxClassesBytes = 1 << 20;
constexpr uint64_t kMaxLabelBytes = 32;

struct Sample {
  TarMember image;
  int32_t label = 0;
};

// WebDataset's: the folder and the name up to its first dot.
absl::string_view KeyOf(absl::string_view name) {
  const size_t slash = name.rfind('/');
  return name.substr(0, name.find('.', slash == absl::string_view::npos ? 0 : slash + 1));
}

// Groups the members of one shard. Members of one sample are adjacent.
class Samples {
 public:
  explicit Samples(std::string path) : path_(std::move(path)) {}

  StatusOr<std::vector<Sample>> Read() {
    DEIT_ASSIGN_OR_RETURN(const std::vector<TarMember> members, ReadTarMembers(path_));
    DEIT_ASSIGN_OR_RETURN(file_, files::FileSystem::Posix().OpenForRead(path_));
    for (const TarMember& member : members) {
      const absl::string_view key = KeyOf(member.name);
      if (key.empty() || key.back() == '/') continue;  // hidden files
      if (key != key_) DEIT_RETURN_IF_ERROR(Finish());
      key_ = std::string(key);
      DEIT_RETURN_IF_ERROR(Take(member));
    }
    DEIT_RETURN_IF_ERROR(Finish());
    return std::move(samples_);
  }

 private:
  Status Wrong(absl::string_view cause) const { return absl::DataLossError(absl::StrCat(path_, ": sample '", key_, "': ", cause)); }

  Status Take(const TarMember& member) {
    if (IsImageName(member.name)) {
      if (image_) return Wrong("two images");
      image_ = member;
    } else if (member.name == absl::StrCat(key_, ".cls")) {
      if (member.bytes > kMaxLabelBytes) return Wrong("its .cls is no number");
      std::string text(member.bytes, '\0');
      DEIT_RETURN_IF_ERROR(file_->ReadAt(member.offset, text.data(), text.size()));
      int32_t label = -1;
      if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &label) || label < 0) return Wrong("its .cls is no number");
      label_ = label;
    }
    return absl::OkStatus();
  }

  Status Finish() {
    if (image_ && !label_) return WithHint(Wrong("no label"), "a sample has an image and KEY.cls, the number of its class");
    if (image_) samples_.push_back({*std::move(image_), *label_});
    image_.reset();
    label_.reset();
    return absl::OkStatus();
  }

  const std::string path_;
  std::unique_ptr<files::RandomAccessFile> file_;
  std::string key_;
  std::optional<TarMember> image_;
  std::optional<int32_t> label_;
  std::vector<Sample> samples_;
};

// The shards of a split below data.root, by name, and the folder that they are in.
struct Shards {
  std::string folder;  // "": data.root itself
  std::vector<std::string> names;
};

StatusOr<Shards> FindShards(const std::string& root, Split split) {
  files::FileSystem& fs = files::FileSystem::Posix();
  Shards shards{Name(split), {}};
  auto names = fs.List(files::JoinPath(root, shards.folder));
  if (absl::IsNotFound(names.status())) {
    shards.folder.clear();
    names = fs.List(root);
  }
  if (!names.ok()) return Annotate(names.status(), "data.root");
  for (const std::string& name : *names) {
    if (absl::EndsWith(name, ".tar") && (!shards.folder.empty() || absl::StrContains(name, Name(split)))) shards.names.push_back(name);
  }
  if (!shards.names.empty()) return shards;
  return WithHint(absl::NotFoundError(absl::StrCat("data.root: ", files::JoinPath(root, shards.folder), ": no *.tar of ", Name(split))),
                  "data.root holds train/*.tar and val/*.tar, or *train*.tar and *val*.tar");
}

StatusOr<Listing> ListShards(const std::string& root, Split split) {
  files::FileSystem& fs = files::FileSystem::Posix();
  DEIT_ASSIGN_OR_RETURN(const Shards shards, FindShards(root, split));
  Listing listing;
  DEIT_ASSIGN_OR_RETURN(listing.containers.emplace_back(), ContainerOf(root, shards.folder));
  const auto classes = files::ReadWholeFile(fs, files::JoinPath(root, kClassesFile), kMaxClassesBytes);
  if (classes.ok()) {
    listing.classes = absl::StrSplit(*classes, absl::ByAnyChar("\r\n"), absl::SkipEmpty());
    DEIT_ASSIGN_OR_RETURN(listing.containers.emplace_back(), ContainerOf(root, kClassesFile));
  } else if (!absl::IsNotFound(classes.status())) {
    return Annotate(classes.status(), "data.root");
  }
  std::vector<Container> containers(shards.names.size());
  std::vector<std::vector<Sample>> samples(shards.names.size());
  DEIT_RETURN_IF_ERROR(InParallel(shards.names.size(), [&](size_t s) -> Status {
    DEIT_ASSIGN_OR_RETURN(containers[s], ContainerOf(root, files::JoinPath(shards.folder, shards.names[s])));
    DEIT_ASSIGN_OR_RETURN(samples[s], Samples(files::JoinPath(root, containers[s].path)).Read());
    return absl::OkStatus();
  }));
  for (size_t s = 0; s < samples.size(); ++s) {
    const auto container = static_cast<uint32_t>(listing.containers.size());
    listing.containers.push_back(std::move(containers[s]));
    for (const Sample& sample : samples[s]) {
      listing.Add(container, sample.image.name, sample.label, sample.image.offset, sample.image.bytes);
    }
  }
  if (!listing.entries.empty()) return listing;
  return absl::NotFoundError(absl::StrCat("data.root: ", files::JoinPath(root, shards.folder), ": no image in its shards"));
}

}  // namespace

StatusOr<std::unique_ptr<Index>> OpenTar(const v1::JobSpec& spec, Split split, const std::string& kept) {
  const std::string& root = spec.data().root();
  const std::string kind = absl::StrCat("TAR.", Name(split));
  DEIT_ASSIGN_OR_RETURN(StoredListing stored, KeptListing(kept, root, kind, [&] { return ListShards(root, split); }));
  const std::vector<Entry>& entries = stored.listing.entries;
  const auto last = std::max_element(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.label < b.label; });
  const size_t classes = std::max(stored.listing.classes.size(), static_cast<size_t>(last->label) + 1);
  const int num_classes = spec.model().num_classes();
  if (classes > static_cast<size_t>(num_classes)) {
    const std::string path = stored.listing.path(static_cast<size_t>(last - entries.begin()));
    return WithHint(
        absl::InvalidArgumentError(absl::StrCat("data.root: ", root, ": label ", last->label, " of ", path, ", ",
                                                stored.listing.classes.size(), " names of classes: model.num_classes is ", num_classes)),
        absl::StrCat("set model.num_classes=", classes));
  }
  const int64_t count = CountOf(spec, split, stored.listing);
  return std::make_unique<ListedIndex>(split, std::move(stored), count, num_classes);
}

}  // namespace deit::dataset
