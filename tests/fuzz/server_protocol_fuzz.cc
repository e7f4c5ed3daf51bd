#include "common/base/status.h"
#include "common/control/frame.h"
#include "common/control/session.h"
#include "tests/fuzz/control_peers.h"
#include "tests/fuzz/fuzz_target.h"

namespace deit::testing {
namespace {

using control::EncodeFrame;

// Bytes of a peer that does not know the token, as a stream or as one frame.
void FuzzStranger(const std::string& bytes) {
  ControlPeers peers(false);
  const auto received = peers.owner.Receive(bytes);
  DEIT_CHECK(!peers.owner.authenticated() && !received.hello && received.messages.empty(), "a stranger is not admitted");
  if (received.rejection) DEIT_CHECK(!peers.owner.RejectionFrame(*received.rejection).empty(), "a stranger is told why");
}

// A ClientAuth whose Hello is covered by a right proof.
void FuzzHello(const std::string& hello) {
  ControlPeers peers(false);
  v1::ClientAuth auth;
  auth.set_version(control::kProtocolVersion);
  auth.set_nonce(kWorkerNonce);
  auth.set_hello(hello);
  auth.set_proof(control::WorkerProof(kToken, {.owner_nonce = kOwnerNonce, .worker_nonce = kWorkerNonce, .hello = hello}));
  const std::string message = auth.SerializeAsString();
  if (message.size() > control::kMaxFrameBytes) return;
  const auto received = peers.owner.Receive(EncodeFrame(message));
  DEIT_CHECK(received.hello.has_value() != received.rejection.has_value(), "admitted or rejected");
  if (received.hello) DEIT_CHECK(received.hello->rank() >= 0 && received.hello->rank() < received.hello->workers(), "rank");
}

// A body in an authenticated frame.
void FuzzWorkerMessage(const std::string& body) {
  ControlPeers peers(true);
  const std::string hello = GoodHello().SerializeAsString();
  const control::Transcript transcript{.owner_nonce = kOwnerNonce, .worker_nonce = kWorkerNonce, .hello = hello};
  control::Session session(control::SessionKey(kToken, transcript), control::Side::kWorker);
  const std::string message = session.Seal(body);
  if (message.size() > control::kMaxFrameBytes) return;
  const auto received = peers.owner.Receive(EncodeFrame(message));
  DEIT_CHECK(received.messages.size() == (received.rejection ? 0 : 1), "received or rejected");
  for (const v1::WorkerMessage& each : received.messages) DEIT_CHECK(each.message_case() != v1::WorkerMessage::MESSAGE_NOT_SET, "set");
}

// A changed frame behind the handshake.
void FuzzFrame(const std::string& bytes) {
  ControlPeers peers(true);
  DEIT_CHECK(peers.owner.Receive(bytes).messages.empty(), "no message without a MAC");
}

}  // namespace
}  // namespace deit::testing

// The first byte says what the rest is.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string rest = deit::testing::Content(data + 1, size - 1);
  switch (data[0]) {
    case 's': deit::testing::FuzzStranger(rest); break;
    case 'f': deit::testing::FuzzFrame(rest); break;
    case 'a':
      if (rest.size() <= deit::control::kMaxFrameBytes) deit::testing::FuzzStranger(deit::control::EncodeFrame(rest));
      break;
    case 'h': deit::testing::FuzzHello(rest); break;
    case 'w': deit::testing::FuzzWorkerMessage(rest); break;
    default: break;
  }
  return 0;
}
