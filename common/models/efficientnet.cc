#include "common/models/efficientnet.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/models/network_builder.h"
#include "proto/spec.pb.h"

namespace deit::models {
namespace {

struct Stage {
  int blocks;
  int64_t kernel, stride, width, expansion;
};
// Table 1 of the paper.
constexpr Stage kStages[] = {{1, 3, 1, 16, 1},  {2, 3, 2, 24, 6},  {2, 5, 2, 40, 6}, {3, 3, 2, 80, 6},
                             {3, 5, 1, 112, 6}, {4, 5, 2, 192, 6}, {1, 3, 1, 320, 6}};
constexpr int64_t kStem = 32, kHead = 1280;

// The multiple of 8 next to the scaled width, but not less than 0.9 of it.
int64_t Scaled(int64_t width, double factor) {
  const double wanted = static_cast<double>(width) * factor;
  const int64_t nearest = std::max<int64_t>(8, static_cast<int64_t>(wanted + 4) / 8 * 8);
  return static_cast<double>(nearest) < 0.9 * wanted ? nearest + 8 : nearest;
}

int MobileBlock(NetworkBuilder& net, const std::string& name, int x, int64_t width, const Stage& stage, int64_t stride) {
  const int64_t inputs = net.channels(x), hidden = inputs * stage.expansion;
  int norms = 0;
  const auto norm = [&](int y) { return net.BatchNorm(absl::StrCat(name, ".bn", ++norms), y); };
  const auto activated = [&](int y) { return net.Activation(Op::kSilu, norm(y)); };
  int y = x;
  if (stage.expansion > 1) y = activated(net.Convolution(name + ".conv_pw", y, hidden, {}));
  y = activated(net.Convolution(name + ".conv_dw", y, hidden, {.size = stage.kernel, .stride = stride, .groups = hidden}));
  y = net.SqueezeExcite(name + ".se.conv_reduce", name + ".se.conv_expand", y, inputs / 4, Op::kSilu);
  y = norm(net.Convolution(name + (stage.expansion > 1 ? ".conv_pwl" : ".conv_pw"), y, width, {}));
  return stride == 1 && inputs == width ? net.Add(y, x) : y;
}

}  // namespace

Network Efficientnet(const v1::ModelSpec& model) {
  NetworkBuilder net(model.in_chans(), model.img_size());
  int x = net.Convolution("conv_stem", kImage, Scaled(kStem, model.width_mult()), {.size = 3, .stride = 2});
  x = net.Activation(Op::kSilu, net.BatchNorm("bn1", x));
  for (size_t s = 0; s < std::size(kStages); ++s) {
    const Stage& stage = kStages[s];
    const int64_t width = Scaled(stage.width, model.width_mult());
    const int blocks = static_cast<int>(std::ceil(stage.blocks * model.depth_mult()));
    for (int block = 0; block < blocks; ++block) {
      x = MobileBlock(net, absl::StrCat("blocks.", s, ".", block), x, width, stage, block == 0 ? stage.stride : 1);
    }
  }
  x = net.Convolution("conv_head", x, Scaled(kHead, model.width_mult()), {});
  x = net.Activation(Op::kSilu, net.BatchNorm("bn2", x));
  const Initial head = {Initial::Kind::kUniform, 1 / std::sqrt(static_cast<double>(model.num_classes()))};
  net.Linear("classifier", net.MeanPool(x), model.num_classes(), head);
  return net.Take();
}

Status CheckEfficientnet(const v1::ModelSpec&) { return absl::OkStatus(); }

}  // namespace deit::models
