// The standard streams, which a caller may have closed.
#pragma once

namespace deit::process {

// Opens /dev/null on each of descriptors 0, 1 and 2 that is closed: else the next file that is opened becomes one of them, and messages end
// up in it. First in main().
void OpenStandardStreams();

}  // namespace deit::process
