#include "common/models/regnety.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/models/network_builder.h"
#include "common/models/stages.h"
#include "proto/spec.pb.h"

namespace deit::models {
namespace {

// NAME.conv and NAME.bn.
int Normalised(NetworkBuilder& net, const std::string& name, int x, int64_t outputs, NetworkBuilder::Kernel kernel, double start = 1) {
  return net.BatchNorm(name + ".bn", net.Convolution(name + ".conv", x, outputs, kernel), start);
}

int GroupedBlock(NetworkBuilder& net, const std::string& name, int x, int64_t width, int64_t group_width, int64_t stride) {
  // Halves are rounded to even, as by Python's round(), which sized the published weights.
  const auto squeezed = static_cast<int64_t>(std::nearbyint(static_cast<double>(net.channels(x)) * 0.25));
  int y = net.Relu(Normalised(net, name + ".conv1", x, width, {}));
  y = net.Relu(Normalised(net, name + ".conv2", y, width, {.size = 3, .stride = stride, .groups = width / group_width}));
  y = net.SqueezeExcite(name + ".se.fc1", name + ".se.fc2", y, squeezed, Op::kRelu);
  y = Normalised(net, name + ".conv3", y, width, {}, 0);
  const bool same = stride == 1 && net.channels(x) == width;
  return net.Relu(net.Add(y, same ? x : Normalised(net, name + ".downsample", x, width, {.stride = stride})));
}

}  // namespace

Network Regnety(const v1::ModelSpec& model) {
  NetworkBuilder net(model.in_chans(), model.img_size());
  int x = net.Relu(Normalised(net, "stem", kImage, 32, {.size = 3, .stride = 2}));
  for (int stage = 0; stage < model.widths_size(); ++stage) {
    for (int block = 0; block < model.depths(stage); ++block) {
      const std::string name = absl::StrCat("s", stage + 1, ".b", block + 1);
      x = GroupedBlock(net, name, x, model.widths(stage), model.group_width(), block == 0 ? 2 : 1);
    }
  }
  net.Linear("head.fc", net.MeanPool(x), model.num_classes(), {Initial::Kind::kNormal, 0.01});
  return net.Take();
}

Status CheckRegnety(const v1::ModelSpec& model) {
  DEIT_RETURN_IF_ERROR(CheckStages(model));
  for (const int width : model.widths()) {
    if (width % model.group_width() == 0) continue;
    return absl::InvalidArgumentError(absl::StrCat("group_width: ", model.group_width(), ": does not divide the width ", width));
  }
  // A first stage's input has the stem's 32 channels; a later one's must leave the squeezed layer at least one.
  for (const int width : model.widths()) {
    if (width < 3)
      return absl::InvalidArgumentError(absl::StrCat("widths: ", width, ": want at least 3, a quarter of it is squeezed into"));
  }
  return absl::OkStatus();
}

}  // namespace deit::models
