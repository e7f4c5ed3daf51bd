#include "common/process/children.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "common/process/identity.h"
#include "tests/support/child_process.h"

namespace deit::process {
namespace {

[[noreturn]] void WaitForSignals() {
  for (;;) ::pause();
}

TEST(ChildrenTest, OfAnotherProcessAreSeenToo) {
  const pid_t child = ::fork();
  if (child == 0) WaitForSignals();
  const std::vector<pid_t> children = ChildrenOf(::getpid());
  EXPECT_EQ(std::count(children.begin(), children.end(), child), 1);
  EXPECT_TRUE(ChildrenOf(child).empty());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(ChildrenOf(child).empty()) << "it is gone";
}

// A child with a child of its own, both deaf to polite signals. Returns the grandchild.
pid_t MakeFamily() {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  if (::fork() == 0) {
    ::signal(SIGTERM, SIG_IGN);
    const pid_t grandchild = ::fork();
    if (grandchild == 0) WaitForSignals();
    if (::write(ends[1], &grandchild, sizeof(grandchild)) != sizeof(grandchild)) ::_exit(1);
    WaitForSignals();
  }
  pid_t grandchild = 0;
  EXPECT_EQ(::read(ends[0], &grandchild, sizeof(grandchild)), static_cast<ssize_t>(sizeof(grandchild)));
  ::close(ends[0]);
  ::close(ends[1]);
  return grandchild;
}

TEST(ChildrenTest, NoneOfAFamilyIsLeft) {
  const auto result = testing::RunChild([] {
    AdoptOrphans();
    const pid_t grandchild = MakeFamily();
    const auto identity = IdentityOf(grandchild);
    const bool counted = Children().size() == 1;
    const int killed = KillChildren(absl::Seconds(20));
    const bool dead = identity.ok() && LifeOf(*identity) == Life::kDead;
    ::_exit(counted && killed == 2 && dead && Children().empty() ? 0 : 1);
  });
  EXPECT_TRUE(result.ExitedWith(0)) << result.err;
}

TEST(ChildrenTest, AStoppedChildIsKilledToo) {
  const auto result = testing::RunChild([] {
    const pid_t child = ::fork();
    if (child == 0) WaitForSignals();
    ::kill(child, SIGSTOP);
    ::_exit(KillChildren(absl::Seconds(20)) == 1 && Children().empty() ? 0 : 1);
  });
  EXPECT_TRUE(result.ExitedWith(0)) << result.err;
}

}  // namespace
}  // namespace deit::process
