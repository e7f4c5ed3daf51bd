#include "common/dataset/tar_members.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/files/file_system.h"

namespace deit::dataset {
namespace {

constexpr uint64_t kBlock = 512;
constexpr uint64_t kMaxExtension = 1 << 20;  // of a long name or a pax header
// Zeros at the end: tar fills its last record, of 10,240 bytes unless it was told otherwise, and has no other reason to write any.
constexpr uint64_t kRecord = 20 * kBlock;
constexpr uint64_t kMaxRecord = 1 << 20;
constexpr int kMaxLinks = 40;  // from one to the next, as Linux

// The fields of a header block, as POSIX and GNU place them.
struct Header {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2], user[32], group[32],
      device_major[8], device_minor[8], prefix[155], padding[12];
};
static_assert(sizeof(Header) == kBlock);

template <size_t N>
absl::string_view Text(const char (&field)[N]) {
  return absl::string_view(field, static_cast<size_t>(std::find(field, field + N, '\0') - field));
}

// Octal digits between blanks, or GNU's binary form: its first bit set, the rest big endian.
template <size_t N>
std::optional<uint64_t> Number(const char (&field)[N]) {
  uint64_t value = 0;
  if (static_cast<unsigned char>(field[0]) & 0x80) {
    for (size_t i = 0; i < N; ++i) {
      const auto byte = static_cast<unsigned char>(i == 0 ? field[i] & 0x7f : field[i]);
      if (value >> 55) return std::nullopt;
      value = value << 8 | byte;
    }
    return value;
  }
  absl::string_view digits = Text(field);
  while (!digits.empty() && digits.front() == ' ') digits.remove_prefix(1);
  while (!digits.empty() && digits.back() == ' ') digits.remove_suffix(1);
  for (const char digit : digits) {
    if (digit < '0' || digit > '7') return std::nullopt;
    value = value << 3 | static_cast<uint64_t>(digit - '0');  // 12 digits at most
  }
  return value;
}

bool ChecksumHolds(const Header& header) {
  unsigned char bytes[kBlock];
  std::memcpy(bytes, &header, kBlock);
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    const bool in_field = i >= offsetof(Header, checksum) && i < offsetof(Header, checksum) + sizeof(header.checksum);
    sum += in_field ? ' ' : bytes[i];
  }
  return Number(header.checksum) == sum;
}

bool IsEmpty(const Header& header) {
  const char* bytes = reinterpret_cast<const char*>(&header);
  return std::all_of(bytes, bytes + kBlock, [](char byte) { return byte == 0; });
}

std::string NameOf(const Header& header) {
  const bool is_posix = std::memcmp(header.magic, "ustar", 6) == 0;  // with its zero; GNU's has a blank there, and no prefix
  const absl::string_view prefix = is_posix ? Text(header.prefix) : absl::string_view();
  return prefix.empty() ? std::string(Text(header.name)) : absl::StrCat(prefix, "/", Text(header.name));
}

// What an extended header says of the member after it.
struct Extension {
  std::optional<std::string> name, link;
  std::optional<uint64_t> bytes;
};

// Records "LENGTH KEY=VALUE\n", LENGTH counting all of its record.
bool ReadPax(absl::string_view records, Extension* extension) {
  while (!records.empty()) {
    const size_t blank = records.find(' ');
    uint64_t length = 0;
    if (blank == absl::string_view::npos || !absl::SimpleAtoi(records.substr(0, blank), &length)) return false;
    if (length <= blank + 1 || length > records.size() || records[length - 1] != '\n') return false;
    const absl::string_view record = records.substr(blank + 1, length - blank - 2);
    const size_t equals = record.find('=');
    if (equals == absl::string_view::npos) return false;
    const absl::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    if (key == "path") extension->name = std::string(value);
    if (key == "linkpath") extension->link = std::string(value);
    if (key.substr(0, 11) == "GNU.sparse.") return false;
    uint64_t bytes = 0;
    if (key == "size" && !absl::SimpleAtoi(value, &bytes)) return false;
    if (key == "size") extension->bytes = bytes;
    records.remove_prefix(length);
  }
  return true;
}

// "a/./b/../c" -> "a/c"; what leaves the archive or begins at the root matches no member.
std::string PlainName(absl::string_view name) {
  std::vector<absl::string_view> parts;
  for (const absl::string_view part : absl::StrSplit(name, '/')) {
    if (part == ".." && !parts.empty() && parts.back() != "..") parts.pop_back();
    else if (part != "." && (!part.empty() || parts.empty())) parts.push_back(part);
  }
  return absl::StrJoin(parts, "/");
}

// Gives members with a broken_link the place of what they point to, where that is here.
void FollowLinks(std::vector<TarMember>* members) {
  std::unordered_map<std::string, const TarMember*> by_name;
  for (const TarMember& member : *members) by_name[PlainName(member.name)] = &member;
  for (TarMember& member : *members) {
    const TarMember* at = &member;
    for (int links = 0; at != nullptr && !at->broken_link.empty() && links < kMaxLinks; ++links) {
      const auto found = by_name.find(PlainName(at->broken_link));
      at = found == by_name.end() ? nullptr : found->second;
    }
    if (at == nullptr || !at->broken_link.empty()) continue;
    member.offset = at->offset;
    member.bytes = at->bytes;
    member.broken_link.clear();
  }
}

class TarReader {
 public:
  TarReader(const std::string& path, const files::RandomAccessFile& file) : path_(path), file_(file) {}

  absl::StatusOr<std::vector<TarMember>> Read() {
    if (file_.Size() == 0) return Broken("an empty file");
    while (at_ < file_.Size()) {
      Header header;
      if (file_.Size() - at_ < kBlock) return Broken("cut off");
      DEIT_RETURN_IF_ERROR(file_.ReadAt(at_, &header, kBlock));
      if (IsEmpty(header)) {
        DEIT_RETURN_IF_ERROR(CheckEnd());
        break;
      }
      if (!ChecksumHolds(header)) return Broken("not a tar header");
      DEIT_RETURN_IF_ERROR(Take(header));
    }
    const auto is_link = [](const TarMember& member) { return !member.broken_link.empty(); };
    if (std::any_of(members_.begin(), members_.end(), is_link)) FollowLinks(&members_);
    return std::move(members_);
  }

 private:
  Status Broken(absl::string_view cause) const {
    return WithHint(absl::DataLossError(absl::StrCat(path_, ": byte ", at_, ": ", cause)), "shards are plain, whole tar files");
  }

  // Behind the end mark there are zeros, to the end of a record.
  Status CheckEnd() {
    const uint64_t most = members_.empty() ? kRecord : kMaxRecord, begin = at_;
    std::string piece(std::min(most, file_.Size() - begin), '\0');
    DEIT_RETURN_IF_ERROR(file_.ReadAt(begin, piece.data(), piece.size()));
    if (const size_t data = piece.find_first_not_of('\0'); data != std::string::npos) {
      at_ += data;
      return WithHint(Broken("data behind the end mark"),
                      "fetch or make the shard again; shards are joined by tar --concatenate, not by cat");
    }
    if (file_.Size() - begin <= most) return absl::OkStatus();
    return WithHint(Broken(absl::StrCat("zeros from here to byte ", begin + most, " and further, where members should be")),
                    "fetch or make the shard again: space was set aside for it and not all of it written");
  }

  // One header and the contents after it. An extended header applies to the next member, across another ('g') in between.
  Status Take(const Header& header) {
    const bool extends = header.type == 'L' || header.type == 'K' || header.type == 'x', is_header = extends || header.type == 'g';
    const std::optional<uint64_t> stated = Number(header.size);
    if (!stated) return Broken("a size that is no number");
    const uint64_t begin = at_ + kBlock, bytes = is_header ? *stated : extension_.bytes.value_or(*stated);
    if (bytes > file_.Size() - begin) return Broken("cut off");
    if (header.type == 'S') return Broken("a sparse file");
    if (extends) DEIT_RETURN_IF_ERROR(Extend(header.type, begin, bytes));
    if (!is_header) AddMember(header, begin, bytes);
    at_ = begin + std::min((bytes + kBlock - 1) / kBlock * kBlock, file_.Size() - begin);
    return absl::OkStatus();
  }

  void AddMember(const Header& header, uint64_t begin, uint64_t bytes) {
    const Extension extension = std::exchange(extension_, {});
    std::string name = extension.name.value_or(NameOf(header));
    if (name.empty() || name.back() == '/') return;
    const bool is_regular = header.type == '0' || header.type == '\0' || header.type == '7';
    const std::string target = extension.link.value_or(std::string(Text(header.link)));
    if (is_regular) {
      members_.push_back({std::move(name), begin, bytes, ""});
    } else if (header.type == '1') {  // a hard link, whose target is a member's name
      members_.push_back({std::move(name), 0, 0, target.empty() ? "nothing" : target});
    } else if (header.type == '2') {  // a symbolic link, seen from the folder that it is in
      const std::string folder = name.substr(0, name.rfind('/') + 1);
      members_.push_back({std::move(name), 0, 0, target.substr(0, 1) == "/" ? target : absl::StrCat(folder, target)});
    }
  }

  Status Extend(char type, uint64_t begin, uint64_t bytes) {
    if (bytes > kMaxExtension) return Broken("an extended header of more than 1 MiB");
    std::string content(bytes, '\0');
    DEIT_RETURN_IF_ERROR(file_.ReadAt(begin, content.data(), bytes));
    if (type == 'L') extension_.name = content.substr(0, content.find('\0'));
    else if (type == 'K') extension_.link = content.substr(0, content.find('\0'));
    else if (!ReadPax(content, &extension_)) return Broken("an extended header that cannot be read, or a sparse file");
    return absl::OkStatus();
  }

  const std::string& path_;
  const files::RandomAccessFile& file_;
  uint64_t at_ = 0;
  Extension extension_;
  std::vector<TarMember> members_;
};

}  // namespace

absl::StatusOr<std::vector<TarMember>> ReadTarMembers(const std::string& path) {
  DEIT_ASSIGN_OR_RETURN(const auto file, files::FileSystem::Posix().OpenForRead(path));
  return TarReader(path, *file).Read();
}

}  // namespace deit::dataset
