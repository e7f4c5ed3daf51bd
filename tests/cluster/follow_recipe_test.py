"""Twenty steps on RGB pictures, augmented and mixed, follow Pillow, timm and PyTorch, whose results tests/parity/follow_recipe.py left in
golden/recipe.json: pictures of each format reach the loss, with the targets that belong to them.
"""
import json
import pathlib

import recipe_case
from cluster import main
from following import Following


class FollowRecipe(Following):
    case = recipe_case
    golden = json.loads((pathlib.Path(__file__).parent / "golden/recipe.json").read_text())

    def test_a_folder_with_rand_augment_erasing_and_mixup(self):
        self.follow("folder")

    def test_shards_with_both_mixes_and_a_hard_teacher(self):
        self.follow("shards", workers=2)

    def test_cifar_with_cutmix_and_binary_cross_entropy(self):
        self.follow("cifar")


if __name__ == "__main__":
    main()
