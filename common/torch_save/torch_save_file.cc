#include "common/torch_save/torch_save_file.h"

#include <cstring>

#include "common/checkpoint/torch_save_format.h"

namespace deit::torch_save {
namespace {

bool IsDense(const SavedTensor& tensor) {
  uint64_t stride = 1;
  for (size_t axis = tensor.strides.size(); axis-- > 0;) {
    if (tensor.info.shape[axis] != 1 && tensor.strides[axis] != stride) return false;
    stride *= tensor.info.shape[axis];
  }
  return true;
}

// Copies the elements that the strides reach from `span` to `dst`, which takes them one after the other.
void Gather(const SavedTensor& tensor, const char* span, char* dst) {
  const std::vector<uint64_t>& shape = tensor.info.shape;
  const size_t width = checkpoint::ElementBytes(tensor.info.dtype);
  std::vector<uint64_t> index(shape.size(), 0);
  uint64_t at = 0;
  for (uint64_t element = 0; element < tensor.info.elements; ++element) {
    std::memcpy(dst + element * width, span + at * width, width);
    for (size_t axis = shape.size(); axis-- > 0;) {
      at += tensor.strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= shape[axis] * tensor.strides[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace

StatusOr<TorchSaveFile> TorchSaveFile::Open(files::FileSystem& fs, const std::string& path) {
  TorchSaveFile result;
  DEIT_ASSIGN_OR_RETURN(result.file_, fs.OpenForRead(path));
  const auto read = [&]() -> StatusOr<StateDictionary> {
    DEIT_ASSIGN_OR_RETURN(const Container container, ReadContainer(*result.file_));
    return FindStateDictionary(container, result.file_->Size());
  };
  StatusOr<StateDictionary> state = read();
  if (absl::IsUnimplemented(state.status())) return checkpoint::WantsConversion(path, state.status().message());
  if (!state.ok()) return Annotate(state.status(), absl::StrCat(path, ": a file of torch.save"));
  result.state_ = *std::move(state);
  return result;
}

Status TorchSaveFile::Read(const SavedTensor& tensor, void* dst) const {
  if (tensor.info.elements == 0) return absl::OkStatus();
  if (IsDense(tensor)) return file_->ReadAt(tensor.info.offset, dst, static_cast<size_t>(tensor.info.bytes));
  uint64_t last = 0;
  for (size_t axis = 0; axis < tensor.strides.size(); ++axis) last += (tensor.info.shape[axis] - 1) * tensor.strides[axis];
  std::vector<char> span(static_cast<size_t>((last + 1) * checkpoint::ElementBytes(tensor.info.dtype)));
  DEIT_RETURN_IF_ERROR(file_->ReadAt(tensor.info.offset, span.data(), span.size()));
  Gather(tensor, span.data(), static_cast<char*>(dst));
  return absl::OkStatus();
}

}  // namespace deit::torch_save
