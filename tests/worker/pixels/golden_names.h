// Names in the golden files that tests/parity/pixels.py writes.
#pragma once

#include <map>
#include <string>

#include "worker/pixels/image.h"

namespace deit::pixels {

inline Filter FilterNamed(const std::string& name) {
  static const std::map<std::string, Filter> kFilters = {{"nearest", Filter::kNearest},
                                                         {"bilinear", Filter::kBilinear},
                                                         {"bicubic", Filter::kBicubic},
                                                         {"box", Filter::kBox},
                                                         {"lanczos", Filter::kLanczos}};
  return kFilters.at(name);
}

}  // namespace deit::pixels
