// RUN/control.json: where the job's owner listens.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/status.h"
#include "common/files/file_system.h"

namespace deit::control {

// Says that this process is the owner and listens on `port` of 127.0.0.1. Atomic for readers, not synced: after a crash of the machine
// there is no owner.
Status WriteControlAddress(files::FileSystem& fs, const std::string& path, uint16_t port);

// The port of an owner that lives. NotFound without the file or when the owner that it names has ended; DataLoss when it cannot be
// read or names something other than a port of 127.0.0.1.
StatusOr<uint16_t> ReadControlAddress(files::FileSystem& fs, const std::string& path);

}  // namespace deit::control
