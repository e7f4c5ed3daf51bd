#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "common/base/status.h"
#include "common/dataset/formats.h"
#include "common/files/errno_status.h"

namespace deit::dataset {
namespace {

namespace fs = std::filesystem;

class ImageFolderIndex final : public Index {
 public:
  ImageFolderIndex(Split split, std::string root, std::vector<std::string> classes)
      : split_(split), root_(std::move(root)), classes_(std::move(classes)) {}

  void Add(std::string path, int32_t label) {
    paths_.push_back(std::move(path));
    labels_.push_back(label);
  }
  void Truncate(size_t count) {
    paths_.resize(std::min(count, paths_.size()));
    labels_.resize(paths_.size());
  }

  Split split() const override { return split_; }
  int64_t size() const override { return static_cast<int64_t>(paths_.size()); }
  int32_t label(int64_t i) const override { return labels_[static_cast<size_t>(i)]; }
  std::string path(int64_t i) const override { return paths_[static_cast<size_t>(i)]; }
  // Asked of the disk each time: opening a million images needs no million stats. -1 once the file is gone.
  int64_t bytes(int64_t i) const override {
    std::error_code error;
    const auto size = fs::file_size(fs::path(root_) / paths_[static_cast<size_t>(i)], error);
    return error ? -1 : static_cast<int64_t>(size);
  }
  const std::vector<std::string>& classes() const override { return classes_; }

 private:
  const Split split_;
  const std::string root_;
  const std::vector<std::string> classes_;
  std::vector<std::string> paths_;  // relative to root_
  std::vector<int32_t> labels_;
};

struct Listing {
  std::vector<std::string> folders;  // names, sorted
  std::vector<std::string> files;
};

// The entries of root/relative; links are followed.
StatusOr<Listing> List(const std::string& root, const std::string& relative) {
  const std::string path = absl::StrCat(root, "/", relative);
  Listing listing;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    std::error_code unreadable;  // a dangling link is neither
    if (it->is_directory(unreadable)) {
      listing.folders.push_back(it->path().filename().string());
    } else if (it->is_regular_file(unreadable)) {
      listing.files.push_back(it->path().filename().string());
    }
  }
  if (error) return files::ErrnoStatus("list", absl::StrCat("data.root: ", path), error.value());
  std::sort(listing.folders.begin(), listing.folders.end());
  std::sort(listing.files.begin(), listing.files.end());
  return listing;
}

bool IsImage(const std::string& name) {
  const std::string lower = absl::AsciiStrToLower(name);
  constexpr absl::string_view kEndings[] = {".jpg", ".jpeg", ".png", ".ppm", ".pgm"};
  return std::any_of(std::begin(kEndings), std::end(kEndings), [&](absl::string_view ending) { return absl::EndsWith(lower, ending); });
}

struct Folder {
  std::string relative;
  std::vector<std::string> images;
};

// All folders at and below root/relative. `above`: the real paths on the way down, so that a link to a parent ends in an error.
Status Walk(const std::string& root, const std::string& relative, std::vector<std::string>* above, std::vector<Folder>* folders) {
  std::error_code error;
  const std::string real = fs::canonical(absl::StrCat(root, "/", relative), error).string();
  if (error) return files::ErrnoStatus("list", absl::StrCat("data.root: ", root, "/", relative), error.value());
  if (std::find(above->begin(), above->end(), real) != above->end()) {
    return absl::InvalidArgumentError(absl::StrCat("data.root: ", root, "/", relative, ": a link to a folder above itself"));
  }
  DEIT_ASSIGN_OR_RETURN(Listing listing, List(root, relative));
  Folder folder{relative, {}};
  for (std::string& file : listing.files) {
    if (IsImage(file)) folder.images.push_back(std::move(file));
  }
  folders->push_back(std::move(folder));
  above->push_back(real);
  for (const std::string& name : listing.folders) DEIT_RETURN_IF_ERROR(Walk(root, absl::StrCat(relative, "/", name), above, folders));
  above->pop_back();
  return absl::OkStatus();
}

Status AddClass(const std::string& root, const std::string& relative, int32_t label, ImageFolderIndex* index) {
  std::vector<std::string> above;
  std::vector<Folder> folders;
  DEIT_RETURN_IF_ERROR(Walk(root, relative, &above, &folders));
  // torchvision sorts os.walk() by path, so "a-b" stands before "a/b".
  std::sort(folders.begin(), folders.end(), [](const Folder& a, const Folder& b) { return a.relative < b.relative; });
  const int64_t before = index->size();
  for (const Folder& folder : folders) {
    for (const std::string& image : folder.images) index->Add(absl::StrCat(folder.relative, "/", image), label);
  }
  if (index->size() > before) return absl::OkStatus();
  return WithHint(absl::NotFoundError(absl::StrCat("data.root: ", root, "/", relative, ": no image in this class")),
                  "a class folder holds .jpg, .jpeg, .png, .ppm or .pgm files");
}

// The class folders of one split.
StatusOr<std::vector<std::string>> Classes(const std::string& root, Split split) {
  auto listing = List(root, Name(split));
  const std::string hint = absl::StrCat("data.root needs ", Name(split), "/CLASS/IMAGE.jpg; train/ and val/ have one folder per class");
  if (!listing.ok()) return WithHint(listing.status(), hint);
  if (listing->folders.empty()) {
    return WithHint(absl::NotFoundError(absl::StrCat("data.root: ", root, "/", Name(split), ": no class folder in it")), hint);
  }
  return std::move(listing->folders);
}

// The names that labels count: train's, also for validation, so that a class missing in val/ shifts no label.
StatusOr<std::vector<std::string>> LabelNames(const std::string& root, const std::vector<std::string>& own, Split split) {
  std::error_code error;
  const std::string train = absl::StrCat(root, "/", Name(Split::kTrain));
  if (split == Split::kTrain || !fs::is_directory(train, error)) return own;
  DEIT_ASSIGN_OR_RETURN(std::vector<std::string> names, Classes(root, Split::kTrain));
  for (const std::string& name : own) {
    if (std::binary_search(names.begin(), names.end(), name)) continue;
    return absl::InvalidArgumentError(absl::StrCat("data.root: ", root, "/", Name(split), "/", name, ": ", train, " has no such class"));
  }
  return names;
}

}  // namespace

StatusOr<std::unique_ptr<Index>> OpenImageFolder(const v1::JobSpec& spec, Split split) {
  const std::string& root = spec.data().root();
  DEIT_ASSIGN_OR_RETURN(const std::vector<std::string> own, Classes(root, split));
  DEIT_ASSIGN_OR_RETURN(const std::vector<std::string> names, LabelNames(root, own, split));
  if (names.size() > static_cast<size_t>(spec.model().num_classes())) {
    const int num_classes = spec.model().num_classes();
    const std::string message = absl::StrCat("data.root: ", root, ": ", names.size(), " class folders: model.num_classes is ", num_classes);
    return WithHint(absl::InvalidArgumentError(message), absl::StrCat("set model.num_classes=", names.size()));
  }
  auto index = std::make_unique<ImageFolderIndex>(split, root, names);
  for (const std::string& name : own) {
    const auto label = std::lower_bound(names.begin(), names.end(), name) - names.begin();
    DEIT_RETURN_IF_ERROR(AddClass(root, absl::StrCat(Name(split), "/", name), static_cast<int32_t>(label), index.get()));
  }
  if (split == Split::kTrain && spec.data().max_images() > 0) index->Truncate(static_cast<size_t>(spec.data().max_images()));
  return index;
}

}  // namespace deit::dataset
