#include "common/checkpoint/torch_save_format.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"

namespace deit::checkpoint {

bool IsTorchSave(absl::string_view start) { return absl::StartsWith(start, "PK\3\4") || absl::StartsWith(start, "\x80\2\x8a"); }

StatusOr<bool> IsTorchSaveFile(files::FileSystem& fs, const std::string& path) {
  DEIT_ASSIGN_OR_RETURN(const files::FileInfo info, fs.Stat(path));
  if (info.is_folder) return false;
  if (info.bytes == 0 && !info.is_link) {  // opening a pipe would wait for a writer
    return WithHint(absl::DataLossError(absl::StrCat(path, ": no bytes: empty, or a pipe or device")),
                    "weights are read from any place of a file: write them to one");
  }
  DEIT_ASSIGN_OR_RETURN(const auto file, fs.OpenForRead(path));
  std::string start(static_cast<size_t>(std::min<uint64_t>(file->Size(), 4)), '\0');
  DEIT_RETURN_IF_ERROR(file->ReadAt(0, start.data(), start.size()));
  return IsTorchSave(start);
}

Status WantsConversion(const std::string& path, absl::string_view cause) {
  const std::string quoted = absl::StrCat("'", absl::StrReplaceAll(path, {{"'", "'\\''"}}), "'");
  return WithHint(
      absl::DataLossError(absl::StrCat(path, ": a file of torch.save ", cause)),
      absl::StrCat(
          "convert it if you trust it, since torch.load runs what is in it: python3 -c \"import sys, torch; from safetensors.torch "
          "import save_file; plain = lambda d: getattr(d, 'state_dict', lambda: d)(); d = plain(torch.load(sys.argv[1], "
          "map_location='cpu', weights_only=False)); d = next((plain(d[k]) for k in sys.argv[3:] or ('model', 'state_dict', "
          "'model_state_dict', 'module') if k in d), "
          "d); save_file({k: v.clone().contiguous() for k, v in d.items() if torch.is_tensor(v)}, sys.argv[2])\" ",
          quoted, " ", quoted, ".safetensors"));
}

}  // namespace deit::checkpoint
