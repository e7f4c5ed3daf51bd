// Output of this process by way of a queue and a thread of its own, so that a terminal or pipe that is not read keeps no other thread from
// its work. All functions are thread-safe.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace deit {

// From now on, until the process ends, WriteOutput leaves its texts to the queue. Call it once, and do not fork without exec afterwards.
void StartOutputQueue();

// Writes `text` to the descriptor, after those of earlier calls; a closed stream is no error of the job. Without a queue it returns when
// all is written. With one it returns at once: of more than 1 MiB that waits the oldest texts are dropped, and as soon as the rest is read
// a line on stderr tells how many.
void WriteOutput(int fd, absl::string_view text);

// Writes `text` directly, without the queue, in one write, so that lines of several processes stay whole. Does nothing for a negative descriptor;
// errors are ignored. Signal-safe.
void WriteDirectly(int fd, absl::string_view text);

// Whether texts wait for their reader. False without a queue.
bool OutputWaits();

// Returns when nothing waits any more, or after `limit`: false.
bool FlushOutput(absl::Duration limit);

}  // namespace deit
