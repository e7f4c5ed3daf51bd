// The address on which a job's owner listens, and RUN/control.json, which publishes it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/files/file_system.h"

namespace deit::control {

// Numeric: a name would have to be resolved, which knows no deadline.
struct ControlAddress {
  std::string host = "127.0.0.1";  // IPv4 or IPv6
  uint16_t port = 0;               // 0: any free port, for listening
};

// "127.0.0.1:40123", "[::1]:40123".
std::string ToString(const ControlAddress& address);

// The reverse. InvalidArgument for anything else, also for port 0.
StatusOr<ControlAddress> ParseControlAddress(absl::string_view text);

// Publishes that this process is the owner and listens on `address`, to which workers must be able to connect. InvalidArgument for a
// wildcard host. Atomic for readers, not synced: after a crash of the machine there is no owner.
Status WriteControlAddress(files::FileSystem& fs, const std::string& path, const ControlAddress& address);

// The address of an owner that lives, as far as this host can tell. NotFound without the file or when the owner that it names has ended;
// DataLoss when it cannot be read or holds no address to connect to.
StatusOr<ControlAddress> ReadControlAddress(files::FileSystem& fs, const std::string& path);

}  // namespace deit::control
