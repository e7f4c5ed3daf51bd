#include "coordinator/api/vit_pytorch_config.h"

#include <array>

#include "common/base/status.h"
#include "common/models/model_catalog.h"
#include "common/models/transformer.h"
#include "coordinator/api/json_list.h"
#include "coordinator/api/timm_config.h"

namespace deit::api {
namespace {

using models::Family;

void SetInput(const v1::ModelSpec& model, v1::VitPytorchArguments* arguments) {
  arguments->set_image_size(model.img_size());
  arguments->set_num_classes(model.num_classes());
  arguments->set_dim(model.embed_dim());
  arguments->set_channels(model.in_chans());
}

void SetBlocks(const v1::ModelSpec& model, v1::VitPytorchArguments* arguments) {
  arguments->set_depth(model.depth());
  arguments->set_heads(model.num_heads());
  arguments->set_dim_head(model.head_dim());
}

void SetPlainBlocks(const v1::ModelSpec& model, v1::VitPytorchArguments* arguments) {
  SetBlocks(model, arguments);
  arguments->set_mlp_dim(static_cast<int>(models::HiddenUnits(model)));
}

v1::VitPytorchObject InnerTransformer(const v1::ModelSpec& model) {
  v1::VitPytorchObject object;
  const bool plain = model.transformer() == v1::ModelSpec::PLAIN;
  object.set_architecture(plain ? "vit_pytorch.vit.Transformer" : "nystrom_attention.Nystromformer");
  object.mutable_model_args()->set_dim(model.embed_dim());
  if (plain) {
    SetPlainBlocks(model, object.mutable_model_args());
  } else {
    SetBlocks(model, object.mutable_model_args());
    object.mutable_model_args()->set_num_landmarks(model.num_landmarks());
  }
  return object;
}

void SetArchitecture(const v1::ModelSpec& model, v1::VitPytorchConfig* config) {
  v1::VitPytorchArguments* arguments = config->mutable_model_args();
  SetInput(model, arguments);
  switch (models::FamilyOf(model)) {
    case Family::kDistillableVit:
      config->set_architecture("vit_pytorch.vit.ViT");
      arguments->set_patch_size(model.patch_size());
      return SetPlainBlocks(model, arguments);
    case Family::kDistillableT2tVit:
      config->set_architecture("vit_pytorch.t2t.T2TViT");
      SetPlainBlocks(model, arguments);
      for (int i = 0; i < model.t2t_kernels_size(); ++i) {
        const std::array layer = {model.t2t_kernels(i), model.t2t_strides(i)};
        *arguments->mutable_t2t_layers()->add_values()->mutable_list_value() = NumberList(layer);
      }
      return;
    case Family::kDistillableEfficientVit:
      config->set_architecture("vit_pytorch.efficient.ViT");
      arguments->set_patch_size(model.patch_size());
      *config->mutable_transformer() = InnerTransformer(model);
      return;
    default: break;
  }
  DEIT_CHECK(false, model.name());
}

}  // namespace

v1::VitPytorchConfig VitPytorchConfig(const v1::JobSpec& job) {
  v1::VitPytorchConfig config;
  config.set_library("vit-pytorch");
  SetArchitecture(job.model(), &config);
  config.set_num_classes(job.model().num_classes());
  *config.mutable_pretrained_cfg() = PixelsOf(job);
  return config;
}

}  // namespace deit::api
