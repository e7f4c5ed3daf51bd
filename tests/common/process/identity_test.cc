#include "common/process/identity.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/child_process.h"
#include "tests/support/deny_system_call.h"

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

TEST(IdentityTest, AProcessOfAnotherMachineIsUnknownWhateverItsName) {
  auto identity = Self();
  identity.set_boot_id("another");
  EXPECT_EQ(LifeOf(identity), Life::kUnknown) << "a machine may share its name with another, as containers do";
  EXPECT_TRUE(absl::IsFailedPrecondition(Signal(identity, 0)));
  EXPECT_FALSE(OnThisMachine(identity));
  EXPECT_EQ(LifeOf(v1::ProcessIdentity()), Life::kDead);
}

TEST(IdentityTest, AMachineThatGotAnotherNameIsTheSame) {
  auto identity = Self();
  identity.set_host("laptop-at-home");
  EXPECT_EQ(LifeOf(identity), Life::kAlive);
  EXPECT_TRUE(OnThisMachine(identity));
}

TEST(IdentityTest, AProcessOfAnotherPidNamespaceIsHidden) {
  auto identity = Self();
  ASSERT_NE(identity.pid_namespace(), 0u);
  identity.set_pid_namespace(identity.pid_namespace() + 1);
  EXPECT_EQ(LifeOf(identity), Life::kHidden);
  EXPECT_TRUE(absl::IsFailedPrecondition(Signal(identity, 0)));
  identity.clear_pid_namespace();
  EXPECT_EQ(LifeOf(identity), Life::kAlive) << "written by an older version";
}

TEST(IdentityTest, AContainerSeesItsNeighboursProcessesAsHidden) {
  const v1::ProcessIdentity outside = Self();
  const auto result = testing::RunChild([&] {
    if (::unshare(CLONE_NEWPID) != 0) ::_exit(77);
    const pid_t inside = ::fork();  // the first process of the new namespace
    if (inside == 0) ::_exit(LifeOf(outside) == Life::kHidden ? 0 : 1);
    int status = 0;
    ::waitpid(inside, &status, 0);
    ::_exit(WEXITSTATUS(status));
  });
  if (result.ExitedWith(77)) GTEST_SKIP() << "no pid namespace can be made here: unshare needs root or user namespaces";
  EXPECT_TRUE(result.ExitedWith(0)) << result.err;
}

TEST(IdentityTest, WithoutDescriptorsNoLivingProcessIsDeclaredDead) {
  const Child child;
  const v1::ProcessIdentity living = *IdentityOf(child.pid());
  v1::ProcessIdentity gone;
  {
    const Child other;
    gone = *IdentityOf(other.pid());
  }
  const auto result = testing::RunChild([&] {
    const rlimit none = {0, 0};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) ::_exit(2);
    if (LifeOf(living) != Life::kHidden) ::_exit(3);
    if (LifeOf(gone) != Life::kDead) ::_exit(4);
  });
  EXPECT_TRUE(result.ExitedWith(0)) << result.status;
}

TEST(IdentityTest, SignalsWithoutProcessHandles) {
  Child child;
  const v1::ProcessIdentity living = *IdentityOf(child.pid());
  const auto result = testing::RunChild([&] {
    if (!testing::DenySystemCall(SYS_pidfd_open, ENOSYS)) ::_exit(77);
    if (!Signal(living, SIGKILL).ok()) ::_exit(1);
    auto another = living;
    another.set_start_time(living.start_time() - 1);
    if (!absl::IsNotFound(Signal(another, 0))) ::_exit(2);
  });
  if (result.ExitedWith(77)) GTEST_SKIP() << "no system call can be denied here";
  ASSERT_TRUE(result.ExitedWith(0)) << result.status;
  child.AwaitEnd();
}

TEST(IdentityTest, KnowsWhichSignalsAProcessCatches) {
  ::signal(SIGUSR2, [](int) {});
  EXPECT_TRUE(Catches(::getpid(), SIGUSR2));
  ::signal(SIGUSR2, SIG_DFL);
  EXPECT_FALSE(Catches(::getpid(), SIGUSR2));
  EXPECT_FALSE(Catches(0, SIGUSR2)) << "no such process";
}

}  // namespace
}  // namespace deit::process
