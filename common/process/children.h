// Descendants of this process, and how to leave none of them behind.
#pragma once

#include <sys/types.h>

#include <vector>

#include "absl/time/time.h"

namespace deit::process {

// From now on, processes whose parents die below this one become this one's children (prctl(2), PR_SET_CHILD_SUBREAPER) instead of the
// machine's.
void AdoptOrphans();

// The children of `parent` on this host, of any of its threads; empty where it is not alive.
std::vector<pid_t> ChildrenOf(pid_t parent);

// This process's children that live. Call it from its only thread.
std::vector<pid_t> Children();

// Kills (SIGKILL) and reaps this process's children, and theirs as they come down, until there are none. Returns how many it killed; gives up
// after `limit`.
int KillChildren(absl::Duration limit);

}  // namespace deit::process
