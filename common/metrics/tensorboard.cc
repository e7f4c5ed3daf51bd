#include "common/metrics/tensorboard.h"

#include <unistd.h>

#include <array>
#include <climits>

#include "absl/strings/str_format.h"
#include "common/base/unix_time.h"

namespace deit::metrics {
namespace {

constexpr uint32_t kCastagnoli = 0x82f63b78;  // the polynomial, bits reversed

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kCastagnoli : 0);
    table[i] = crc;
  }
  return table;
}

template <typename Integer>
std::string LittleEndian(Integer value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(value); ++i) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  return bytes;
}

// A CRC of data that holds CRCs is weak, so the format stores it rotated right by 15 with a constant added.
uint32_t MaskedCrc(absl::string_view bytes) {
  const uint32_t crc = Crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

}  // namespace

uint32_t Crc32c(absl::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = MakeCrcTable();
  uint32_t crc = ~0u;
  for (const char c : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

std::string TensorBoardRecord(absl::string_view bytes) {
  const std::string length = LittleEndian<uint64_t>(bytes.size());
  return absl::StrCat(length, LittleEndian(MaskedCrc(length)), bytes, LittleEndian(MaskedCrc(bytes)));
}

StatusOr<TensorBoardWriter> TensorBoardWriter::Open(const std::string& folder, int64_t first_step, Clock& clock) {
  char host[HOST_NAME_MAX + 1] = "localhost";
  ::gethostname(host, sizeof(host) - 1);
  const int64_t now = absl::ToUnixSeconds(clock.Now());
  const std::string name = absl::StrFormat("%s/events.out.tfevents.%010d.%s.%d.0", folder, now, host, getpid());
  DEIT_ASSIGN_OR_RETURN(AppendFile file, AppendFile::Open(name));
  TensorBoardWriter writer(std::move(file), clock);
  tensorboard::Event version;
  version.set_file_version("brain.Event:2");
  DEIT_RETURN_IF_ERROR(writer.Write(std::move(version)));
  if (first_step > 0) {
    tensorboard::Event start;
    start.set_step(first_step);
    start.mutable_session_log()->set_status(tensorboard::SessionLog::START);
    DEIT_RETURN_IF_ERROR(writer.Write(std::move(start)));
  }
  return writer;
}

Status TensorBoardWriter::AddScalars(int64_t step, const std::vector<std::pair<std::string, double>>& scalars) {
  tensorboard::Event event;
  event.set_step(step);
  for (const auto& [tag, number] : scalars) {
    auto* value = event.mutable_summary()->add_value();
    value->set_tag(tag);
    value->set_simple_value(static_cast<float>(number));
  }
  return Write(std::move(event));
}

Status TensorBoardWriter::Write(tensorboard::Event event) {
  event.set_wall_time(UnixSeconds(clock_->Now()));
  return file_.Append(TensorBoardRecord(event.SerializeAsString()));
}

}  // namespace deit::metrics
