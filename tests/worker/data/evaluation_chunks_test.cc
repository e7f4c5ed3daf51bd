#include "worker/data/evaluation_chunks.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"

namespace deit::data {
namespace {

// Pixels are the image, labels its last digit; images above `last` are broken.
class FakeViews final : public ViewSource {
 public:
  explicit FakeViews(uint64_t last = 1000000) : last_(last) {}
  int channels() const override { return 3; }
  int size() const override { return 2; }
  Status Render(const plan::View& view, float* pixels, Rendered* rendered) const override {
    if (view.image > last_) return absl::DataLossError("/data/x.jpg: broken JPEG");
    std::fill_n(pixels, 12, static_cast<float>(view.image));
    rendered->label = static_cast<int32_t>(view.image % 10);
    return absl::OkStatus();
  }

 private:
  const uint64_t last_;
};

TEST(EvaluationChunksTest, ShowEachImageOnce) {
  for (const int64_t images : {1, 7, 8, 9, 100}) {
    for (const int chunk_size : {1, 4, 8, 1000}) {
      for (const int threads : {1, 3}) {
        const FakeViews views;
        EvaluationChunks chunks(views, images, chunk_size, threads);
        EXPECT_EQ(chunks.count(), (images + chunk_size - 1) / chunk_size);
        uint64_t next = 0;
        for (int64_t c = 0; c < chunks.count(); ++c) {
          const MicroBatch* batch = *chunks.Load(c);
          EXPECT_EQ(reinterpret_cast<uintptr_t>(batch->pixels) % kPixelAlignment, 0u);
          EXPECT_EQ(batch->step, static_cast<uint64_t>(c));
          for (size_t i = 0; i < batch->views.size(); ++i, ++next) {
            EXPECT_EQ(batch->views[i].image, next);
            EXPECT_EQ(batch->labels[i], static_cast<int32_t>(next % 10));
            EXPECT_EQ(batch->pixels[i * 12 + 11], static_cast<float>(next));
          }
        }
        EXPECT_EQ(next, static_cast<uint64_t>(images));
      }
    }
  }
}

TEST(EvaluationChunksTest, LoadInAnyOrder) {
  const FakeViews views;
  EvaluationChunks chunks(views, 10, 4, 2);
  EXPECT_EQ((*chunks.Load(2))->views.size(), 2u);
  EXPECT_EQ((*chunks.Load(0))->views.size(), 4u);
  EXPECT_EQ((*chunks.Load(2))->pixels[0], 8.0f);
}

TEST(EvaluationChunksTest, NameTheFirstBrokenImage) {
  const FakeViews views(5);
  EvaluationChunks chunks(views, 100, 4, 3);
  EXPECT_TRUE(chunks.Load(0).ok());
  const Status status = chunks.Load(1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "evaluation: image 6: /data/x.jpg: broken JPEG");
}

}  // namespace
}  // namespace deit::data
