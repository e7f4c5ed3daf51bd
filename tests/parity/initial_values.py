"""Writes golden/initial_values.txt, how the tensors of the references start, for initial_values_test.cc:

  python tests/parity/initial_values.py     (timm 1.0.31, vit-pytorch 1.26.11, nystrom-attention 0.0.14, torch 2.14.1)

For each model a line with its ModelSpec, then for each tensor name, numbers drawn (over many fresh models), mean, deviation and kurtosis
(0 of what is constant).
"""
import reference_models
import timm
import timm.models.efficientnet
import timm.models.regnet
import torch
import vit_pytorch_models

MODELS = 40


def deit(name, family):
    """As DeiT's main.py makes it with timm 0.3.2: of timm's later initial values only the class token's differ (deviation 1e-6)."""
    def make():
        model = timm.create_model(name, img_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=3, num_classes=10)
        torch.nn.init.trunc_normal_(model.cls_token, std=0.02)
        return model

    return f'name: "{family}" num_classes: 10 img_size: 32 patch_size: 8 embed_dim: 48 depth: 2 num_heads: 3', make


def resnet(name, bottleneck):
    def make():
        return timm.create_model(name, layers=(1, 2, 1, 1), channels=(16, 24, 32, 40), num_classes=10)

    return f'name: "resnet" num_classes: 10 widths: [16, 24, 32, 40] depths: [1, 2, 1, 1] bottleneck: {bottleneck}', make


def regnety():
    return 'name: "regnety_002" num_classes: 10', lambda: timm.create_model("regnety_002", num_classes=10)


def efficientnet():
    def make():
        return timm.models.efficientnet._gen_efficientnet("efficientnet_b0", channel_multiplier=0.5, depth_multiplier=0.5, num_classes=10)

    return 'name: "efficientnet" num_classes: 10 width_mult: 0.5 depth_mult: 0.5', make


def student(case):
    name, sizes = vit_pytorch_models.SMALL[case]
    fields = vit_pytorch_models.student(name, **sizes)[1]
    return f'name: "{name}" {fields} distillation_token: true', lambda: vit_pytorch_models.student(name, **sizes)[0].add_wrapper()


def line(name, values):
    values = values.double()
    mean, deviation = values.mean().item(), values.std(correction=0).item()
    constant = bool((values == values[0]).all())
    kurtosis = 0 if constant else (((values - mean) / deviation) ** 4).mean().item()
    return f"{name} {values.numel()} {mean:.6g} {0 if constant else deviation:.6g} {kurtosis:.4g}\n"


def main():
    torch.manual_seed(0)
    models = [deit("vit_tiny_patch16_224", "vit"), deit("deit_tiny_distilled_patch16_224", "deit_distilled"), resnet("resnet18", "false"),
              resnet("resnet50", "true"), regnety(), efficientnet(), *(student(case) for case in vit_pytorch_models.SMALL)]
    lines = []
    for spec, make in models:
        states = [make().state_dict() for _ in range(MODELS)]
        lines.append(spec + "\n")
        for name, value in states[0].items():
            if value.dtype.is_floating_point:
                lines.append(line(name, torch.cat([state[name].flatten()[:40000] for state in states])))
    (reference_models.GOLDEN / "initial_values.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
