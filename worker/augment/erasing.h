// Random erasing as timm's RandomErasing (after normalisation): boxes and their fill.
#pragma once

#include <cstdint>
#include <vector>

#include "common/plan/philox.h"
#include "proto/spec.pb.h"
#include "worker/pixels/image.h"

namespace deit::augment {

// The boxes that the view at `position` loses, of a picture of size x size pixels, keyed by (seed, position): with probability
// augment.reprob one, or 1 to augment.recount of them; each of ten tries with area U(0.02, 1/3) / count and aspect exp(U(ln 0.3, ln 1/0.3)).
void DrawErasures(const v1::AugmentSpec& augment, uint64_t seed, uint64_t position, int size, std::vector<pixels::Rectangle>* boxes);

// Fills them in `pixels` (channels planes of size x size): PIXEL with a normal number per element, RAND with one per channel, CONST with 0.
void Erase(v1::AugmentSpec::Erasing mode, uint64_t seed, uint64_t position, const std::vector<pixels::Rectangle>& boxes, int channels,
           int size, float* pixels);

}  // namespace deit::augment
