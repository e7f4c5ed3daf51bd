// Rules by which the owner of a job admits workers to its control channel.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/control/rejection.h"
#include "proto/control.pb.h"

namespace deit::control {

// What the owner knows of a launch whose workers it admits.
struct AdmittedLaunch {
  v1::Role::Value role = v1::Role::STUDENT;
  int workers = 1;
};

struct AdmissionRules {
  std::string job;                         // id; 8 hex digits
  std::string token;                       // token_file.h
  std::map<int, AdmittedLaunch> launches;  // by id; several at once while a job changes its size
};

// Checks a Hello whose proof was right. Pure. Nothing: the worker is admitted, and 0 <= rank, worker < workers.
std::optional<Rejection> CheckAdmission(const AdmissionRules& rules, const v1::Hello& hello);

}  // namespace deit::control
