// Tensor names of vit-pytorch's students inside its DistillWrapper (distill.py). Pure.
#pragma once

#include <string>

namespace deit::weights {

// "student." before the student's own tensors; the wrapper's, which a model with distillation_token has too, are called alike.
std::string DistillWrapperName(const std::string& name);

}  // namespace deit::weights
