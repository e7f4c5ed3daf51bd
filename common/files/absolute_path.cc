#include "common/files/absolute_path.h"

#include <filesystem>
#include <system_error>

namespace deit::files {

std::string AbsolutePath(const std::string& folder, const std::string& path) {
  std::string result = (std::filesystem::path(folder) / path).lexically_normal().string();
  while (result.size() > 1 && result.back() == '/') result.pop_back();
  return result;
}

std::string FolderOf(const std::string& absolute_file) { return std::filesystem::path(absolute_file).parent_path().string(); }

std::string StemOf(const std::string& file) { return std::filesystem::path(file).stem().string(); }

StatusOr<std::string> CurrentFolder() {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::current_path(error);
  if (error) return absl::NotFoundError(absl::StrCat("current folder: ", error.message()));
  return folder.string();
}

}  // namespace deit::files
