#include "common/control/handshake.h"

#include <gtest/gtest.h>

#include <set>

#include "common/control/hmac.h"

namespace deit::control {
namespace {

const std::string kOwner(kNonceBytes, 'o'), kWorker(kNonceBytes, 'w');

TEST(HandshakeTest, AProofIsTheHmacOfItsLabelBothNoncesAndTheHello) {
  const Introduced introduced{.owner_nonce = kOwner, .worker_nonce = kWorker, .hello = "hello"};
  EXPECT_EQ(WorkerProof("token", introduced), HmacSha256("token", "deit worker" + kOwner + kWorker + "hello"));
  EXPECT_EQ(OwnerProof("token", introduced), HmacSha256("token", "deit owner" + kOwner + kWorker + "hello"));
  EXPECT_EQ(SessionKey("token", introduced), HmacSha256("token", "deit session" + kOwner + kWorker + "hello"));
}

TEST(HandshakeTest, EverythingChangesTheProof) {
  std::set<std::string> proofs;
  const std::string other(kNonceBytes, 'x');
  for (const Introduced& introduced :
       {Introduced{kOwner, kWorker, "hello"}, Introduced{kWorker, kOwner, "hello"}, Introduced{other, kWorker, "hello"},
        Introduced{kOwner, other, "hello"}, Introduced{kOwner, kWorker, "hello2"}, Introduced{kOwner, kWorker, ""}}) {
    for (const char* token : {"token", "token2"}) {
      proofs.insert(WorkerProof(token, introduced));
      proofs.insert(OwnerProof(token, introduced));
      proofs.insert(SessionKey(token, introduced));
    }
  }
  EXPECT_EQ(proofs.size(), 6u * 2 * 3);
}

}  // namespace
}  // namespace deit::control
