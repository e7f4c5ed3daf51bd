// Simulation of a supervised job in virtual time: a machine of made-up processes, a controller that carries out what the job machine wants,
// and the laws that must hold whatever fails. Everything follows from the seed.
#pragma once

#include <cstdint>
#include <string>

namespace deit::job {

struct SimulationResult {
  std::string violation;  // of a law, with the moment; empty: none
  std::string end;        // "SUCCEEDED", "FAILED", "STOPPED", "CANCELED"
  int launches = 0;
  int coordinator_restarts = 0;
};

SimulationResult Simulate(uint64_t seed);

}  // namespace deit::job
