// Element types of safetensors files, by the format's names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace deit::checkpoint {

enum class Dtype { kF64, kI64, kU64, kF32, kI32, kU32, kF16, kBF16, kI16, kU16, kI8, kU8, kBool };

const char* Name(Dtype dtype);  // "F32"
size_t ElementBytes(Dtype dtype);
std::optional<Dtype> ParseDtype(absl::string_view name);  // by Name()

// The product of a shape (1 for a scalar), or nothing if it does not fit 64 bits.
std::optional<uint64_t> ElementCount(absl::Span<const uint64_t> shape);

}  // namespace deit::checkpoint
