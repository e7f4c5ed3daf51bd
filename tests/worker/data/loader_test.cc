#include "worker/data/loader.h"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "worker/data/pixel_buffer.h"

namespace deit::data {
namespace {

using ::testing::HasSubstr;

constexpr int kBatch = 24, kLanes = 4;  // 6 views a lane

// Pixels are the position, labels the image. Positions can be made to fail, and rendering can be held up.
class FakeViews final : public ViewSource {
 public:
  int channels() const override { return 1; }
  int size() const override { return 2; }

  Status Render(const plan::View& view, float* pixels, Rendered* rendered) const override {
    std::unique_lock lock(mutex_);
    ++started_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_; });
    lock.unlock();
    if (failing_.contains(view.position)) return absl::DataLossError("/data/x.jpg: broken JPEG");
    std::fill_n(pixels, 4, static_cast<float>(view.position));
    *rendered = {static_cast<int32_t>(view.image), view.image % 3 == 0};
    return absl::OkStatus();
  }

  void Fail(std::set<uint64_t> positions) { failing_ = std::move(positions); }
  void Hold() { Set(true); }
  void Release() { Set(false); }
  int started() const {
    const std::lock_guard lock(mutex_);
    return started_;
  }
  void AwaitStarted(int views) const {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), [&] { return started_ >= views; }));
  }

 private:
  void Set(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable int started_ = 0;
  bool held_ = false;
  std::set<uint64_t> failing_;
};

struct Content {
  std::vector<plan::View> views;
  std::vector<int32_t> labels;
  std::vector<float> pixels;
  int replaced = 0;
  bool operator==(const Content&) const = default;
};

class LoaderTest : public ::testing::Test {
 protected:
  static LoaderOptions Options(plan::LaneRun lanes, uint64_t end_step, int threads = 1) {
    return {.lanes = lanes, .lane_count = kLanes, .batch_size = kBatch, .end_step = end_step, .threads = threads};
  }
  std::unique_ptr<Loader> Start(const LoaderOptions& options) {
    auto loader = Loader::Start(sampler_, views_, options);
    EXPECT_TRUE(loader.ok()) << loader.status();
    return std::move(loader).value();
  }
  // Everything that a loader gives, by (step, lane); checks the order.
  std::map<std::pair<uint64_t, int>, Content> All(const LoaderOptions& options) {
    const auto loader = Start(options);
    std::map<std::pair<uint64_t, int>, Content> all;
    for (uint64_t step = options.first_step; step < options.end_step; ++step) {
      for (int lane = options.lanes.begin; lane < options.lanes.end; ++lane) {
        const auto batch = loader->Next();
        EXPECT_TRUE(batch.ok()) << batch.status();
        EXPECT_EQ((*batch)->step, step);
        EXPECT_EQ((*batch)->lane, lane);
        const float* pixels = (*batch)->pixels;
        all[{step, lane}] = {(*batch)->views, (*batch)->labels, {pixels, pixels + (*batch)->views.size() * 4}, (*batch)->replaced};
      }
    }
    EXPECT_EQ(*loader->Next(), nullptr);
    EXPECT_EQ(*loader->Next(), nullptr);
    return all;
  }

  const plan::Sampler sampler_ = *plan::Sampler::Create({.images = 97, .batch_size = kBatch, .seed = 5});
  FakeViews views_;
};

TEST(LoaderOptionsTest, AreWhatTheJobSays) {
  v1::JobSpec spec;
  spec.mutable_train()->set_batch_size(96);
  spec.mutable_train()->set_lanes(4);
  spec.mutable_data()->set_threads(3);
  spec.mutable_data()->set_prefetch(5);
  const LoaderOptions options = LoaderOptionsOf(spec, {1, 3}, 7, 9);
  EXPECT_EQ(std::make_pair(options.lanes.begin, options.lanes.end), std::make_pair(1, 3));
  EXPECT_EQ(std::make_pair(options.lane_count, options.batch_size), std::make_pair(4, 96));
  EXPECT_EQ(std::make_pair(options.first_step, options.end_step), std::make_pair(uint64_t{7}, uint64_t{9}));
  EXPECT_EQ(std::make_pair(options.threads, options.depth), std::make_pair(3, 5));
}

TEST_F(LoaderTest, GivesTheStreamsViewsLaneByLane) {
  const auto all = All(Options({0, kLanes}, 9));
  ASSERT_EQ(all.size(), 36u);
  for (const auto& [key, content] : all) {
    ASSERT_EQ(content.views.size(), 6u);
    const auto replaced = [](const plan::View& view) { return view.image % 3 == 0; };
    EXPECT_EQ(content.replaced, std::count_if(content.views.begin(), content.views.end(), replaced));
    for (size_t slot = 0; slot < 6; ++slot) {
      const uint64_t position = key.first * kBatch + static_cast<uint64_t>(key.second) * 6 + slot;
      EXPECT_EQ(content.views[slot], sampler_.At(position));
      EXPECT_EQ(content.labels[slot], static_cast<int32_t>(sampler_.At(position).image));
      for (size_t i = 0; i < 4; ++i) EXPECT_EQ(content.pixels[slot * 4 + i], static_cast<float>(position));
    }
  }
}

TEST_F(LoaderTest, GivesTheSameForAnyThreadsDepthAndWorkers) {
  const auto expected = All(Options({0, kLanes}, 9));
  for (const int threads : {2, 4, 9}) {
    for (const int depth : {1, 3, 100}) {
      LoaderOptions options = Options({0, kLanes}, 9, threads);
      options.depth = depth;
      EXPECT_EQ(All(options), expected) << threads << " threads, depth " << depth;
    }
  }
  std::map<std::pair<uint64_t, int>, Content> joined;
  for (int worker = 0; worker < 3; ++worker) joined.merge(All(Options(plan::LanesOfWorker(worker, 3, kLanes), 9, 2)));
  EXPECT_EQ(joined, expected);
}

// Each view's pixels, once mixed, hold the sum of all positions of its micro-batch; labels tell which thread rendered the view.
class SummedViews final : public ViewSource {
 public:
  int channels() const override { return 1; }
  int size() const override { return 1; }
  Status Render(const plan::View& view, float* pixels, Rendered* rendered) const override {
    static std::atomic<int32_t> threads = 0;
    thread_local const int32_t thread = ++threads;
    *pixels = static_cast<float>(view.position);
    rendered->label = thread;
    std::this_thread::yield();
    return absl::OkStatus();
  }
  void Mix(MicroBatch* batch) const override {
    const float sum = std::accumulate(batch->pixels, batch->pixels + batch->views.size(), 0.0f);
    std::fill_n(batch->pixels, batch->views.size(), sum);
  }
};

TEST_F(LoaderTest, MixesEachMicroBatchOnceAllItsViewsAreRendered) {
  const SummedViews views;
  for (const int threads : {1, 4}) {
    const auto loader = *Loader::Start(sampler_, views, Options({0, kLanes}, 30, threads));
    for (int k = 0; k < 30 * kLanes; ++k) {
      const MicroBatch& batch = **loader->Next();
      const float first = static_cast<float>(k) * 6;
      for (size_t slot = 0; slot < 6; ++slot) EXPECT_EQ(batch.pixels[slot], 6 * first + 15) << k;
    }
  }
}

TEST_F(LoaderTest, RendersViewsOfOneImageInOneThread) {
  const auto sampler = *plan::Sampler::Create({.images = 97, .batch_size = kBatch, .repeated_aug = 3, .seed = 5});
  const SummedViews views;
  const auto loader = *Loader::Start(sampler, views, Options({0, kLanes}, 30, 4));
  for (int k = 0; k < 30 * kLanes; ++k) {
    const MicroBatch& batch = **loader->Next();
    for (size_t slot = 1; slot < 6; ++slot) {
      if (batch.views[slot].image == batch.views[slot - 1].image) {
        EXPECT_EQ(batch.labels[slot], batch.labels[slot - 1]);
      }
    }
  }
}

TEST_F(LoaderTest, BeginsAtAnyStep) {
  LoaderOptions options = Options({1, 3}, 9, 2);
  const auto whole = All(options);
  options.first_step = 7;
  for (const auto& [key, content] : All(options)) EXPECT_EQ(content, whole.at(key));
  options.first_step = 9;
  EXPECT_TRUE(All(options).empty());
}

TEST_F(LoaderTest, KeepsToItsBuffersOnPageBounds) {
  const auto loader = Start(Options({0, kLanes}, 50, 3));
  std::set<const void*> pixels, views;
  for (int k = 0; k < 200; ++k) {
    const MicroBatch* batch = *loader->Next();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(batch->pixels) % kPixelAlignment, 0u);
    pixels.insert(batch->pixels);
    views.insert(batch->views.data());
  }
  EXPECT_EQ(pixels.size(), 3u);  // depth 2, and the one handed out
  EXPECT_EQ(views.size(), 3u);
}

TEST_F(LoaderTest, RendersAheadButNotIntoWhatTheCallerHolds) {
  const auto loader = Start(Options({0, kLanes}, 9, 4));
  views_.AwaitStarted(18);  // depth + 1 micro-batches
  const MicroBatch* first = *loader->Next();
  EXPECT_EQ(views_.started(), 18);
  EXPECT_EQ(first->pixels[0], 0.0f);
  ASSERT_TRUE(loader->Next().ok());
  views_.AwaitStarted(24);
}

TEST_F(LoaderTest, ReturnsTheFirstViewsErrorInPlaceOfItsMicroBatch) {
  views_.Fail({27, 29, 31});
  for (const int threads : {1, 4}) {
    const auto loader = Start(Options({0, kLanes}, 9, threads));
    for (int lane = 0; lane < kLanes; ++lane) ASSERT_TRUE(loader->Next().ok());
    for (int again = 0; again < 2; ++again) {
      const Status status = loader->Next().status();
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
      EXPECT_EQ(status.message(), absl::StrCat("step 1, lane 0, position 27, image ", sampler_.At(27).image, ": /data/x.jpg: broken JPEG"));
    }
  }
}

TEST_F(LoaderTest, StopsWhileNextIsBlocked) {
  views_.Hold();
  const auto loader = Start(Options({0, kLanes}, 9, 2));
  views_.AwaitStarted(2);
  std::thread stopper([&] { loader->Stop(); });
  EXPECT_EQ(loader->Next().status().code(), absl::StatusCode::kCancelled);
  stopper.join();
  EXPECT_EQ(loader->Next().status().code(), absl::StatusCode::kCancelled);
  views_.Release();
}

TEST_F(LoaderTest, EndsAtOnceWhereverItIs) {
  for (int taken = 0; taken < 8; ++taken) {
    const auto loader = Start(Options({0, kLanes}, 1000000, 4));
    for (int k = 0; k < taken; ++k) ASSERT_TRUE(loader->Next().ok());
  }
  EXPECT_LT(views_.started(), 8 * 11 * 6);
}

TEST_F(LoaderTest, ACallerThatLeavesIsNotHeld) {
  views_.Hold();
  const auto loader = Start(Options({0, kLanes}, 9, 2));
  int asked = 0;
  EXPECT_EQ(loader->Next([&] { return ++asked == 2; }).status().code(), absl::StatusCode::kCancelled);
  views_.Release();
  EXPECT_TRUE(loader->Next().ok());
}

// Each view takes longer than half the limit, and a micro-batch several limits.
TEST_F(LoaderTest, ViewsThatArriveKeepTheDeadlineAway) {
  std::atomic<int> views = 0;
  LoaderOptions options = Options({0, kLanes}, 9, 1);
  options.deadline = absl::Milliseconds(500);
  options.view_done = [&] {
    absl::SleepFor(absl::Milliseconds(300));
    ++views;
  };
  const auto loader = Start(options);
  EXPECT_TRUE(loader->Next().ok());
  EXPECT_GE(views, 6);
  loader->Stop();
}

TEST_F(LoaderTest, NamesWhatIsMissingAtTheDeadline) {
  views_.Hold();
  LoaderOptions options = Options({2, kLanes}, 9, 1);
  options.deadline = absl::Milliseconds(20);
  const auto loader = Start(options);
  const Status status = loader->Next().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(status.message(), "loader: step 0, lane 2: 6 of 6 views missing, and no other for 20ms");
  EXPECT_GE(loader->WaitSeconds(), 0.02);
  views_.Release();
}

}  // namespace
}  // namespace deit::data
