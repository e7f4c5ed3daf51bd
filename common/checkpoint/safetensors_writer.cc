#include <algorithm>
#include <bit>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_join.h"
#include "common/base/digest.h"
#include "common/checkpoint/safetensors.h"
#include "common/json/json_text.h"

static_assert(std::endian::native == std::endian::little, "safetensors are little endian and are written as they lie in memory");

namespace deit::checkpoint {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;  // written and digested together while in cache

Status CheckTensor(const TensorData& tensor) {
  const std::optional<uint64_t> elements = ElementCount(tensor.shape);
  uint64_t bytes = 0;
  const bool fits = elements && !__builtin_mul_overflow(*elements, uint64_t{ElementBytes(tensor.dtype)}, &bytes) && bytes == tensor.bytes;
  if (!fits) {
    return absl::InvalidArgumentError(absl::StrCat("tensor '", tensor.name, "': ", tensor.bytes, " bytes do not fit ", Name(tensor.dtype),
                                                   " [", absl::StrJoin(tensor.shape, ","), "]"));
  }
  if (tensor.name == "__metadata__" || !json::IsUtf8(tensor.name)) {
    return absl::InvalidArgumentError(absl::StrCat("tensor '", tensor.name, "': not a possible name"));
  }
  return absl::OkStatus();
}

// Length word and header, padded so that the data starts aligned.
std::string MakeHeader(const std::vector<const TensorData*>& tensors, const std::map<std::string, std::string>& metadata) {
  std::vector<std::string> entries;
  if (!metadata.empty()) {
    entries.push_back(absl::StrCat("\"__metadata__\":{",
                                   absl::StrJoin(metadata, ",",
                                                 [](std::string* out, const auto& item) {
                                                   absl::StrAppend(out, json::JsonQuote(item.first), ":", json::JsonQuote(item.second));
                                                 }),
                                   "}"));
  }
  uint64_t offset = 0;
  for (const TensorData* tensor : tensors) {
    entries.push_back(absl::StrCat(json::JsonQuote(tensor->name), ":{\"dtype\":\"", Name(tensor->dtype), "\",\"shape\":[",
                                   absl::StrJoin(tensor->shape, ","), "],\"data_offsets\":[", offset, ",", offset + tensor->bytes, "]}"));
    offset += tensor->bytes;
  }
  std::string json = absl::StrCat("{", absl::StrJoin(entries, ","), "}");
  json.append((kDataAlignment - (8 + json.size()) % kDataAlignment) % kDataAlignment, ' ');
  std::string header(8, '\0');
  for (size_t i = 0; i < 8; ++i) header[i] = static_cast<char>(json.size() >> (8 * i) & 0xFF);
  return header + json;
}

Status AppendDigested(files::WritableFile& file, const void* data, uint64_t bytes, DigestStream* digest) {
  const char* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const size_t piece = static_cast<size_t>(std::min<uint64_t>(bytes, kPieceBytes));
    digest->Update(next, piece);
    DEIT_RETURN_IF_ERROR(file.Append(next, piece));
    next += piece;
    bytes -= piece;
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<WrittenFile> WriteSafetensors(files::FileSystem& fs, const std::string& path, absl::Span<const TensorData> tensors,
                                       const std::map<std::string, std::string>& metadata) {
  std::vector<const TensorData*> order;
  absl::flat_hash_set<absl::string_view> names;
  for (const TensorData& tensor : tensors) {
    DEIT_RETURN_IF_ERROR(Annotate(CheckTensor(tensor), path));
    if (!names.insert(tensor.name).second)
      return absl::InvalidArgumentError(absl::StrCat(path, ": tensor '", tensor.name, "' is given twice"));
    order.push_back(&tensor);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const TensorData* a, const TensorData* b) { return ElementBytes(a->dtype) > ElementBytes(b->dtype); });
  const std::string header = MakeHeader(order, metadata);
  if (header.size() - 8 > kMaxHeaderBytes)
    return absl::InvalidArgumentError(absl::StrCat(path, ": header of ", header.size(), " bytes is too long"));
  DigestStream digest;
  DEIT_ASSIGN_OR_RETURN(auto file, fs.OpenForWrite(path));
  DEIT_RETURN_IF_ERROR(AppendDigested(*file, header.data(), header.size(), &digest));
  WrittenFile written{.bytes = header.size()};
  for (const TensorData* tensor : order) {
    DEIT_RETURN_IF_ERROR(AppendDigested(*file, tensor->data, tensor->bytes, &digest));
    written.bytes += tensor->bytes;
  }
  DEIT_RETURN_IF_ERROR(file->Sync());
  DEIT_RETURN_IF_ERROR(file->Close());
  written.digest = digest.Value();
  return written;
}

}  // namespace deit::checkpoint
