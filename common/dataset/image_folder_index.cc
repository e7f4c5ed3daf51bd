#include <algorithm>
#include <filesystem>
#include <utility>

#include "common/base/status.h"
#include "common/dataset/formats.h"
#include "common/dataset/image_names.h"
#include "common/dataset/in_parallel.h"
#include "common/dataset/listed_index.h"
#include "common/dataset/listing_cache.h"
#include "common/files/errno_status.h"

namespace deit::dataset {
namespace {

namespace fs = std::filesystem;

// The entries of one folder, sorted by name.
struct FolderEntries {
  std::vector<std::string> folders;
  std::vector<std::pair<std::string, uint64_t>> files;  // and their sizes
};

// The entries of root/relative; links are followed.
StatusOr<FolderEntries> List(const std::string& root, const std::string& relative) {
  const std::string path = absl::StrCat(root, "/", relative);
  FolderEntries entries;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    std::error_code unreadable;  // a dangling link is neither
    if (it->is_directory(unreadable)) {
      entries.folders.push_back(it->path().filename().string());
    } else if (it->is_regular_file(unreadable) && IsImageName(it->path().native())) {
      const uint64_t bytes = it->file_size(unreadable);
      if (!unreadable) entries.files.emplace_back(it->path().filename().string(), bytes);
    }
  }
  if (error) return files::ErrnoStatus("list", absl::StrCat("data.root: ", path), error.value());
  std::sort(entries.folders.begin(), entries.folders.end());
  std::sort(entries.files.begin(), entries.files.end());
  return entries;
}

struct Folder {
  Container container;
  std::vector<std::pair<std::string, uint64_t>> images;
};

// All folders at and below root/relative. `above`: the real paths on the way down, so that a link to a parent ends in an error.
Status Walk(const std::string& root, const std::string& relative, std::vector<std::string>* above, std::vector<Folder>* folders) {
  std::error_code error;
  const std::string real = fs::canonical(absl::StrCat(root, "/", relative), error).string();
  if (error) return files::ErrnoStatus("list", absl::StrCat("data.root: ", root, "/", relative), error.value());
  if (std::find(above->begin(), above->end(), real) != above->end()) {
    return absl::InvalidArgumentError(absl::StrCat("data.root: ", root, "/", relative, ": a link to a folder above itself"));
  }
  DEIT_ASSIGN_OR_RETURN(Container container, ContainerOf(root, relative));
  DEIT_ASSIGN_OR_RETURN(FolderEntries entries, List(root, relative));
  folders->push_back({std::move(container), std::move(entries.files)});
  above->push_back(real);
  for (const std::string& name : entries.folders) DEIT_RETURN_IF_ERROR(Walk(root, absl::StrCat(relative, "/", name), above, folders));
  above->pop_back();
  return absl::OkStatus();
}

// The folders of one class, in torchvision's order: it sorts os.walk() by path, so "a-b" comes before "a/b".
StatusOr<std::vector<Folder>> WalkClass(const std::string& root, const std::string& relative) {
  std::vector<std::string> above;
  std::vector<Folder> folders;
  DEIT_RETURN_IF_ERROR(Walk(root, relative, &above, &folders));
  std::sort(folders.begin(), folders.end(), [](const Folder& a, const Folder& b) { return a.container.path < b.container.path; });
  if (std::any_of(folders.begin(), folders.end(), [](const Folder& folder) { return !folder.images.empty(); })) return folders;
  return WithHint(absl::NotFoundError(absl::StrCat("data.root: ", root, "/", relative, ": no image in this class")),
                  "a class folder holds .jpg, .jpeg, .png, .ppm, .pgm, .bmp, .tif, .tiff or .webp files");
}

std::string LayoutHint(Split split) {
  return absl::StrCat("data.root needs ", Name(split), "/CLASS/IMAGE.jpg; train/ and val/ have one folder per class");
}

// The class folders of one split.
StatusOr<std::vector<std::string>> Classes(const std::string& root, Split split) {
  auto entries = List(root, Name(split));
  const std::string hint = LayoutHint(split);
  if (!entries.ok()) return WithHint(entries.status(), hint);
  if (entries->folders.empty()) {
    return WithHint(absl::NotFoundError(absl::StrCat("data.root: ", root, "/", Name(split), ": no class folder in it")), hint);
  }
  return std::move(entries->folders);
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

StatusOr<Listing> ListImageFolder(const std::string& root, Split split) {
  Listing listing;
  const auto own_folder = ContainerOf(root, Name(split));  // before it is listed, so that what comes later is seen the next time
  if (!own_folder.ok()) return WithHint(own_folder.status(), LayoutHint(split));
  listing.containers.push_back(*own_folder);
  DEIT_ASSIGN_OR_RETURN(const std::vector<std::string> own, Classes(root, split));
  DEIT_ASSIGN_OR_RETURN(listing.classes, LabelNames(root, own, split));
  const auto train = ContainerOf(root, Name(Split::kTrain));
  if (split != Split::kTrain && train.ok()) listing.containers.push_back(*train);  // whose folders number the labels
  std::vector<std::vector<Folder>> classes(own.size());
  DEIT_RETURN_IF_ERROR(InParallel(own.size(), [&](size_t c) -> Status {
    DEIT_ASSIGN_OR_RETURN(classes[c], WalkClass(root, absl::StrCat(Name(split), "/", own[c])));
    return absl::OkStatus();
  }));
  for (size_t c = 0; c < own.size(); ++c) {
    const auto label = std::lower_bound(listing.classes.begin(), listing.classes.end(), own[c]) - listing.classes.begin();
    for (Folder& folder : classes[c]) {
      const auto container = static_cast<uint32_t>(listing.containers.size());
      listing.containers.push_back(std::move(folder.container));
      for (const auto& [name, bytes] : folder.images) listing.Add(container, name, static_cast<int32_t>(label), 0, bytes);
    }
  }
  return listing;
}

}  // namespace

StatusOr<std::unique_ptr<Index>> OpenImageFolder(const v1::JobSpec& spec, Split split, const std::string& kept) {
  const std::string& root = spec.data().root();
  const std::string kind = absl::StrCat("IMAGE_FOLDER.", Name(split));
  DEIT_ASSIGN_OR_RETURN(StoredListing stored, KeptListing(kept, root, kind, [&] { return ListImageFolder(root, split); }));
  const size_t classes = stored.listing.classes.size();
  if (classes > static_cast<size_t>(spec.model().num_classes())) {
    const int num_classes = spec.model().num_classes();
    const std::string message = absl::StrCat("data.root: ", root, ": ", classes, " class folders: model.num_classes is ", num_classes);
    return WithHint(absl::InvalidArgumentError(message), absl::StrCat("set model.num_classes=", classes));
  }
  const auto wanted = CountOf(spec, split, stored.listing);
  return std::make_unique<ListedIndex>(split, std::move(stored), wanted, static_cast<int>(classes));
}

}  // namespace deit::dataset
