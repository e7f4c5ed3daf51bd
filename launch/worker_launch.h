// Launch of a job's workers as data: hosts and slots in, a command out.
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
  std::string temporary_folder;    // for the launcher's own files: used by this launch alone, so that it can be removed afterwards
  int cores = 1;                   // of this machine: more workers than that must share them
  bool root = false;               // started by root: some launchers want that confirmed
};

// A program to execute: its words, found through PATH, and what its environment has besides the caller's.
struct Command {
  std::vector<std::string> words;
  std::vector<std::pair<std::string, std::string>> environment;
};

}  // namespace deit::launch
