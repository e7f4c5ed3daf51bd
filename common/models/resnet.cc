#include "common/models/resnet.h"

#include "absl/strings/str_cat.h"
#include "common/models/network_builder.h"
#include "common/models/stages.h"
#include "proto/spec.pb.h"

namespace deit::models {
namespace {

constexpr int64_t kExpansion = 4;  // of a bottleneck

// The residual branch up to its last batch norm, which starts at 0.
int Branch(NetworkBuilder& net, const std::string& name, int x, int64_t width, int64_t stride, bool bottleneck) {
  const auto norm = [&](int index, int y, double start) { return net.BatchNorm(absl::StrCat(name, ".bn", index), y, start); };
  if (!bottleneck) {
    x = net.Relu(norm(1, net.Convolution(name + ".conv1", x, width, {.size = 3, .stride = stride}), 1));
    return norm(2, net.Convolution(name + ".conv2", x, width, {.size = 3}), 0);
  }
  x = net.Relu(norm(1, net.Convolution(name + ".conv1", x, width, {}), 1));
  x = net.Relu(norm(2, net.Convolution(name + ".conv2", x, width, {.size = 3, .stride = stride}), 1));
  return norm(3, net.Convolution(name + ".conv3", x, kExpansion * width, {}), 0);
}

int ResidualBlock(NetworkBuilder& net, const std::string& name, int x, int64_t width, int64_t stride, bool bottleneck) {
  const int branch = Branch(net, name, x, width, stride, bottleneck);
  int shortcut = x;
  if (stride != 1 || net.channels(x) != net.channels(branch)) {
    shortcut = net.Convolution(name + ".downsample.0", x, net.channels(branch), {.stride = stride});
    shortcut = net.BatchNorm(name + ".downsample.1", shortcut);
  }
  return net.Relu(net.Add(branch, shortcut));
}

}  // namespace

Network Resnet(const v1::ModelSpec& model) {
  NetworkBuilder net(model.in_chans(), model.img_size());
  int x = net.Convolution("conv1", kImage, 64, {.size = 7, .stride = 2});
  x = net.MaxPool(net.Relu(net.BatchNorm("bn1", x)));
  for (int stage = 0; stage < model.widths_size(); ++stage) {
    for (int block = 0; block < model.depths(stage); ++block) {
      const int64_t stride = stage > 0 && block == 0 ? 2 : 1;
      x = ResidualBlock(net, absl::StrCat("layer", stage + 1, ".", block), x, model.widths(stage), stride, model.bottleneck());
    }
  }
  net.DefaultLinear("fc", net.MeanPool(x), model.num_classes());
  return net.Take();
}

Status CheckResnet(const v1::ModelSpec& model) { return CheckStages(model); }

}  // namespace deit::models
