// Common file operations on top of FileSystem. Thread-safe as long as each path has one writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "common/files/file_system.h"

namespace deit::files {

// "a" + "b" -> "a/b"; an empty folder gives the name alone.
std::string JoinPath(absl::string_view folder, absl::string_view name);

// The parent folder of a path: "." for a bare name, "/" for "/x". Trailing slashes do not count.
std::string ParentOf(absl::string_view path);

// The last component; trailing slashes do not count.
std::string NameOf(absl::string_view path);

// Only NotFound says false; every other failure of Stat is an error.
StatusOr<bool> Exists(FileSystem& fs, const std::string& path);

// The whole file. One of more than `max_bytes` is refused (ResourceExhausted), so that no input decides how much memory is taken.
StatusOr<std::string> ReadWholeFile(FileSystem& fs, const std::string& path, size_t max_bytes);

// xxh3-64 of all its bytes, read piece by piece.
StatusOr<uint64_t> DigestOf(const RandomAccessFile& file);

// Replaces `path` by `bytes` so that after any crash it holds the old content or the new, and the new one once this returned OK:
// written as `path`.tmp, synced, renamed, folder synced. One writer per path. On failure the temporary file is removed.
Status WriteFileAtomically(FileSystem& fs, const std::string& path, absl::string_view bytes);

// Its two halves, for writers who choose the temporary name: a file that is written, synced and closed; a name that is durable.
Status WriteAndSync(FileSystem& fs, const std::string& path, absl::string_view bytes);
Status RenameDurably(FileSystem& fs, const std::string& from, const std::string& to);

// Makes a folder and the missing ones above it; each new name is durable, unless it is in a folder that this user may not read.
Status CreateFolders(FileSystem& fs, const std::string& path);

// Removes `path` with all it holds; links are removed, not followed. Nothing there is fine. `path` must be `inside` plus
// '/' and at least one name, without "..": anything else is InvalidArgument and removes nothing. Not synced.
Status RemoveTree(FileSystem& fs, const std::string& path, const std::string& inside);

}  // namespace deit::files
