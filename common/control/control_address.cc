#include "common/control/control_address.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/control/socket.h"
#include "common/json/json_file.h"
#include "common/process/identity.h"
#include "proto/job.pb.h"

namespace deit::control {

std::string ToString(const ControlAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return v6 ? absl::StrCat("[", address.host, "]:", address.port) : absl::StrCat(address.host, ":", address.port);
}

StatusOr<ControlAddress> ParseControlAddress(absl::string_view text) {
  const Status error = absl::InvalidArgumentError(absl::StrCat("address: \"", text, "\": want HOST:PORT with a numeric host"));
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return error;
  absl::string_view host = text.substr(0, colon);
  const bool bracketed = absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]");
  uint32_t port = 0;
  if (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 1 || port > UINT16_MAX) return error;
  const ControlAddress address{.host = std::string(host), .port = static_cast<uint16_t>(port)};
  if (bracketed != (host.find(':') != absl::string_view::npos) || !IsNumericHost(address.host)) return error;
  return address;
}

Status WriteControlAddress(files::FileSystem& fs, const std::string& path, const ControlAddress& address) {
  if (address.host == "0.0.0.0" || address.host == "::") {
    return absl::InvalidArgumentError(absl::StrCat("address: ", ToString(address), ": a wildcard is not an address to connect to"));
  }
  v1::ControlAddress record;
  record.set_address(ToString(address));
  *record.mutable_owner() = process::Self();
  return json::ReplaceJsonFile(fs, path, record);
}

StatusOr<ControlAddress> ReadControlAddress(files::FileSystem& fs, const std::string& path) {
  v1::ControlAddress record;
  DEIT_RETURN_IF_ERROR(json::ReadJsonFile(fs, path, &record));
  auto address = ParseControlAddress(record.address());
  if (!address.ok()) return absl::DataLossError(absl::StrCat(path, ": ", address.status().message()));
  if (process::LifeOf(record.owner()) == process::Life::kDead) {  // another program may have its port by now
    return absl::NotFoundError(absl::StrCat(path, ": owner: ", process::Describe(record.owner()), ": has ended"));
  }
  return address;
}

}  // namespace deit::control
