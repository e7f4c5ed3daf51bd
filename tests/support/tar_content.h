// The bytes of small tar files (POSIX ustar).
#pragma once

#include <cstdio>
#include <numeric>
#include <string>

namespace deit::testing {

// `block` with the checksum that its other bytes have.
inline std::string WithTarChecksum(std::string block) {
  block.replace(148, 8, "        ");
  const unsigned sum =
      std::accumulate(block.begin(), block.end(), 0u, [](unsigned s, char c) { return s + static_cast<unsigned char>(c); });
  char number[16];
  std::snprintf(number, sizeof(number), "%06o", sum);
  return block.replace(148, 7, number, 7);
}

// One header block. `size` is what it says, whatever follows.
inline std::string TarHeader(const std::string& name, uint64_t size, char type = '0', const std::string& prefix = "") {
  std::string block(512, '\0');
  const auto put = [&](size_t at, const std::string& text) { block.replace(at, text.size(), text); };
  char number[16];
  put(0, name.substr(0, 100));
  put(100, "0000644");
  std::snprintf(number, sizeof(number), "%011lo", static_cast<unsigned long>(size));
  put(124, number);
  put(136, "00000000000");
  block[156] = type;
  put(257, std::string("ustar\0", 6) + "00");
  put(345, prefix);
  return WithTarChecksum(block);
}

// Header, content and padding.
inline std::string TarMember(const std::string& name, const std::string& content, char type = '0', const std::string& prefix = "") {
  const std::string padding((512 - content.size() % 512) % 512, '\0');
  return TarHeader(name, content.size(), type, prefix) + content + padding;
}

// A hard ('1') or symbolic ('2') link. `target` has at most 99 bytes.
inline std::string TarLink(const std::string& name, const std::string& target, char type) {
  std::string block = TarHeader(name, 0, type);
  return WithTarChecksum(block.replace(157, target.size(), target));
}

inline std::string TarEnd() { return std::string(1024, '\0'); }

}  // namespace deit::testing
