// Process identity: boot id, pid and start time, because pids are reused. Linux only (proc(5)).
#pragma once

#include <sys/types.h>

#include "common/base/status.h"
#include "proto/job.pb.h"

namespace deit::process {

enum class Life {
  kAlive,
  kDead,     // ended, or a zombie, or the machine was rebooted
  kUnknown,  // of another host: cannot be observed here
};

// This process.
v1::ProcessIdentity Self();

// The living process `pid` of this host; NotFound when there is none.
StatusOr<v1::ProcessIdentity> IdentityOf(pid_t pid);

// An identity without a pid is dead.
Life LifeOf(const v1::ProcessIdentity& identity);

// Whether it lives but does not run: SIGSTOP, a debugger.
bool IsStopped(const v1::ProcessIdentity& identity);

// Sends `signal` to exactly that process (pidfd_open(2), so that no other process can come in between). NotFound when it is dead,
// FailedPrecondition when it is of another host.
Status Signal(const v1::ProcessIdentity& identity, int signal);

// "process 4711 on node1".
std::string Describe(const v1::ProcessIdentity& identity);

}  // namespace deit::process
