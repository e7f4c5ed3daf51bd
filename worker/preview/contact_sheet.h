// Contact sheet: many small images with captions in one large image.
#pragma once

#include <string>
#include <vector>

#include "common/base/status.h"
#include "worker/pixels/image.h"

namespace deit::preview {

struct Tile {
  pixels::Image picture;              // gray or RGB
  std::vector<std::string> captions;  // lines below it; what is too long for its width ends in "..."
};

// Tiles (not none, pictures of one size) in rows from the top left, as near to a square as rows of equal length allow; small pictures are
// enlarged. Dark background, the first caption brighter than the others. RGB.
pixels::Image ContactSheet(const std::vector<Tile>& tiles);

// The file's bytes.
std::string EncodePng(const pixels::Image& image);

}  // namespace deit::preview
