#include "common/checkpoint/weights_content.h"

#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "common/base/digest.h"
#include "common/checkpoint/checkpoint_layout.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/checkpoint/torch_save_format.h"
#include "common/files/operations.h"

namespace deit::checkpoint {
namespace {

Status NoWeightsIn(const std::string& folder, const std::vector<std::string>& names) {
  Status status = absl::NotFoundError(absl::StrCat(folder, ": no model*.safetensors in it"));
  for (const std::string& name : names) {
    for (const absl::string_view ending : {".safetensors", ".bin", ".pth", ".pt", ".tar", ".ckpt"}) {
      if (absl::EndsWith(name, ending)) return WithHint(std::move(status), absl::StrCat("name the file: ", files::JoinPath(folder, name)));
    }
  }
  return status;
}

// A tensor in two files is two sets of weights: neither is taken by chance.
Status CheckOneSet(const std::string& folder, const std::vector<SafetensorsFile>& files) {
  std::map<absl::string_view, const SafetensorsFile*> holders;
  for (const SafetensorsFile& file : files) {
    for (const TensorInfo& info : file.tensors()) {
      const auto [held, is_first] = holders.emplace(info.name, &file);
      if (is_first) continue;
      return WithHint(absl::DataLossError(absl::StrCat(folder, ": two sets of weights: ", info.name, " is in ", held->second->path(),
                                                       " and in ", file.path())),
                      "name the file that is meant");
    }
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::vector<SafetensorsFile>> OpenWeights(const std::string& path) {
  auto& fs = files::FileSystem::Posix();
  DEIT_ASSIGN_OR_RETURN(const files::FileInfo info, fs.Stat(path));
  std::vector<std::string> paths = {path};
  if (info.is_folder) {
    DEIT_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(path));
    paths.clear();
    for (const std::string& name : names) {
      if (absl::StartsWith(name, "model") && absl::EndsWith(name, ".safetensors")) paths.push_back(files::JoinPath(path, name));
    }
    if (paths.empty()) return NoWeightsIn(path, names);
  }
  std::vector<SafetensorsFile> opened;
  for (const std::string& file : paths) {
    DEIT_ASSIGN_OR_RETURN(auto safetensors, SafetensorsFile::Open(fs, file));
    opened.push_back(std::move(safetensors));
  }
  DEIT_RETURN_IF_ERROR(CheckOneSet(path, opened));
  return opened;
}

StatusOr<uint64_t> WeightsContentDigest(const std::string& path) {
  DEIT_ASSIGN_OR_RETURN(const bool is_torch_save, IsTorchSaveFile(files::FileSystem::Posix(), path));
  if (is_torch_save) {
    DEIT_ASSIGN_OR_RETURN(const auto file, files::FileSystem::Posix().OpenForRead(path));
    return files::DigestOf(*file);
  }
  DEIT_ASSIGN_OR_RETURN(const std::vector<SafetensorsFile> files, OpenWeights(path));
  std::map<std::string, std::pair<const SafetensorsFile*, const TensorInfo*>> tensors;  // by name, however they are spread over files
  for (const SafetensorsFile& file : files) {
    for (const TensorInfo& info : file.tensors()) tensors[info.name] = {&file, &info};
  }
  DigestStream digest;
  std::vector<std::byte> bytes;
  for (const auto& [name, place] : tensors) {
    const auto& [file, info] = place;
    bytes.resize(info->bytes);
    DEIT_RETURN_IF_ERROR(file->ReadRange(*info, 0, info->bytes, bytes.data()));
    const std::string heading = absl::StrCat(name, " ", Name(info->dtype), " ", ShapeText(info->shape), "\n");
    digest.Update(heading.data(), heading.size());
    digest.Update(bytes.data(), bytes.size());
  }
  return digest.Value();
}

Status VerifyIfCheckpoint(const std::string& path) {
  auto& fs = files::FileSystem::Posix();
  DEIT_ASSIGN_OR_RETURN(const files::FileInfo info, fs.Stat(path));
  if (!info.is_folder) return absl::OkStatus();
  DEIT_ASSIGN_OR_RETURN(const bool is_set, files::Exists(fs, path + "/" + kManifestName));
  return is_set ? VerifyCheckpoint(fs, path).status() : absl::OkStatus();
}

std::string ShapeText(const std::vector<uint64_t>& shape) { return absl::StrCat("[", absl::StrJoin(shape, ", "), "]"); }

}  // namespace deit::checkpoint
