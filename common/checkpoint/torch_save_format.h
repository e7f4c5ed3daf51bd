// Detection of torch.save files (common/torch_save reads them), and the way around what cannot be read of them.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/files/file_system.h"

namespace deit::checkpoint {

// Whether a file that begins so is a zip archive, or the pickle that torch.save wrote before 1.6.
bool IsTorchSave(absl::string_view start);

// By the file's first bytes; a folder is none. DataLoss: an empty file, a pipe or a device, none of
// which is opened unless through a link. NotFound also for a link that points nowhere. Other errors: the seam's.
StatusOr<bool> IsTorchSaveFile(files::FileSystem& fs, const std::string& path);

// DataLoss "PATH: a file of torch.save CAUSE", with the command that converts it as its hint. The command takes a key as third argument, for
// a file with several state dictionaries.
Status WantsConversion(const std::string& path, absl::string_view cause);

}  // namespace deit::checkpoint
