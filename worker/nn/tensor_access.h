// Raw access to tensors for our kernels.
#pragma once

#include <cstdint>
#include <utility>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include "worker/kernels/transformer_kernels.h"

namespace deit::nn {

// The elements of a contiguous tensor; T is float or kernels::Bf16 as the tensor's type is.
template <typename T>
T* Data(const at::Tensor& tensor) {
  return static_cast<T*>(tensor.mutable_data_ptr());
}

// body(image) for each image, spread over the process's threads.
template <typename Body>
void ForEachImage(int64_t images, const Body& body) {
  at::parallel_for(0, images, 1, [&body](int64_t begin, int64_t end) {
    for (int64_t image = begin; image < end; ++image) body(image);
  });
}

// body.operator()<T>() with the storage type of `type`.
template <typename Body>
decltype(auto) WithStorage(at::ScalarType type, Body&& body) {
  if (type == at::kBFloat16) return std::forward<Body>(body).template operator()<kernels::Bf16>();
  return std::forward<Body>(body).template operator()<float>();
}

}  // namespace deit::nn
