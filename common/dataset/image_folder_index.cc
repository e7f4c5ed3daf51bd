#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/base/log.h"
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

struct ImageFile {
  std::string name;
  uint64_t bytes = 0;
  int64_t modified_ns = 0;
  friend bool operator<(const ImageFile& a, const ImageFile& b) { return a.name < b.name; }
};

// The entries of one folder, sorted by name. Links are followed.
struct FolderEntries {
  std::vector<std::string> folders;
  std::vector<ImageFile> images;
  std::vector<std::string> missing;  // of each that points nowhere or cannot be looked at: its path and why
};

// What `path` is, into one of the lists.
void Look(const std::string& path, const std::string& name, FolderEntries* entries) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) entries->folders.push_back(name);
    if (!S_ISREG(info.st_mode) || !IsImageName(name)) return;
    entries->images.push_back({name, static_cast<uint64_t>(info.st_size), absl::ToUnixNanos(absl::TimeFromTimespec(info.st_mtim))});
    return;
  }
  const int error = errno;
  std::error_code no_link;
  const std::string target = fs::read_symlink(path, no_link).string();
  if (error == ENOENT && no_link) return;  // removed just now
  const std::string cause = std::generic_category().message(error);
  entries->missing.push_back(no_link ? absl::StrCat(path, ": ", cause) : absl::StrCat(path, " -> ", target, ": ", cause));
}

StatusOr<FolderEntries> List(const std::string& root, const std::string& relative) {
  const std::string path = absl::StrCat(root, "/", relative);
  FolderEntries entries;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    Look(it->path().native(), it->path().filename().string(), &entries);
  }
  if (error) return files::ErrnoStatus("list", absl::StrCat("data.root: ", path), error.value());
  std::sort(entries.folders.begin(), entries.folders.end());
  std::sort(entries.images.begin(), entries.images.end());
  std::sort(entries.missing.begin(), entries.missing.end());
  return entries;
}

struct Folder {
  Container container;
  std::vector<ImageFile> images;
};

// The folders of one class, and what is missing in them.
struct ClassFolders {
  std::vector<Folder> folders;
  std::vector<std::string> missing;
};

// All folders at and below root/relative. `above`: the real paths on the way down, so that a link to a parent ends in an error.
Status Walk(const std::string& root, const std::string& relative, std::vector<std::string>* above, ClassFolders* found) {
  std::error_code error;
  const std::string real = fs::canonical(absl::StrCat(root, "/", relative), error).string();
  auto container = ContainerOf(root, relative);
  auto entries = List(root, relative);
  if (error || !container.ok() || !entries.ok()) {  // it was a folder when the one above was listed
    absl::string_view cause = !container.ok() ? container.status().message() : entries.status().message();
    absl::ConsumePrefix(&cause, "data.root: ");
    found->missing.push_back(error ? absl::StrCat(root, "/", relative, ": ", error.message()) : std::string(cause));
    return absl::OkStatus();
  }
  if (std::find(above->begin(), above->end(), real) != above->end()) {
    return absl::InvalidArgumentError(absl::StrCat("data.root: ", root, "/", relative, ": a link to a folder above itself"));
  }
  found->folders.push_back({*std::move(container), std::move(entries->images)});
  found->missing.insert(found->missing.end(), entries->missing.begin(), entries->missing.end());
  above->push_back(real);
  for (const std::string& name : entries->folders) DEIT_RETURN_IF_ERROR(Walk(root, absl::StrCat(relative, "/", name), above, found));
  above->pop_back();
  return absl::OkStatus();
}

// The folders of one class, in torchvision's order: it sorts os.walk() by path, so "a-b" comes before "a/b".
StatusOr<ClassFolders> WalkClass(const std::string& root, const std::string& relative) {
  std::vector<std::string> above;
  ClassFolders found;
  DEIT_RETURN_IF_ERROR(Walk(root, relative, &above, &found));
  std::sort(found.folders.begin(), found.folders.end(),
            [](const Folder& a, const Folder& b) { return a.container.path < b.container.path; });
  return found;
}

Status CheckHasImage(const std::string& root, const std::string& relative, const ClassFolders& found) {
  const auto holds = [](const Folder& folder) { return !folder.images.empty(); };
  if (std::any_of(found.folders.begin(), found.folders.end(), holds)) return absl::OkStatus();
  const std::string left_out = found.missing.empty() ? "" : absl::StrCat(" but the ", found.missing.size(), " that data.on_missing skips");
  return WithHint(absl::NotFoundError(absl::StrCat("data.root: ", root, "/", relative, ": no image in this class", left_out)),
                  "a class folder holds .jpg, .jpeg, .png, .ppm, .pgm, .bmp, .tif, .tiff or .webp files");
}

// What is missing ends the listing, or is said. An index without it would be another data set, for as long as it is kept.
Status CheckMissing(const v1::DataSpec& data, Split split, const std::vector<std::string>& missing) {
  if (missing.empty()) return absl::OkStatus();
  const std::string what = absl::StrCat(missing.size(), missing.size() == 1 ? " entry of " : " entries of ", Name(split),
                                        " that cannot be looked at, such as ", missing[0]);
  if (data.on_missing() == v1::DataSpec::SKIP) {
    LogWarning(absl::StrCat("data.root: ", what, ": left out (data.on_missing)"));
    return absl::OkStatus();
  }
  return WithHint(absl::NotFoundError(absl::StrCat("data.root: ", what)),
                  "is a disk not mounted, or a permission missing? to train without them: data.on_missing=SKIP");
}

std::string LayoutHint(Split split) {
  return absl::StrCat("data.root needs ", Name(split), "/CLASS/IMAGE.jpg; train/ and val/ have one folder per class");
}

// The class folders of one split, at least one, and what is missing among them.
StatusOr<FolderEntries> Classes(const std::string& root, Split split) {
  auto entries = List(root, Name(split));
  const std::string hint = LayoutHint(split);
  if (!entries.ok()) return WithHint(entries.status(), hint);
  if (entries->folders.empty() && entries->missing.empty()) {
    return WithHint(absl::NotFoundError(absl::StrCat("data.root: ", root, "/", Name(split), ": no class folder in it")), hint);
  }
  return entries;
}

// The folders whose names labels count: train's, also for validation, so that a class missing in val/ shifts no label.
StatusOr<FolderEntries> LabelFolders(const v1::DataSpec& data, const FolderEntries& own, Split split) {
  std::error_code error;
  const std::string train = absl::StrCat(data.root(), "/", Name(Split::kTrain));
  if (split == Split::kTrain || !fs::is_directory(train, error)) return own;
  DEIT_ASSIGN_OR_RETURN(const FolderEntries classes, Classes(data.root(), Split::kTrain));
  DEIT_RETURN_IF_ERROR(CheckMissing(data, Split::kTrain, classes.missing));
  for (const std::string& name : own.folders) {
    if (std::binary_search(classes.folders.begin(), classes.folders.end(), name)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("data.root: ", data.root(), "/", Name(split), "/", name, ": ", train, " has no such class"));
  }
  return classes;
}

// The images of class `name` with its label.
void AddClass(const std::string& name, ClassFolders found, Listing* listing) {
  const auto label = std::lower_bound(listing->classes.begin(), listing->classes.end(), name) - listing->classes.begin();
  for (Folder& folder : found.folders) {
    const auto container = static_cast<uint32_t>(listing->containers.size());
    listing->containers.push_back(std::move(folder.container));
    for (const ImageFile& image : folder.images) {
      listing->Add(container, image.name, static_cast<int32_t>(label), 0, image.bytes, image.modified_ns);
    }
  }
}

StatusOr<Listing> ListImageFolder(const v1::DataSpec& data, Split split) {
  const std::string& root = data.root();
  Listing listing;
  const auto own_folder = ContainerOf(root, Name(split));  // before it is listed, so that what comes later is seen the next time
  if (!own_folder.ok()) return WithHint(own_folder.status(), LayoutHint(split));
  listing.containers.push_back(*own_folder);
  if (split != Split::kTrain) {  // train's folders number the labels
    DEIT_ASSIGN_OR_RETURN(listing.containers.emplace_back(), ContainerOrAbsence(root, Name(Split::kTrain)));
  }
  DEIT_ASSIGN_OR_RETURN(const FolderEntries own, Classes(root, split));
  DEIT_ASSIGN_OR_RETURN(const FolderEntries labels, LabelFolders(data, own, split));
  listing.classes = labels.folders;
  const auto path_of = [&](const std::string& name) { return absl::StrCat(Name(split), "/", name); };
  std::vector<ClassFolders> classes(own.folders.size());
  DEIT_RETURN_IF_ERROR(InParallel(own.folders.size(), [&](size_t c) -> Status {
    DEIT_ASSIGN_OR_RETURN(classes[c], WalkClass(root, path_of(own.folders[c])));
    return absl::OkStatus();
  }));
  std::vector<std::string> missing = own.missing;
  for (const ClassFolders& found : classes) missing.insert(missing.end(), found.missing.begin(), found.missing.end());
  DEIT_RETURN_IF_ERROR(CheckMissing(data, split, missing));
  for (size_t c = 0; c < classes.size(); ++c) {
    DEIT_RETURN_IF_ERROR(CheckHasImage(root, path_of(own.folders[c]), classes[c]));
    AddClass(own.folders[c], std::move(classes[c]), &listing);
  }
  if (!listing.entries.empty()) return listing;
  return absl::NotFoundError(absl::StrCat("data.root: ", root, "/", Name(split), ": no class folder but those that data.on_missing skips"));
}

}  // namespace

StatusOr<std::unique_ptr<Index>> OpenImageFolder(const v1::JobSpec& spec, Split split, const std::string& kept) {
  const std::string& root = spec.data().root();
  const std::string kind = absl::StrCat("IMAGE_FOLDER.", Name(split));
  // What is missing may be there the next time.
  const std::string folder = spec.data().on_missing() == v1::DataSpec::SKIP ? "" : kept;
  DEIT_ASSIGN_OR_RETURN(StoredListing stored, KeptListing(folder, root, kind, [&] { return ListImageFolder(spec.data(), split); }));
  const size_t classes = stored.listing.classes.size();
  if (classes > static_cast<size_t>(spec.model().num_classes())) {
    const int num_classes = spec.model().num_classes();
    const std::string message = absl::StrCat("data.root: ", root, ": ", classes, " class folders: model.num_classes is ", num_classes);
    const std::vector<std::string>& names = stored.listing.classes;
    const auto hidden = std::find_if(names.begin(), names.end(), [](const std::string& name) { return name[0] == '.'; });
    return WithHint(absl::InvalidArgumentError(message),
                    absl::StrCat(hidden == names.end() ? "" : absl::StrCat("remove the hidden folder ", *hidden, ", or "),
                                 "set model.num_classes=", classes));
  }
  const auto wanted = CountOf(spec, split, stored.listing);
  return std::make_unique<ListedIndex>(split, std::move(stored), wanted, static_cast<int>(classes));
}

}  // namespace deit::dataset
