#include "common/process/identity.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace deit::process {
namespace {

// A child that waits for signals until the end of the test.
class Child {
 public:
  Child() : pid_(::fork()) {
    if (pid_ == 0) {
      for (;;) ::pause();
    }
  }
  ~Child() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    Reap();
  }
  pid_t pid() const { return pid_; }

  // Waits until it is a zombie.
  void AwaitEnd() const {
    siginfo_t info = {};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }
  void Reap() {
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_;
};

TEST(IdentityTest, ThisProcessLives) {
  EXPECT_EQ(Self().pid(), ::getpid());
  EXPECT_GT(Self().start_time(), 0u);
  EXPECT_EQ(LifeOf(Self()), Life::kAlive);
}

TEST(IdentityTest, AKilledProcessIsDeadAsAZombieAndAfterwards) {
  Child child;
  const auto identity = IdentityOf(child.pid());
  ASSERT_TRUE(identity.ok());
  EXPECT_EQ(LifeOf(*identity), Life::kAlive);
  ASSERT_TRUE(Signal(*identity, SIGKILL).ok());
  child.AwaitEnd();
  EXPECT_EQ(LifeOf(*identity), Life::kDead);
  EXPECT_TRUE(absl::IsNotFound(IdentityOf(child.pid()).status()));
  child.Reap();
  EXPECT_EQ(LifeOf(*identity), Life::kDead);
}

TEST(IdentityTest, AStoppedProcessIsSeenToBeStopped) {
  Child child;
  const auto identity = IdentityOf(child.pid());
  ASSERT_TRUE(identity.ok());
  EXPECT_FALSE(IsStopped(*identity));
  ::kill(child.pid(), SIGSTOP);
  siginfo_t info = {};
  ::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WSTOPPED);
  EXPECT_TRUE(IsStopped(*identity));
  EXPECT_EQ(LifeOf(*identity), Life::kAlive);
}

TEST(IdentityTest, ALaterProcessOfTheSameNumberIsAnother) {
  Child child;
  auto identity = IdentityOf(child.pid());
  ASSERT_TRUE(identity.ok());
  identity->set_start_time(identity->start_time() - 1);
  EXPECT_EQ(LifeOf(*identity), Life::kDead);
  EXPECT_TRUE(absl::IsNotFound(Signal(*identity, SIGKILL)));
  EXPECT_TRUE(IdentityOf(child.pid()).ok()) << "no process may have signalled it";
}

TEST(IdentityTest, AnotherBootIsDeadAndAnotherHostUnknown) {
  auto identity = Self();
  identity.set_boot_id("another");
  EXPECT_EQ(LifeOf(identity), Life::kDead);
  identity.set_host("another-host");
  EXPECT_EQ(LifeOf(identity), Life::kUnknown);
  EXPECT_TRUE(absl::IsFailedPrecondition(Signal(identity, 0)));
  EXPECT_EQ(LifeOf(v1::ProcessIdentity()), Life::kDead);
}

}  // namespace
}  // namespace deit::process
