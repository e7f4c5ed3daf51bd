#include "common/torch_save/zip_directory.h"

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "common/torch_save/little_endian.h"

namespace deit::torch_save {
namespace {

constexpr uint64_t kMaxDirectoryBytes = uint64_t{64} << 20;
constexpr uint64_t kEndBytes = 22, kMaxCommentBytes = 65535, kLocatorBytes = 20, kEnd64Bytes = 56;
constexpr uint64_t kMemberBytes = 46, kLocalBytes = 30;
constexpr uint32_t kIn64 = 0xFFFFFFFF;  // the field's value is in the zip64 extra field

struct Directory {
  uint64_t offset = 0, bytes = 0, members = 0;
};

StatusOr<std::string> ReadPart(const files::RandomAccessFile& file, uint64_t offset, uint64_t bytes) {
  if (offset > file.Size() || bytes > file.Size() - offset) {
    return absl::DataLossError(absl::StrCat("bytes ", offset, " + ", bytes, " are not in the file's ", file.Size()));
  }
  std::string part(static_cast<size_t>(bytes), '\0');
  DEIT_RETURN_IF_ERROR(file.ReadAt(offset, part.data(), part.size()));
  return part;
}

// The place of the last end record whose comment reaches to the file's end.
std::optional<size_t> FindEnd(absl::string_view tail) {
  for (size_t at = tail.size() < kEndBytes ? 0 : tail.size() - kEndBytes + 1; at-- > 0;) {
    if (tail.substr(at, 4) == "PK\5\6" && LittleEndian<uint16_t>(tail, at + 20) == tail.size() - at - kEndBytes) return at;
  }
  return std::nullopt;
}

StatusOr<Directory> FindDirectory(const files::RandomAccessFile& file) {
  const uint64_t tail_bytes = std::min(file.Size(), kEndBytes + kMaxCommentBytes);
  DEIT_ASSIGN_OR_RETURN(const std::string tail, ReadPart(file, file.Size() - tail_bytes, tail_bytes));
  const std::optional<size_t> end = FindEnd(tail);
  if (!end) return absl::DataLossError("no directory of a zip archive at its end: cut off");
  Directory directory{.offset = LittleEndian<uint32_t>(tail, *end + 16),
                      .bytes = LittleEndian<uint32_t>(tail, *end + 12),
                      .members = LittleEndian<uint16_t>(tail, *end + 10)};
  if (*end < kLocatorBytes || tail.substr(*end - kLocatorBytes, 4) != "PK\6\7") return directory;
  DEIT_ASSIGN_OR_RETURN(const std::string end64, ReadPart(file, LittleEndian<uint64_t>(tail, *end - kLocatorBytes + 8), kEnd64Bytes));
  if (end64.substr(0, 4) != "PK\6\6") return absl::DataLossError("no zip64 directory where the archive says");
  return Directory{.offset = LittleEndian<uint64_t>(end64, 48),
                   .bytes = LittleEndian<uint64_t>(end64, 40),
                   .members = LittleEndian<uint64_t>(end64, 32)};
}

// Fills in what a member's zip64 extra field holds, in the order of the fields that want it.
Status ReadExtra64(absl::string_view extra, const std::vector<uint64_t*>& wanted) {
  while (extra.size() >= 4) {
    const size_t bytes = LittleEndian<uint16_t>(extra, 2);
    if (bytes > extra.size() - 4) break;
    if (LittleEndian<uint16_t>(extra, 0) == 1 && bytes >= 8 * wanted.size()) {
      for (size_t i = 0; i < wanted.size(); ++i) *wanted[i] = LittleEndian<uint64_t>(extra, 4 + 8 * i);
      return absl::OkStatus();
    }
    extra.remove_prefix(4 + bytes);
  }
  return absl::DataLossError("no zip64 field though a length or offset wants one");
}

// Where the member's content begins: behind its own header, whose name and extra field may differ from the directory's.
Status Locate(const files::RandomAccessFile& file, uint64_t header, ZipMember* member) {
  DEIT_ASSIGN_OR_RETURN(const std::string local, ReadPart(file, header, kLocalBytes));
  if (local.substr(0, 4) != "PK\3\4") return absl::DataLossError(absl::StrCat("no member at byte ", header));
  member->offset = header + kLocalBytes + LittleEndian<uint16_t>(local, 26) + LittleEndian<uint16_t>(local, 28);
  if (member->offset <= file.Size() && member->bytes <= file.Size() - member->offset) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(member->bytes, " bytes at ", member->offset, " are not in the file's ", file.Size()));
}

// One entry of the directory, which is removed from the front of `rest`.
StatusOr<ZipMember> ReadMember(const files::RandomAccessFile& file, absl::string_view* rest) {
  if (rest->size() < kMemberBytes || rest->substr(0, 4) != "PK\1\2") return absl::DataLossError("broken directory of a zip archive");
  const absl::string_view entry = *rest;
  const size_t name_bytes = LittleEndian<uint16_t>(entry, 28), extra_bytes = LittleEndian<uint16_t>(entry, 30);
  const size_t all_bytes = kMemberBytes + name_bytes + extra_bytes + LittleEndian<uint16_t>(entry, 32);
  if (all_bytes > entry.size()) return absl::DataLossError("broken directory of a zip archive");
  rest->remove_prefix(all_bytes);
  ZipMember member{.name = std::string(entry.substr(kMemberBytes, name_bytes))};
  const std::string context = absl::StrCat("member '", absl::Utf8SafeCEscape(member.name), "'");
  if (LittleEndian<uint16_t>(entry, 10) != 0) member.coded = "compressed";
  if ((LittleEndian<uint16_t>(entry, 8) & 1) != 0) member.coded = "encrypted";
  member.bytes = LittleEndian<uint32_t>(entry, 20);
  uint64_t content = LittleEndian<uint32_t>(entry, 24), header = LittleEndian<uint32_t>(entry, 42);
  std::vector<uint64_t*> wanted;
  for (uint64_t* field : {&content, &member.bytes, &header}) {
    if (*field == kIn64) wanted.push_back(field);
  }
  if (!wanted.empty()) {
    DEIT_RETURN_IF_ERROR(Annotate(ReadExtra64(entry.substr(kMemberBytes + name_bytes, extra_bytes), wanted), context));
  }
  if (member.coded == nullptr && content != member.bytes) {
    return absl::DataLossError(absl::StrCat(context, ": ", member.bytes, " bytes stored of ", content));
  }
  DEIT_RETURN_IF_ERROR(Annotate(Locate(file, header, &member), context));
  return member;
}

}  // namespace

StatusOr<std::vector<ZipMember>> ReadZipDirectory(const files::RandomAccessFile& file) {
  DEIT_ASSIGN_OR_RETURN(const Directory directory, FindDirectory(file));
  if (directory.bytes > kMaxDirectoryBytes) {
    return absl::DataLossError(absl::StrCat("a directory of ", directory.bytes, " bytes, of at most ", kMaxDirectoryBytes));
  }
  DEIT_ASSIGN_OR_RETURN(const std::string entries, ReadPart(file, directory.offset, directory.bytes));
  absl::string_view rest = entries;
  std::vector<ZipMember> members;
  absl::flat_hash_set<std::string> names;
  while (!rest.empty()) {
    DEIT_ASSIGN_OR_RETURN(ZipMember member, ReadMember(file, &rest));
    if (!names.insert(member.name).second) {
      return absl::DataLossError(absl::StrCat("member '", absl::Utf8SafeCEscape(member.name), "' is there twice"));
    }
    members.push_back(std::move(member));
  }
  if (members.size() == directory.members) return members;
  return absl::DataLossError(absl::StrCat(members.size(), " members, but the archive says ", directory.members));
}

}  // namespace deit::torch_save
