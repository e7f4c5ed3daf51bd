"""vit-pytorch's students with what its DistillWrapper adds; and writes what they compute, as reference_models.py does, for parity_test.cc,
and what they consist of, for model_tensors_test.cc:

  python tests/parity/vit_pytorch_models.py reduced|full|registry     (vit-pytorch 1.26.11, nystrom-attention 0.0.14, torch 2.14.1)

golden/parity/vit_pytorch_reduced/*.txt and vit_pytorch_full/*.txt: training goes with the distillation token and gives two logits,
evaluation without. golden/vit_pytorch.txt: a ModelSpec, and in the next line tensors, FNV-1a of all names and shapes in alphabetical
order, parameters, multiply-accumulates of evaluation.
"""
import sys

import keyed_values
import nystrom_attention
import reference_models
import torch
import vit_pytorch.distill
import vit_pytorch.efficient
import vit_pytorch.t2t
import vit_pytorch.vit
from torch.utils.flop_counter import FlopCounterMode


class Distilling:
    """A student that holds DistillWrapper's token and head, so that one state dict has all; it gives (class logits, distillation logits) in
    training and the class logits in evaluation.

    DistillMixin.forward, from which nothing else differs, takes tokens of shape (1, dim) only, which T2TViT and efficient.ViT have not.
    """

    plain = None  # forward of evaluation

    def add_wrapper(self):
        wrapper = vit_pytorch.distill.DistillWrapper(teacher=torch.nn.Identity(), student=self)
        self.distillation_token, self.distill_mlp = wrapper.distillation_token, wrapper.distill_mlp
        return self

    def distil(self, images, token):
        x = self.to_patch_embedding(images)
        x = torch.cat((self.cls_token.reshape(1, 1, -1).expand(len(x), -1, -1), x), dim=1)
        x = x + self.pos_embedding.reshape(1, *x.shape[1:])
        x = self._attend(torch.cat((x, token.expand(len(x), 1, -1)), dim=1))
        return self.mlp_head(x[:, 0]), x[:, -1]

    def forward(self, images):
        if not self.training or not hasattr(self, "distill_mlp"):
            return type(self).plain(self, images)
        logits, token = self.distil(images, self.distillation_token)
        return logits, self.distill_mlp(token)


class DistillingViT(Distilling, vit_pytorch.distill.DistillableViT):
    plain = vit_pytorch.vit.ViT.forward


class DistillingT2TViT(Distilling, vit_pytorch.distill.DistillableT2TViT):
    plain = vit_pytorch.t2t.T2TViT.forward


class DistillingEfficientViT(Distilling, vit_pytorch.distill.DistillableEfficientViT):
    plain = vit_pytorch.efficient.ViT.forward


FAMILIES = {"distillable_vit": DistillingViT, "distillable_t2t_vit": DistillingT2TViT, "distillable_efficient_vit": DistillingEfficientViT}


def student(name, classes=10, img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=3, head_dim=16, mlp_ratio=2,
            t2t=((7, 4), (3, 2), (3, 2)), landmarks=None):
    """A student of these sizes, and its spec. `landmarks`: a Nystromformer with so many."""
    sizes = {"image_size": img_size, "num_classes": classes, "dim": embed_dim}
    blocks = {"depth": depth, "heads": num_heads, "dim_head": head_dim}
    plain = blocks | {"mlp_dim": int(mlp_ratio * embed_dim)}
    fields = (f"num_classes: {classes} img_size: {img_size} embed_dim: {embed_dim} depth: {depth} num_heads: {num_heads} "
              f"head_dim: {head_dim} mlp_ratio: {mlp_ratio}")
    if name == "distillable_t2t_vit":
        kernels, strides = ([pair[k] for pair in t2t] for k in (0, 1))
        return FAMILIES[name](**sizes, **plain, t2t_layers=t2t), f"{fields} t2t_kernels: {kernels} t2t_strides: {strides}"
    fields += f" patch_size: {patch_size}"
    if name == "distillable_vit":
        return FAMILIES[name](**sizes, **plain, patch_size=patch_size), fields
    if landmarks is None:
        inner, fields = vit_pytorch.vit.Transformer(dim=embed_dim, **plain), fields + " transformer: PLAIN"
    else:
        inner = nystrom_attention.Nystromformer(dim=embed_dim, **blocks, num_landmarks=landmarks)
        fields += f" transformer: NYSTROMFORMER num_landmarks: {landmarks}"
    return FAMILIES[name](**sizes, patch_size=patch_size, transformer=inner), fields


# With landmarks=5 the ten tokens of evaluation fill their groups and the eleven of training do not.
SMALL = {
    "vit": ("distillable_vit", {}),
    "vit_one_head": ("distillable_vit", {"num_heads": 1, "head_dim": 24}),
    "t2t_vit": ("distillable_t2t_vit", {}),
    "t2t_vit_other_layers": ("distillable_t2t_vit", {"t2t": ((4, 3), (3, 2)), "mlp_ratio": 1}),
    "efficient_vit_plain": ("distillable_efficient_vit", {}),
    "efficient_vit_nystromformer": ("distillable_efficient_vit", {"img_size": 24, "landmarks": 5, "mlp_ratio": 4}),
}

# Of the README, and with landmarks that divide its tokens: those are padded otherwise, and linear layers see the padding too.
PUBLISHED = [
    ("distillable_vit", {"img_size": 256, "patch_size": 32, "embed_dim": 1024, "depth": 6, "num_heads": 8, "mlp_ratio": 2}),
    ("distillable_t2t_vit", {"img_size": 224, "embed_dim": 512, "depth": 5, "num_heads": 8, "mlp_ratio": 1}),
    ("distillable_efficient_vit",
     {"img_size": 2048, "patch_size": 32, "embed_dim": 512, "depth": 12, "num_heads": 8, "mlp_ratio": 4, "landmarks": 241}),
]


def check_mending():
    """The mended forward pass is the original's wherever that works."""
    torch.manual_seed(0)
    model, _ = student("distillable_vit")
    images, token = torch.randn(2, 3, 32, 32), torch.randn(1, 24)
    for ours, theirs in zip(model.distil(images, token), vit_pytorch.distill.DistillMixin.forward(model, images, token)):
        assert torch.equal(ours, theirs)


def registry_line(name, sizes, distils):
    model, fields = student(name, **sizes)
    if distils:
        model.add_wrapper()
        fields += " distillation_token: true"
    tensors = sorted(f"{key} {'x'.join(map(str, value.shape))}\n" for key, value in model.state_dict().items())
    side = sizes.get("img_size", 32)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(torch.zeros(1, 3, side, side))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    macs = "-" if distils else counter.get_total_flops() // 2
    return f"name: '{name}' {fields}\n{len(tensors)} {keyed_values.key_of(''.join(tensors)):016x} {parameters} {macs}\n"


def main(what):
    torch.set_num_threads(1)
    check_mending()
    if what == "registry":
        lines = [registry_line(*SMALL[case], distils) for case in SMALL for distils in (False, True)]
        lines += [registry_line(name, {"head_dim": 64, "classes": 1000, **sizes}, False) for name, sizes in PUBLISHED]
        (reference_models.GOLDEN / "vit_pytorch.txt").write_text("".join(lines))
        return
    cases = SMALL if what == "reduced" else {name: (name, {"head_dim": 64, "classes": 1000, **sizes}) for name, sizes in PUBLISHED}
    for case, (name, sizes) in cases.items():
        if what == "full" and "landmarks" in sizes:
            sizes |= {"img_size": 512, "landmarks": 256}  # what takes more tokens is the same again
        model, fields = student(name, **sizes)
        classes = sizes.get("classes", 10)
        fields = fields.replace(f"num_classes: {classes} ", "") + " distillation_token: true"
        images = (4, 2) if what == "reduced" else (1, 1)
        side = sizes.get("img_size", 32)
        reference_models.write_case(f"vit_pytorch_{what}", name, model.add_wrapper(), side, fields, classes, *images, case)


if __name__ == "__main__":
    main(sys.argv[1])
