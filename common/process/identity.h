// The identity of a process, which a later process of the same number does not share. Linux only (proc(5)).
#pragma once

#include <sys/types.h>

#include <string>

#include "common/base/status.h"
#include "proto/job.pb.h"

namespace deit::process {

enum class Life {
  kAlive,
  kDead,     // the kernel says so: no such process, a zombie, or another start time
  kHidden,   // on this machine, but it cannot be seen from here: another pid namespace, no descriptor left. Counts as alive
  kUnknown,  // of another machine, or of an earlier boot of this one: only the age of its last word tells
};

// This process.
v1::ProcessIdentity Self();

// The living process `pid` of this pid namespace; NotFound when there is none, Unavailable when it cannot be looked at.
StatusOr<v1::ProcessIdentity> IdentityOf(pid_t pid);

// An identity without a pid is dead.
Life LifeOf(const v1::ProcessIdentity& identity);

// Whether it is of this machine since its last boot, whatever the machine's name is.
bool OnThisMachine(const v1::ProcessIdentity& identity);

// /proc/sys/kernel/random/boot_id; empty when it cannot be read.
std::string BootId();

// Whether it lives but does not run: SIGSTOP, a debugger.
bool IsStopped(const v1::ProcessIdentity& identity);

// Whether process `pid` has a handler for `signal`, so that the signal does not end it. False when that cannot be read.
bool Catches(pid_t pid, int signal);

// Sends `signal` to exactly that process. By pidfd_open(2), so that no other process can come in between; where the kernel has or allows
// none, by kill(2) right after a look at the start time. NotFound when it is dead, FailedPrecondition when it cannot be seen from here.
Status Signal(const v1::ProcessIdentity& identity, int signal);

// "process 4711 on node1".
std::string Describe(const v1::ProcessIdentity& identity);

}  // namespace deit::process
