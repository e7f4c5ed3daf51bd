"""Prints what timm's resample_abs_pos_embed makes of keyed position embeddings, for tests/worker/weights/fit_positions_test.cc.

  python tests/parity/resize_positions.py     (timm 1.0.31, torch 2.14.1)
"""
import keyed_values
import torch
from timm.layers import resample_abs_pos_embed


def main():
    for old, new in ((3, 5), (5, 3)):
        rows = torch.from_numpy(keyed_values.values(keyed_values.key_of("pos_embed"), old * old + 1)).float().reshape(1, -1, 1)
        resized = resample_abs_pos_embed(rows, [new, new], num_prefix_tokens=1).flatten().tolist()
        print(f"{old} {new}: {', '.join(f'{value:.7g}' for value in resized)}")


if __name__ == "__main__":
    main()
