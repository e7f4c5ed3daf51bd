// xxh3-64 digests: of whole buffers and of streams. The same bytes give the same digest however they are cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace deit {

// xxh3-64 (seed 0) of `size` bytes. https://github.com/Cyan4973/xxHash
uint64_t Digest64(const void* data, size_t size);

// 16 lower-case hex digits, as digests are printed and stored everywhere.
std::string DigestHex(uint64_t digest);

// Parses DigestHex's output; false for anything else.
bool ParseDigestHex(const std::string& text, uint64_t* digest);

// A digest fed piece by piece. Not thread-safe.
class DigestStream {
 public:
  DigestStream();
  ~DigestStream();
  DigestStream(DigestStream&&) noexcept;
  DigestStream& operator=(DigestStream&&) noexcept;

  void Update(const void* data, size_t size);
  uint64_t Value() const;  // of everything so far; more may follow

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deit
