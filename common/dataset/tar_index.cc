#include <algorithm>
#include <initializer_list>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/digest.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/dataset/formats.h"
#include "common/dataset/in_parallel.h"
#include "common/dataset/listed_index.h"
#include "common/dataset/listing_cache.h"
#include "common/dataset/tar_samples.h"
#include "common/files/operations.h"

namespace deit::dataset {
namespace {

constexpr char kClassesFile[] = "classes.txt";
constexpr size_t kMaxClassesBytes = 1 << 20;

// The shards of a split below data.root, by name, and the folder that they are in.
struct Shards {
  std::string folder;  // "": data.root itself
  std::vector<std::string> names;
};

bool HasWord(absl::string_view name, std::initializer_list<absl::string_view> words) {
  const auto is_other = [](char c) { return !absl::ascii_isalpha(static_cast<unsigned char>(c)); };
  for (size_t begin = 0, end = 0; begin < name.size(); begin = end + 1) {
    end = static_cast<size_t>(std::find_if(name.begin() + static_cast<ptrdiff_t>(begin), name.end(), is_other) - name.begin());
    if (std::count(words.begin(), words.end(), absl::AsciiStrToLower(name.substr(begin, end - begin))) > 0) return true;
  }
  return false;
}

// Whether a shard outside of train/ and val/ belongs to `split`: by the one of both that its name contains; where it contains both
// ("retrieval-train-0.tar"), by the one that is a word of it.
StatusOr<bool> BelongsTo(Split split, const std::string& path, absl::string_view name) {
  const bool contains_train = absl::StrContains(name, Name(Split::kTrain)),
             contains_val = absl::StrContains(name, Name(Split::kValidation));
  if (!contains_train || !contains_val) return split == Split::kTrain ? contains_train : contains_val;
  const bool train = HasWord(name, {"train", "training"}), val = HasWord(name, {"val", "valid", "validation"});
  if (train != val) return split == Split::kTrain ? train : val;
  return WithHint(absl::InvalidArgumentError(absl::StrCat("data.root: ", path, ": its name says both train and val")),
                  "move the shards into the folders train and val of data.root");
}

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
    if (!absl::EndsWith(name, ".tar")) continue;
    bool belongs = true;
    if (shards.folder.empty()) {
      DEIT_ASSIGN_OR_RETURN(belongs, BelongsTo(split, files::JoinPath(root, name), name));
    }
    if (belongs) shards.names.push_back(name);
  }
  if (!shards.names.empty()) return shards;
  return WithHint(absl::NotFoundError(absl::StrCat("data.root: ", files::JoinPath(root, shards.folder), ": no *.tar of ", Name(split))),
                  "data.root holds train/*.tar and val/*.tar, or *train*.tar and *val*.tar");
}

StatusOr<std::vector<std::string>> ReadClasses(const std::string& root) {
  const auto text = files::ReadWholeFile(files::FileSystem::Posix(), files::JoinPath(root, kClassesFile), kMaxClassesBytes);
  if (absl::IsNotFound(text.status())) return std::vector<std::string>();
  if (!text.ok()) return Annotate(text.status(), "data.root");
  absl::string_view lines = *text;
  absl::ConsumePrefix(&lines, "\xef\xbb\xbf");  // as some editors begin a file
  return std::vector<std::string>(absl::StrSplit(lines, absl::ByAnyChar("\r\n"), absl::SkipEmpty()));
}

StatusOr<Listing> ListShards(const v1::DataSpec& data, Split split) {
  const std::string& root = data.root();
  DEIT_ASSIGN_OR_RETURN(const Shards shards, FindShards(root, split));
  Listing listing;
  DEIT_ASSIGN_OR_RETURN(listing.containers.emplace_back(), ContainerOf(root, shards.folder));
  DEIT_ASSIGN_OR_RETURN(listing.containers.emplace_back(), ContainerOrAbsence(root, kClassesFile));
  DEIT_ASSIGN_OR_RETURN(listing.classes, ReadClasses(root));
  const SampleRules rules = RulesOf(data, listing.classes);
  std::vector<Container> containers(shards.names.size());
  std::vector<std::vector<TarSample>> samples(shards.names.size());
  DEIT_RETURN_IF_ERROR(InParallel(shards.names.size(), [&](size_t s) -> Status {
    DEIT_ASSIGN_OR_RETURN(containers[s], ContainerOf(root, files::JoinPath(shards.folder, shards.names[s])));
    DEIT_ASSIGN_OR_RETURN(samples[s], ReadTarSamples(files::JoinPath(root, containers[s].path), rules));
    return absl::OkStatus();
  }));
  for (size_t s = 0; s < samples.size(); ++s) {
    const auto container = static_cast<uint32_t>(listing.containers.size());
    listing.containers.push_back(std::move(containers[s]));
    for (const TarSample& sample : samples[s]) {
      listing.Add(container, sample.image.name, sample.label, sample.image.offset, sample.image.bytes);
    }
    if (samples[s].empty()) LogWarning(absl::StrCat(files::JoinPath(root, listing.containers.back().path), ": a shard without samples"));
  }
  if (!listing.entries.empty()) return listing;
  return absl::NotFoundError(absl::StrCat("data.root: ", files::JoinPath(root, shards.folder), ": no image in its shards"));
}

// The name that a list is kept under; keys other than the default ones are part of it, as a digest.
std::string KindOf(const v1::DataSpec& data, Split split) {
  const std::string rules = absl::StrCat(data.input_key(), "\n", data.target_key());
  const bool is_default = data.input_key().empty() && data.target_key() == v1::DataSpec::default_instance().target_key();
  return absl::StrCat("TAR.", Name(split), is_default ? "" : absl::StrCat(".", DigestHex(Digest64(rules.data(), rules.size()))));
}

}  // namespace

StatusOr<std::unique_ptr<Index>> OpenTar(const v1::JobSpec& spec, Split split, const std::string& kept) {
  const std::string& root = spec.data().root();
  const auto list = [&] { return ListShards(spec.data(), split); };
  DEIT_ASSIGN_OR_RETURN(StoredListing stored, KeptListing(kept, root, KindOf(spec.data(), split), list));
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
