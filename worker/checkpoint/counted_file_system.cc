#include "worker/checkpoint/counted_file_system.h"

#include <algorithm>
#include <cstddef>

namespace deit::checkpoint {
namespace {

constexpr size_t kPiece = size_t{16} << 20;  // bytes of one operation: longer ones are done in pieces

class CountedWritableFile final : public files::WritableFile {
 public:
  CountedWritableFile(std::unique_ptr<files::WritableFile> inner, const std::function<void()>* done)
      : inner_(std::move(inner)), done_(*done) {}

  Status Append(const void* data, size_t bytes) override {
    const char* const begin = static_cast<const char*>(data);
    for (size_t at = 0; at < bytes; at += kPiece) {
      DEIT_RETURN_IF_ERROR(inner_->Append(begin + at, std::min(kPiece, bytes - at)));
      done_();
    }
    return absl::OkStatus();
  }
  Status Sync() override {
    Status status = inner_->Sync();
    done_();
    return status;
  }
  Status Close() override { return inner_->Close(); }

 private:
  std::unique_ptr<files::WritableFile> inner_;
  const std::function<void()>& done_;
};

class CountedReadableFile final : public files::RandomAccessFile {
 public:
  CountedReadableFile(std::unique_ptr<files::RandomAccessFile> inner, const std::function<void()>* done)
      : inner_(std::move(inner)), done_(*done) {}

  uint64_t Size() const override { return inner_->Size(); }
  absl::Time Modified() const override { return inner_->Modified(); }
  Status ReadAt(uint64_t offset, void* dst, size_t bytes) const override {
    char* const begin = static_cast<char*>(dst);
    for (size_t at = 0; at < bytes; at += kPiece) {
      DEIT_RETURN_IF_ERROR(inner_->ReadAt(offset + at, begin + at, std::min(kPiece, bytes - at)));
      done_();
    }
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<files::RandomAccessFile> inner_;
  const std::function<void()>& done_;
};

}  // namespace

StatusOr<std::unique_ptr<files::WritableFile>> CountedFileSystem::OpenForWrite(const std::string& path) {
  DEIT_ASSIGN_OR_RETURN(auto file, inner_->OpenForWrite(path));
  done_();
  return std::make_unique<CountedWritableFile>(std::move(file), &done_);
}

StatusOr<std::unique_ptr<files::RandomAccessFile>> CountedFileSystem::OpenForRead(const std::string& path) {
  DEIT_ASSIGN_OR_RETURN(auto file, inner_->OpenForRead(path));
  done_();
  return std::make_unique<CountedReadableFile>(std::move(file), &done_);
}

}  // namespace deit::checkpoint
