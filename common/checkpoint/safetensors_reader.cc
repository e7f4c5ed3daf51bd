#include <algorithm>
#include <numeric>

#include "absl/strings/escaping.h"
#include "absl/strings/str_join.h"
#include "common/checkpoint/safetensors.h"
#include "common/checkpoint/torch_save_format.h"
#include "common/files/file_on_demand.h"
#include "common/json/json_scanner.h"

namespace deit::checkpoint {
namespace {

constexpr uint64_t kLengthBytes = 8;

struct Header {
  std::vector<TensorInfo> tensors;  // offsets still count from the data's start
  std::map<std::string, std::string> metadata;
};

std::string Quoted(absl::string_view name) {
  constexpr size_t kShown = 120;
  return absl::StrCat("tensor '", absl::Utf8SafeCEscape(name.substr(0, kShown)), name.size() > kShown ? "..." : "", "'");
}

StatusOr<std::vector<uint64_t>> ReadNumbers(json::JsonScanner& json) {
  std::vector<uint64_t> numbers;
  DEIT_RETURN_IF_ERROR(json.Expect('['));
  if (json.TryConsume(']')) return numbers;
  do {
    DEIT_ASSIGN_OR_RETURN(uint64_t number, json.ReadUint64());
    numbers.push_back(number);
  } while (json.TryConsume(','));
  DEIT_RETURN_IF_ERROR(json.Expect(']'));
  return numbers;
}

Status ReadMetadata(json::JsonScanner& json, std::map<std::string, std::string>* metadata) {
  DEIT_RETURN_IF_ERROR(json.Expect('{'));
  if (json.TryConsume('}')) return absl::OkStatus();
  do {
    DEIT_ASSIGN_OR_RETURN(std::string key, json.ReadString());
    DEIT_RETURN_IF_ERROR(json.Expect(':'));
    DEIT_ASSIGN_OR_RETURN(std::string value, json.ReadString());
    if (!metadata->emplace(key, std::move(value)).second) return absl::DataLossError(absl::StrCat("duplicate key '", key, "'"));
  } while (json.TryConsume(','));
  return json.Expect('}');
}

// The fields of one tensor, each exactly once.
struct Fields {
  std::string dtype;
  std::vector<uint64_t> shape, offsets;
  bool has_dtype = false, has_shape = false, has_offsets = false;
};

Status ReadField(json::JsonScanner& json, Fields* fields) {
  DEIT_ASSIGN_OR_RETURN(std::string key, json.ReadString());
  DEIT_RETURN_IF_ERROR(json.Expect(':'));
  bool* seen = key == "dtype"          ? &fields->has_dtype
               : key == "shape"        ? &fields->has_shape
               : key == "data_offsets" ? &fields->has_offsets
                                       : nullptr;
  if (seen == nullptr) return absl::DataLossError(absl::StrCat("unknown field '", absl::Utf8SafeCEscape(key), "'"));
  if (std::exchange(*seen, true)) return absl::DataLossError(absl::StrCat("duplicate field '", key, "'"));
  if (seen == &fields->has_dtype) {
    DEIT_ASSIGN_OR_RETURN(fields->dtype, json.ReadString());
  } else {
    DEIT_ASSIGN_OR_RETURN((seen == &fields->has_shape ? fields->shape : fields->offsets), ReadNumbers(json));
  }
  return absl::OkStatus();
}

Status ReadTensor(json::JsonScanner& json, uint64_t data_bytes, TensorInfo* tensor) {
  Fields fields;
  DEIT_RETURN_IF_ERROR(json.Expect('{'));
  do DEIT_RETURN_IF_ERROR(ReadField(json, &fields));
  while (json.TryConsume(','));
  DEIT_RETURN_IF_ERROR(json.Expect('}'));
  if (!fields.has_dtype || !fields.has_shape || !fields.has_offsets) return absl::DataLossError("dtype, shape or data_offsets is missing");
  const std::optional<Dtype> dtype = ParseDtype(fields.dtype);
  if (!dtype) return absl::DataLossError(absl::StrCat("dtype '", absl::Utf8SafeCEscape(fields.dtype), "' is not one of ours"));
  tensor->dtype = *dtype;
  tensor->shape = std::move(fields.shape);
  const std::string shape = absl::StrCat("shape [", absl::StrJoin(tensor->shape, ","), "]");
  const std::optional<uint64_t> elements = ElementCount(tensor->shape);
  if (!elements || __builtin_mul_overflow(*elements, uint64_t{ElementBytes(*dtype)}, &tensor->bytes)) {
    return absl::DataLossError(absl::StrCat(shape, " is beyond 64 bits"));
  }
  tensor->elements = *elements;
  const std::string offsets = absl::StrCat("data_offsets [", absl::StrJoin(fields.offsets, ","), "]");
  if (fields.offsets.size() != 2 || fields.offsets[0] > fields.offsets[1] || fields.offsets[1] > data_bytes) {
    return absl::DataLossError(absl::StrCat(offsets, ": not a range of the file's ", data_bytes, " data bytes"));
  }
  if (fields.offsets[1] - fields.offsets[0] != tensor->bytes) {
    return absl::DataLossError(absl::StrCat(offsets, ": ", fields.offsets[1] - fields.offsets[0], " bytes, but ", fields.dtype, " ", shape,
                                            " has ", tensor->bytes));
  }
  tensor->offset = fields.offsets[0];
  return absl::OkStatus();
}

StatusOr<Header> ReadHeader(absl::string_view text, uint64_t data_bytes) {
  Header header;
  bool has_metadata = false;
  json::JsonScanner json(text);
  if (text.empty() || text[0] != '{') return absl::DataLossError("byte 0: expected '{'");
  DEIT_RETURN_IF_ERROR(json.Expect('{'));
  if (!json.TryConsume('}')) {
    do {
      DEIT_ASSIGN_OR_RETURN(std::string name, json.ReadString());
      DEIT_RETURN_IF_ERROR(json.Expect(':'));
      if (name == "__metadata__") {
        if (std::exchange(has_metadata, true)) return absl::DataLossError("duplicate __metadata__");
        DEIT_RETURN_IF_ERROR(Annotate(ReadMetadata(json, &header.metadata), "__metadata__"));
        continue;
      }
      TensorInfo tensor;
      DEIT_RETURN_IF_ERROR(Annotate(ReadTensor(json, data_bytes, &tensor), Quoted(name)));
      tensor.name = std::move(name);
      header.tensors.push_back(std::move(tensor));
    } while (json.TryConsume(','));
    DEIT_RETURN_IF_ERROR(json.Expect('}'));
  }
  DEIT_RETURN_IF_ERROR(json.ExpectEnd());
  return header;
}

// The tensors must tile the data exactly. Sorts them by place.
Status CheckTiling(std::vector<TensorInfo>* tensors, uint64_t data_bytes) {
  std::stable_sort(tensors->begin(), tensors->end(),
                   [](const TensorInfo& a, const TensorInfo& b) { return a.offset != b.offset ? a.offset < b.offset : a.bytes < b.bytes; });
  uint64_t end = 0;
  for (const TensorInfo& tensor : *tensors) {
    if (tensor.offset < end)
      return absl::DataLossError(absl::StrCat(Quoted(tensor.name), " at ", tensor.offset, " overlaps the one before, which ends at ", end));
    if (tensor.offset > end)
      return absl::DataLossError(absl::StrCat(Quoted(tensor.name), " at ", tensor.offset, " leaves a hole after ", end));
    end += tensor.bytes;
  }
  if (end == data_bytes) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(data_bytes - end, " bytes at the end belong to no tensor"));
}

}  // namespace

StatusOr<SafetensorsFile> SafetensorsFile::Open(files::FileSystem& fs, const std::string& path) {
  SafetensorsFile result;
  result.path_ = path;
  DEIT_ASSIGN_OR_RETURN(result.file_, files::OpenOnDemand(fs, path));
  const uint64_t size = result.file_->Size();
  if (size < kLengthBytes) return absl::DataLossError(absl::StrCat(path, ": ", size, " bytes: too short for a safetensors file"));
  unsigned char raw[kLengthBytes];
  DEIT_RETURN_IF_ERROR(result.file_->ReadAt(0, raw, kLengthBytes));
  uint64_t header_bytes = 0;
  for (size_t i = kLengthBytes; i-- > 0;) header_bytes = header_bytes << 8 | raw[i];
  if (header_bytes > kMaxHeaderBytes && IsTorchSave({reinterpret_cast<const char*>(raw), kLengthBytes})) {
    return WantsConversion(path, "among safetensors files");
  }
  if (header_bytes > kMaxHeaderBytes || header_bytes > size - kLengthBytes) {
    return absl::DataLossError(
        absl::StrCat(path, ": header of ", header_bytes, " bytes in a file of ", size, ": cut off, or no safetensors file"));
  }
  std::string text(static_cast<size_t>(header_bytes), '\0');
  DEIT_RETURN_IF_ERROR(result.file_->ReadAt(kLengthBytes, text.data(), text.size()));
  const uint64_t data_begin = kLengthBytes + header_bytes;
  auto header = ReadHeader(text, size - data_begin);
  if (!header.ok()) return Annotate(header.status(), absl::StrCat(path, ": header"));
  DEIT_RETURN_IF_ERROR(Annotate(CheckTiling(&header->tensors, size - data_begin), absl::StrCat(path, ": header")));
  result.metadata_ = std::move(header->metadata);
  result.tensors_ = std::move(header->tensors);
  for (size_t i = 0; i < result.tensors_.size(); ++i) {
    result.tensors_[i].offset += data_begin;
    if (!result.index_.emplace(result.tensors_[i].name, i).second) {
      return absl::DataLossError(absl::StrCat(path, ": header: duplicate tensor ", Quoted(result.tensors_[i].name)));
    }
  }
  return result;
}

const TensorInfo* SafetensorsFile::Find(const std::string& name) const {
  auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

Status SafetensorsFile::Read(const std::string& name, void* dst, uint64_t bytes) const {
  const TensorInfo* tensor = Find(name);
  if (tensor == nullptr) return absl::NotFoundError(absl::StrCat(path_, ": has no ", Quoted(name)));
  if (tensor->bytes != bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ": ", Quoted(name), " has ", tensor->bytes, " bytes, not the ", bytes, " wanted"));
  }
  return ReadRange(*tensor, 0, bytes, dst);
}

Status SafetensorsFile::ReadRange(const TensorInfo& tensor, uint64_t begin, uint64_t bytes, void* dst) const {
  if (begin > tensor.bytes || bytes > tensor.bytes - begin) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ": ", Quoted(tensor.name), ": bytes ", begin, " + ", bytes, " are not in its ", tensor.bytes));
  }
  return file_->ReadAt(tensor.offset + begin, dst, static_cast<size_t>(bytes));
}

}  // namespace deit::checkpoint
