// A communicator whose network is slow or loses messages: a decorator over any backend whose processes share one clock.
#pragma once

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "worker/collective/communicator.h"

namespace deit::testing {

struct Faults {
  absl::Duration delay;            // every transfer is seen to finish this much later, without occupying the link or delaying another
  std::vector<int> unreachable;    // what is sent to these ranks is lost; the sender notices nothing
  int first_prompt_tag = 1 << 19;  // messages under this tag and above are not delayed
};

// Messages carry the time of their sending with them (a second message under another tag), so that the delay counts from there and not
// from the moment at which it is tested. All members are wrapped alike; tags stay below 2^19. Subgroups are as faulty, Share() is not.
std::unique_ptr<collective::Communicator> NewFaultyCommunicator(std::unique_ptr<collective::Communicator> inner, const Faults& faults);

}  // namespace deit::testing
