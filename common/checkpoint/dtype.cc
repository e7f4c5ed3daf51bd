#include "common/checkpoint/dtype.h"

#include "common/base/status.h"

namespace deit::checkpoint {
namespace {

struct Row {
  Dtype dtype;
  const char* name;
  size_t bytes;
};

constexpr Row kRows[] = {
    {Dtype::kF64, "F64", 8}, {Dtype::kI64, "I64", 8}, {Dtype::kU64, "U64", 8},   {Dtype::kF32, "F32", 4}, {Dtype::kI32, "I32", 4},
    {Dtype::kU32, "U32", 4}, {Dtype::kF16, "F16", 2}, {Dtype::kBF16, "BF16", 2}, {Dtype::kI16, "I16", 2}, {Dtype::kU16, "U16", 2},
    {Dtype::kI8, "I8", 1},   {Dtype::kU8, "U8", 1},   {Dtype::kBool, "BOOL", 1},
};

const Row& RowOf(Dtype dtype) {
  for (const Row& row : kRows) {
    if (row.dtype == dtype) return row;
  }
  DEIT_CHECK(false, "dtype ", static_cast<int>(dtype), " has no row");
  return kRows[0];
}

}  // namespace

const char* Name(Dtype dtype) { return RowOf(dtype).name; }
size_t ElementBytes(Dtype dtype) { return RowOf(dtype).bytes; }

std::optional<Dtype> ParseDtype(absl::string_view name) {
  for (const Row& row : kRows) {
    if (name == row.name) return row.dtype;
  }
  return std::nullopt;
}

std::optional<uint64_t> ElementCount(absl::Span<const uint64_t> shape) {
  uint64_t count = 1;
  for (uint64_t size : shape) {
    if (__builtin_mul_overflow(count, size, &count)) return std::nullopt;
  }
  return count;
}

}  // namespace deit::checkpoint
