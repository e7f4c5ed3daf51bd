"""Hugging Face's ViT and DeiT against ours. By hand:

  python tests/parity/huggingface.py                                   (writes tests/worker/weights/golden/huggingface.txt)
  python tests/parity/huggingface.py build/release/bin/deit-worker     (random weights of theirs through --task=predict)

The golden file has of each model its names and shapes, as save_pretrained() writes them and as state_dict() has them.
"""
import pathlib
import sys
import tempfile

import torch
import transformers
from safetensors.torch import load_file

SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 128, "image_size": 32, "patch_size": 8,
         "num_labels": 2}
OURS = ["model.num_classes=2", "model.img_size=32", "model.patch_size=8", "model.embed_dim=32", "model.depth=1", "model.num_heads=2"]
MODELS = {"vit": (transformers.ViTForImageClassification, transformers.ViTConfig),
          "deit_distilled": (transformers.DeiTForImageClassificationWithTeacher, transformers.DeiTConfig)}
GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "worker/weights/golden/huggingface.txt"


def forms():
    """Of each model its tensors in both forms."""
    for ours, (kind, config) in MODELS.items():
        model = kind(config(**SIZES)).eval()
        with torch.no_grad():
            for value in model.parameters():
                value += 0.2 * torch.randn_like(value)
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            yield ours, "saved", model, load_file(f"{folder}/model.safetensors")
        yield ours, "state_dict", model, model.state_dict()


def write_golden():
    lines = []
    for ours, form, _, tensors in forms():
        lines.append(f"{ours} {form}\n")
        lines += sorted(f"  {name} {'x'.join(map(str, value.shape))}\n" for name, value in tensors.items())
    GOLDEN.write_text("".join(lines))


def predict(worker):
    from predict_as_python import run_prediction
    torch.manual_seed(1)
    images = torch.randn(3, 3, 32, 32)
    for ours, form, model, tensors in forms():
        logits = run_prediction(worker, ours, tensors, images, OURS)
        with torch.no_grad():
            theirs = model(images).logits
        error = ((logits - theirs).abs().max() / theirs.abs().max()).item()
        print(f"{ours} {form}: largest difference over largest logit {error:.1e}", flush=True)
        assert error < 1e-5, (ours, form)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        predict(sys.argv[1])
    else:
        write_golden()
