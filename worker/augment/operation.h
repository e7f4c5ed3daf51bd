// Augmentation operations on a view's 8-bit pixels, under timm's names: one table row per operation.
#pragma once

#include "absl/strings/string_view.h"
#include "common/plan/philox.h"
#include "worker/pixels/image.h"

namespace deit::augment {

struct OperationKind;

// One operation with everything drawn: what a view's record names.
struct Operation {
  const OperationKind* kind = nullptr;
  double argument = 0;                               // see the table
  pixels::Filter filter = pixels::Filter::kBicubic;  // of operations that move pixels
  friend bool operator==(const Operation&, const Operation&) = default;
};

// Besides the operation itself: what shows where a map reaches outside the picture, and memory.
struct OperationContext {
  pixels::Colour fill{};
  pixels::Image* scratch = nullptr;
};

struct OperationKind {
  absl::string_view name;
  const char* argument_name;  // for records; null: it has none
  bool moves_pixels;          // uses `filter` and the fill colour
  // The argument at a magnitude (10 is the paper's full strength); draws its sign where it has one. Null where there is no argument.
  double (*argument)(double magnitude, plan::RandomStream* random);
  void (*apply)(const Operation& operation, const OperationContext& context, pixels::Image* image);
};

// Null if there is none of this name.
const OperationKind* FindOperation(absl::string_view name);

}  // namespace deit::augment
