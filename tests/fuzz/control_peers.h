// Both sides of a control connection whose token and nonces are known, for fuzz targets that go beyond the proofs.
#pragma once

#include <string>

#include "common/base/status.h"
#include "common/control/client_protocol.h"
#include "common/control/handshake.h"
#include "common/control/server_protocol.h"

namespace deit::testing {

inline const std::string kToken(32, 't'), kOwnerNonce(control::kNonceBytes, 'o'), kWorkerNonce(control::kNonceBytes, 'w');

inline const control::AdmissionRules kRules = {
    .job = "0badf00d",
    .token = kToken,
    .launches = {{1, {.role = v1::Role::STUDENT, .workers = 2}}, {7, {.role = v1::Role::TEACHER, .workers = 1}}}};

inline v1::Hello GoodHello() {
  v1::Hello hello;
  hello.set_job("0badf00d");
  hello.set_launch(1);
  hello.set_role(v1::Role::STUDENT);
  hello.set_workers(2);
  return hello;
}

// `authenticated`: the handshake is done.
struct ControlPeers {
  explicit ControlPeers(bool authenticated) {
    if (!authenticated) return;
    const auto admitted = owner.Receive(worker.Receive(owner.Challenge()).value().reply);
    DEIT_CHECK(admitted.hello.has_value() && worker.Receive(admitted.reply).ok() && worker.authenticated());
  }

  control::ServerProtocol owner{&kRules, kOwnerNonce};
  control::ClientProtocol worker{GoodHello(), kToken, kWorkerNonce};
};

}  // namespace deit::testing
