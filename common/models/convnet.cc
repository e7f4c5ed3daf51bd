#include "common/models/convnet.h"

#include "absl/strings/str_cat.h"
#include "common/models/network_builder.h"
#include "common/models/stages.h"
#include "proto/spec.pb.h"

namespace deit::models {

Network Convnet(const v1::ModelSpec& model) {
  NetworkBuilder net(model.in_chans(), model.img_size());
  int x = kImage;
  for (int stage = 0; stage < model.widths_size(); ++stage) {
    for (int index = 0; index < (stage == 0 ? 1 : 2); ++index) {
      const std::string name = absl::StrCat("stages.", stage, ".", index);
      const int64_t stride = stage > 0 && index == 0 ? 2 : 1;
      x = net.Convolution(name + ".conv", x, model.widths(stage), {.size = 3, .stride = stride});
      x = net.Relu(net.BatchNorm(name + ".bn", x));
    }
  }
  net.Linear("head.fc", net.MeanPool(x), model.num_classes(), {Initial::Kind::kNormal, 0.01});
  return net.Take();
}

Status CheckConvnet(const v1::ModelSpec& model) { return CheckStageCount("widths", model.widths_size()); }

}  // namespace deit::models
