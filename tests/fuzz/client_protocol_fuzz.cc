#include "common/base/status.h"
#include "common/control/frame.h"
#include "common/control/session.h"
#include "tests/fuzz/control_peers.h"
#include "tests/fuzz/fuzz_target.h"

namespace deit::testing {
namespace {

using control::EncodeFrame;

// Bytes of an owner that does not know the token; `challenged`: after its Challenge.
void FuzzStranger(const std::string& bytes, bool challenged) {
  ControlPeers peers(false);
  if (challenged) DEIT_CHECK(peers.worker.Receive(peers.owner.Challenge()).ok());
  const auto received = peers.worker.Receive(bytes);
  DEIT_CHECK(!peers.worker.authenticated(), "a stranger is not believed");
  if (received.ok()) DEIT_CHECK(received->messages.empty(), "a stranger commands nothing");
}

// A body in an authenticated frame.
void FuzzOwnerMessage(const std::string& body) {
  ControlPeers peers(true);
  const std::string hello = GoodHello().SerializeAsString();
  const control::Transcript transcript{.owner_nonce = kOwnerNonce, .worker_nonce = kWorkerNonce, .hello = hello};
  control::Session session(control::SessionKey(kToken, transcript), control::Side::kOwner);
  const std::string message = session.Seal(body);
  if (message.size() > control::kMaxFrameBytes) return;
  const auto received = peers.worker.Receive(EncodeFrame(message));
  if (!received.ok()) return;
  DEIT_CHECK(received->messages.size() == 1 && received->messages[0].message_case() != v1::OwnerMessage::MESSAGE_NOT_SET, "set");
}

// A changed frame behind the handshake.
void FuzzFrame(const std::string& bytes) {
  ControlPeers peers(true);
  const auto received = peers.worker.Receive(bytes);
  if (received.ok()) DEIT_CHECK(received->messages.empty(), "no message without a MAC");
}

}  // namespace
}  // namespace deit::testing

// The first byte says what the rest is.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string rest = deit::testing::Content(data + 1, size - 1);
  const bool fits = rest.size() <= deit::control::kMaxFrameBytes;
  switch (data[0]) {
    case 's': deit::testing::FuzzStranger(rest, false); break;
    case 'f': deit::testing::FuzzFrame(rest); break;
    case 'c':
      if (fits) deit::testing::FuzzStranger(deit::control::EncodeFrame(rest), false);
      break;
    case 'a':
      if (fits) deit::testing::FuzzStranger(deit::control::EncodeFrame(rest), true);
      break;
    case 'o': deit::testing::FuzzOwnerMessage(rest); break;
    default: break;
  }
  return 0;
}
