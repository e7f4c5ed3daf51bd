// Block of terminal lines that is redrawn in place.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace deit::text {

// Says what to write; writes nothing. The cursor stays below the block, visible, and nothing else of the terminal is changed: however the
// program ends, there is nothing to restore. Not thread-safe.
class LiveBlock {
 public:
  // The block as it is from now on, to be written with one call, so that nothing flickers: at most `height` - 1 lines (the last says how
  // many more there are) of at most `width` characters. Lines may hold colour. After a resize the screen is redrawn.
  std::string Draw(std::vector<std::string> lines, size_t width, size_t height);

 private:
  size_t drawn_ = 0;  // lines
  size_t width_ = 0;
  size_t height_ = 0;
};

}  // namespace deit::text
