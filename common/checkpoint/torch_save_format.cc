#include "common/checkpoint/torch_save_format.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace deit::checkpoint {

bool IsTorchSave(absl::string_view start) { return absl::StartsWith(start, "PK\3\4") || absl::StartsWith(start, "\x80\2\x8a"); }

StatusOr<bool> IsTorchSaveFile(files::FileSystem& fs, const std::string& path) {
  DEIT_ASSIGN_OR_RETURN(const files::FileInfo info, fs.Stat(path));
  if (info.is_folder) return false;
  DEIT_ASSIGN_OR_RETURN(const auto file, fs.OpenForRead(path));
  std::string start(static_cast<size_t>(std::min<uint64_t>(file->Size(), 4)), '\0');
  DEIT_RETURN_IF_ERROR(file->ReadAt(0, start.data(), start.size()));
  return IsTorchSave(start);
}

Status WantsConversion(const std::string& path, absl::string_view cause) {
  return WithHint(
      absl::DataLossError(absl::StrCat(path, ": a file of torch.save, ", cause)),
      absl::StrCat("convert it: python3 -c \"import sys, torch; from safetensors.torch import save_file; d = torch.load(sys.argv[1], "
                   "map_location='cpu'); save_file({k: v.contiguous() for k, v in d.get('model', d).items()}, sys.argv[2])\" ",
                   path, " ", path, ".safetensors"));
}

}  // namespace deit::checkpoint
