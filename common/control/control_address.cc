#include "common/control/control_address.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/json/json_file.h"
#include "common/process/identity.h"
#include "proto/job.pb.h"

namespace deit::control {
namespace {
constexpr char kLoopback[] = "127.0.0.1:";
}

Status WriteControlAddress(files::FileSystem& fs, const std::string& path, uint16_t port) {
  v1::ControlAddress record;
  record.set_address(absl::StrCat(kLoopback, port));
  *record.mutable_owner() = process::Self();
  return json::ReplaceJsonFile(fs, path, record);
}

StatusOr<uint16_t> ReadControlAddress(files::FileSystem& fs, const std::string& path) {
  v1::ControlAddress record;
  DEIT_RETURN_IF_ERROR(json::ReadJsonFile(fs, path, &record));
  absl::string_view digits = record.address();
  uint32_t port = 0;
  if (!absl::ConsumePrefix(&digits, kLoopback) || !absl::SimpleAtoi(digits, &port) || port < 1 || port > UINT16_MAX) {
    return absl::DataLossError(absl::StrCat(path, ": address: ", record.address(), ": want ", kLoopback, "PORT"));
  }
  if (process::LifeOf(record.owner()) == process::Life::kDead) {  // its port may be anybody's by now
    return absl::NotFoundError(absl::StrCat(path, ": owner: ", process::Describe(record.owner()), ": has ended"));
  }
  return static_cast<uint16_t>(port);
}

}  // namespace deit::control
