#include "common/process/build_id.h"

#include <elf.h>
#include <link.h>

#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace deit::process {
namespace {

constexpr size_t Aligned(size_t bytes) { return (bytes + 3) / 4 * 4; }

// Within the notes of one segment; empty: not there.
absl::string_view FindBuildId(absl::string_view notes) {
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) header;
    std::memcpy(&header, notes.data(), sizeof(header));
    const size_t name = sizeof(header), content = name + Aligned(header.n_namesz), next = content + Aligned(header.n_descsz);
    if (next > notes.size()) break;
    const bool is_build_id = header.n_type == NT_GNU_BUILD_ID && notes.substr(name, header.n_namesz) == absl::string_view("GNU", 4);
    if (is_build_id) return notes.substr(content, header.n_descsz);
    notes.remove_prefix(next);
  }
  return {};
}

// The first object is the program itself.
int ReadNotes(dl_phdr_info* object, size_t, void* out) {
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const auto* const begin = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);  // NOLINT(performance-no-int-to-ptr)
    const absl::string_view id = FindBuildId({begin, segment.p_memsz});
    if (!id.empty()) *static_cast<std::string*>(out) = absl::BytesToHexString(id);
  }
  return 1;
}

}  // namespace

std::string BuildId() {
  std::string id;
  dl_iterate_phdr(ReadNotes, &id);
  return id;
}

}  // namespace deit::process
