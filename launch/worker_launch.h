// What starts the workers of a job: hosts and slots as data in, a command out. Pure; nothing is started here.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace deit::launch {

// Room for workers on one host.
struct NodeSlots {
  std::string host;  // empty: this machine
  int slots = 1;
};

struct WorkerLaunch {
  std::string program;  // deit-worker, absolute
  int workers = 1;
  std::vector<NodeSlots> nodes;    // filled in their order; slots in all at least `workers`
  std::vector<std::string> words;  // of each worker's command line
  std::string temporary_folder;    // for the launcher's own files: one of this launch's alone, so that it can be swept
  int cores = 1;                   // of this machine: with more workers than that they must share
  bool root = false;               // Open MPI wants to be told that root is meant
};

// A program to execute: its words, found through PATH, and what its environment has besides the caller's.
struct Command {
  std::vector<std::string> words;
  std::vector<std::pair<std::string, std::string>> environment;
};

// Open MPI 4's mpirun. On this machine alone: loopback only, so that no network is touched. When one worker dies the others are killed at
// once (odls_base_sigkill_timeout 0), without which a restart waits a second: the graceful signal is SIGUSR1, which mpirun passes on.
// Workers are not bound to cores: Open MPI would bind those of every job to the same ones.
Command MpirunCommand(const WorkerLaunch& launch);

}  // namespace deit::launch
