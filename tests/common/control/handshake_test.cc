#include "common/control/handshake.h"

#include <gtest/gtest.h>

#include <set>

#include "common/control/hmac.h"

namespace deit::control {
namespace {

const std::string kOwner(kNonceBytes, 'o'), kWorker(kNonceBytes, 'w');

TEST(HandshakeTest, AProofIsTheHmacOfItsLabelBothNoncesAndTheHello) {
  const Transcript transcript{.owner_nonce = kOwner, .worker_nonce = kWorker, .hello = "hello"};
  EXPECT_EQ(WorkerProof("token", transcript), HmacSha256("token", "deit worker" + kOwner + kWorker + "hello"));
  EXPECT_EQ(OwnerProof("token", transcript), HmacSha256("token", "deit owner" + kOwner + kWorker + "hello"));
  EXPECT_EQ(SessionKey("token", transcript), HmacSha256("token", "deit session" + kOwner + kWorker + "hello"));
}

TEST(HandshakeTest, EverythingChangesTheProof) {
  std::set<std::string> proofs;
  const std::string other(kNonceBytes, 'x');
  for (const Transcript& transcript :
       {Transcript{kOwner, kWorker, "hello"}, Transcript{kWorker, kOwner, "hello"}, Transcript{other, kWorker, "hello"},
        Transcript{kOwner, other, "hello"}, Transcript{kOwner, kWorker, "hello2"}, Transcript{kOwner, kWorker, ""}}) {
    for (const char* token : {"token", "token2"}) {
      proofs.insert(WorkerProof(token, transcript));
      proofs.insert(OwnerProof(token, transcript));
      proofs.insert(SessionKey(token, transcript));
    }
  }
  EXPECT_EQ(proofs.size(), 6u * 2 * 3);
}

}  // namespace
}  // namespace deit::control
