// Directory listing of one split below data.root: the images, their locations, and the containers whose change invalidates it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace deit::dataset {

// A folder of images, a tar file, or another file or folder that the list depends on (classes.txt, train/), which may be absent.
struct Container {
  std::string path;         // below data.root
  int64_t modified_ns = 0;  // since 1970
  int64_t bytes = 0;        // of a file
  bool is_absent = false;   // there is none
  friend bool operator==(const Container&, const Container&) = default;
};

// One image, stored in an index file as 40 bytes, little endian.
struct Entry {
  uint64_t offset = 0;      // of its first byte in the container; 0 where the container is a folder
  uint64_t bytes = 0;       // of the stored image
  uint64_t name_begin = 0;  // in Listing::names; it ends where the next one begins
  int64_t modified_ns = 0;  // since 1970: of the file that its bytes are in
  uint32_t container = 0;
  int32_t label = 0;
  friend bool operator==(const Entry&, const Entry&) = default;
};
static_assert(sizeof(Entry) == 40);

// A value. Entries are in the data set's order.
struct Listing {
  std::vector<std::string> classes;  // names by label, as far as they are known
  std::vector<Container> containers;
  std::vector<Entry> entries;
  std::string names;

  // An image in a tar file, which is not changed as long as its container is not; or in a file of its own.
  void Add(uint32_t container, absl::string_view name, int32_t label, uint64_t offset, uint64_t bytes) {
    Add(container, name, label, offset, bytes, containers[container].modified_ns);
  }
  void Add(uint32_t container, absl::string_view name, int32_t label, uint64_t offset, uint64_t bytes, int64_t modified_ns) {
    entries.push_back({offset, bytes, names.size(), modified_ns, container, label});
    names.append(name.data(), name.size());
  }
  absl::string_view name(size_t i) const {
    const uint64_t begin = entries[i].name_begin, end = i + 1 < entries.size() ? entries[i + 1].name_begin : names.size();
    return absl::string_view(names).substr(begin, end - begin);
  }
  // Below data.root; of an image in a tar file: that file's path and its name in there.
  std::string path(size_t i) const { return absl::StrCat(containers[entries[i].container].path, "/", name(i)); }
};

}  // namespace deit::dataset
