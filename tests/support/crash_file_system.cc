#include "tests/support/crash_file_system.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_split.h"
#include "common/files/operations.h"

namespace deit::testing {

using files::FileInfo;
using files::NameOf;
using files::ParentOf;

struct CrashDisk::Node {
  bool is_folder = false;
  std::string bytes, synced_bytes;
  std::map<std::string, std::shared_ptr<Node>> names, synced_names;
};

namespace {

using Node = CrashDisk::Node;

Status Error(absl::StatusCode code, const std::string& path, absl::string_view cause) {
  return Status(code, absl::StrCat(path, ": ", cause));
}

std::shared_ptr<Node> Walk(const std::shared_ptr<Node>& root, const std::string& path) {
  std::shared_ptr<Node> node = root;
  for (absl::string_view name : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (name == ".") continue;
    auto next = node->names.find(std::string(name));
    if (next == node->names.end()) return nullptr;
    node = next->second;
  }
  return node;
}

uint64_t Bytes(const Node& node) {
  uint64_t sum = node.bytes.size();
  for (const auto& [name, child] : node.names) sum += Bytes(*child);
  return sum;
}

void Forget(Node* node, Crash kind) {
  node->bytes = node->synced_bytes;
  if (kind == Crash::kForgetAll) node->names = node->synced_names;
  for (auto& [name, child] : node->names) Forget(child.get(), kind);
  node->synced_names = node->names;
}

void Collect(const Node& node, const std::string& path, std::map<std::string, std::string>* all) {
  for (const auto& [name, child] : node.names) {
    const std::string child_path = absl::StrCat(path, "/", name);
    (*all)[child->is_folder ? child_path + "/" : child_path] = child->bytes;
    Collect(*child, child_path, all);
  }
}

class CrashRandomAccessFile final : public files::RandomAccessFile {
 public:
  CrashRandomAccessFile(std::string path, std::string bytes) : path_(std::move(path)), bytes_(std::move(bytes)) {}
  uint64_t Size() const override { return bytes_.size(); }
  absl::Time Modified() const override { return absl::UnixEpoch(); }
  Status ReadAt(uint64_t offset, void* dst, size_t bytes) const override {
    if (offset > bytes_.size() || bytes > bytes_.size() - offset) {
      return Error(absl::StatusCode::kDataLoss, path_,
                   absl::StrCat("ends at byte ", bytes_.size(), ", but ", bytes, " bytes are wanted at ", offset));
    }
    std::memcpy(dst, bytes_.data() + offset, bytes);
    return absl::OkStatus();
  }

 private:
  const std::string path_, bytes_;
};

}  // namespace

class CrashWritableFile final : public files::WritableFile {
 public:
  CrashWritableFile(CrashFileSystem* fs, std::string path, std::shared_ptr<Node> node)
      : fs_(fs), path_(std::move(path)), node_(std::move(node)) {}

  Status Append(const void* data, size_t bytes) override {
    DEIT_RETURN_IF_ERROR(fs_->Begin(absl::StrCat("append ", path_)));
    std::lock_guard<std::mutex> lock(fs_->disk_->mutex_);
    const uint64_t capacity = fs_->disk_->capacity_;
    const uint64_t used = Bytes(*fs_->disk_->root_);
    const size_t room = capacity == 0 ? bytes : static_cast<size_t>(std::min<uint64_t>(bytes, capacity > used ? capacity - used : 0));
    node_->bytes.append(static_cast<const char*>(data), room);
    if (room < bytes) return Error(absl::StatusCode::kResourceExhausted, path_, "cannot write: no space left on device");
    return absl::OkStatus();
  }

  Status Sync() override {
    DEIT_RETURN_IF_ERROR(fs_->Begin(absl::StrCat("sync ", path_)));
    std::lock_guard<std::mutex> lock(fs_->disk_->mutex_);
    node_->synced_bytes = node_->bytes;
    return absl::OkStatus();
  }

  Status Close() override { return fs_->Begin(absl::StrCat("close ", path_)); }

 private:
  CrashFileSystem* const fs_;
  const std::string path_;
  const std::shared_ptr<Node> node_;
};

CrashDisk::CrashDisk() : root_(std::make_shared<Node>()) { root_->is_folder = true; }
CrashDisk::~CrashDisk() = default;

void CrashDisk::Fail(Crash kind) {
  std::lock_guard<std::mutex> lock(mutex_);
  Forget(root_.get(), kind);
}

void CrashDisk::SetCapacity(uint64_t bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  capacity_ = bytes;
}

uint64_t CrashDisk::BytesUsed() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return Bytes(*root_);
}

std::map<std::string, std::string> CrashDisk::Snapshot() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::map<std::string, std::string> all;
  Collect(*root_, "", &all);
  return all;
}

Status CrashDisk::Overwrite(const std::string& path, const std::function<void(std::string*)>& change) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto node = Walk(root_, path);
  if (!node || node->is_folder) return Error(absl::StatusCode::kNotFound, path, "no such file");
  change(&node->bytes);
  node->synced_bytes = node->bytes;
  return absl::OkStatus();
}

void CrashFileSystem::KillAtOperation(int64_t n) {
  std::lock_guard<std::mutex> lock(mutex_);
  kill_at_ = operations_ + n;
}

bool CrashFileSystem::killed() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return operations_ > kill_at_;
}

void CrashFileSystem::FailAtOperation(int64_t n, Status status) {
  std::lock_guard<std::mutex> lock(mutex_);
  failures_[operations_ + n] = std::move(status);
}

void CrashFileSystem::OnOperation(std::function<void(const std::string&)> hook) {
  std::lock_guard<std::mutex> lock(mutex_);
  hook_ = std::move(hook);
}

int64_t CrashFileSystem::operations() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return operations_;
}

Status CrashFileSystem::Begin(const std::string& operation) {
  std::function<void(const std::string&)> hook;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    hook = hook_;
  }
  if (hook) hook(operation);
  std::lock_guard<std::mutex> lock(mutex_);
  const int64_t now = operations_++;
  if (now >= kill_at_) return absl::AbortedError(absl::StrCat("killed before: ", operation));
  auto failure = failures_.find(now);
  return failure == failures_.end() ? absl::OkStatus() : failure->second;
}

Status CrashFileSystem::Alive() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return operations_ > kill_at_ ? absl::AbortedError("killed") : absl::OkStatus();
}

StatusOr<std::unique_ptr<files::WritableFile>> CrashFileSystem::OpenForWrite(const std::string& path) {
  DEIT_RETURN_IF_ERROR(Begin(absl::StrCat("open ", path)));
  std::lock_guard<std::mutex> lock(disk_->mutex_);
  auto folder = Walk(disk_->root_, ParentOf(path));
  if (!folder || !folder->is_folder) return Error(absl::StatusCode::kNotFound, path, "cannot create: no such file or directory");
  auto& node = folder->names[NameOf(path)];
  if (node && node->is_folder) return Error(absl::StatusCode::kFailedPrecondition, path, "cannot create: is a directory");
  if (!node) node = std::make_shared<Node>();
  node->bytes.clear();
  return std::make_unique<CrashWritableFile>(this, path, node);
}

StatusOr<std::unique_ptr<files::RandomAccessFile>> CrashFileSystem::OpenForRead(const std::string& path) {
  DEIT_RETURN_IF_ERROR(Alive());
  std::lock_guard<std::mutex> lock(disk_->mutex_);
  auto node = Walk(disk_->root_, path);
  if (!node) return Error(absl::StatusCode::kNotFound, path, "cannot open: no such file or directory");
  if (node->is_folder) return Error(absl::StatusCode::kFailedPrecondition, path, "cannot open: is a directory");
  return std::make_unique<CrashRandomAccessFile>(path, node->bytes);
}

Status CrashFileSystem::Rename(const std::string& from, const std::string& to) {
  DEIT_RETURN_IF_ERROR(Begin(absl::StrCat("rename ", from, " ", to)));
  std::lock_guard<std::mutex> lock(disk_->mutex_);
  auto source = Walk(disk_->root_, ParentOf(from));
  auto target = Walk(disk_->root_, ParentOf(to));
  if (!source || !target || source->names.count(NameOf(from)) == 0)
    return Error(absl::StatusCode::kNotFound, from, "cannot rename: no such file or directory");
  auto replaced = target->names.find(NameOf(to));
  if (replaced != target->names.end() && !replaced->second->names.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, from, absl::StrCat("cannot rename to ", to, ": directory not empty"));
  }
  auto node = source->names[NameOf(from)];
  source->names.erase(NameOf(from));
  target->names[NameOf(to)] = node;
  return absl::OkStatus();
}

Status CrashFileSystem::Remove(const std::string& path) {
  DEIT_RETURN_IF_ERROR(Begin(absl::StrCat("remove ", path)));
  std::lock_guard<std::mutex> lock(disk_->mutex_);
  auto folder = Walk(disk_->root_, ParentOf(path));
  auto found = folder ? folder->names.find(NameOf(path)) : decltype(folder->names.begin()){};
  if (!folder || found == folder->names.end()) return Error(absl::StatusCode::kNotFound, path, "cannot remove: no such file or directory");
  if (!found->second->names.empty()) return Error(absl::StatusCode::kFailedPrecondition, path, "cannot remove: directory not empty");
  folder->names.erase(found);
  return absl::OkStatus();
}

Status CrashFileSystem::CreateFolder(const std::string& path) {
  DEIT_RETURN_IF_ERROR(Begin(absl::StrCat("mkdir ", path)));
  std::lock_guard<std::mutex> lock(disk_->mutex_);
  auto folder = Walk(disk_->root_, ParentOf(path));
  if (!folder || !folder->is_folder) return Error(absl::StatusCode::kNotFound, path, "cannot create folder: no such file or directory");
  auto& node = folder->names[NameOf(path)];
  if (node && !node->is_folder) return Error(absl::StatusCode::kAlreadyExists, path, "cannot create folder: file exists");
  if (!node) node = std::make_shared<Node>();
  node->is_folder = true;
  return absl::OkStatus();
}

Status CrashFileSystem::SyncFolder(const std::string& path) {
  DEIT_RETURN_IF_ERROR(Begin(absl::StrCat("sync ", path)));
  std::lock_guard<std::mutex> lock(disk_->mutex_);
  auto folder = Walk(disk_->root_, path);
  if (!folder || !folder->is_folder) return Error(absl::StatusCode::kNotFound, path, "cannot sync folder: no such file or directory");
  folder->synced_names = folder->names;
  return absl::OkStatus();
}

StatusOr<std::vector<std::string>> CrashFileSystem::List(const std::string& path) {
  DEIT_RETURN_IF_ERROR(Alive());
  std::lock_guard<std::mutex> lock(disk_->mutex_);
  auto folder = Walk(disk_->root_, path);
  if (!folder || !folder->is_folder) return Error(absl::StatusCode::kNotFound, path, "cannot list: no such file or directory");
  std::vector<std::string> names;
  for (const auto& [name, child] : folder->names) names.push_back(name);
  return names;
}

StatusOr<FileInfo> CrashFileSystem::Stat(const std::string& path) {
  DEIT_RETURN_IF_ERROR(Alive());
  std::lock_guard<std::mutex> lock(disk_->mutex_);
  auto node = Walk(disk_->root_, path);
  if (!node) return Error(absl::StatusCode::kNotFound, path, "cannot look at: no such file or directory");
  FileInfo info;
  info.is_folder = node->is_folder;
  info.bytes = node->bytes.size();
  return info;
}

StatusOr<uint64_t> CrashFileSystem::FreeBytes(const std::string&) {
  DEIT_RETURN_IF_ERROR(Alive());
  std::lock_guard<std::mutex> lock(disk_->mutex_);
  const uint64_t used = Bytes(*disk_->root_);
  return disk_->capacity_ == 0 ? UINT64_MAX : disk_->capacity_ > used ? disk_->capacity_ - used : 0;
}

}  // namespace deit::testing
