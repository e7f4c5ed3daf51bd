// Every limit on waiting that a job's faults fall under: one field, or one formula of fields.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proto/spec.pb.h"

namespace deit::spec {

struct Limit {
  absl::Duration length;
  std::string name;     // the field, or the formula
  std::string meaning;  // from when on it counts, and what follows
};

// All of a resolved job, the shortest first.
std::vector<Limit> LimitsOf(const v1::JobSpec& job);

// Of the owner: without a piece of work of any worker, which the workers' own limit should have ended before.
absl::Duration OwnersStallLimit(const v1::FaultSpec& fault);

// Of the owner: from a request to stop until the attempt has ended. A save may take longer than was expected, as long as it gets on.
absl::Duration StopLimit(const v1::FaultSpec& fault);

}  // namespace deit::spec
