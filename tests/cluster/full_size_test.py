"""deit_tiny_distilled at full size in BF16: two workers train it to the weights of one, in little more than half the time."""
from cluster import ClusterTest, main

FULL_SIZE = """
name: "full_size"
model { name: "deit_tiny_distilled_patch16_224" drop_path: 0.1 num_classes: 10 }
data { format: SYNTHETIC synthetic_images: 64 }
train { epochs: 10 max_steps: 6 batch_size: 16 lanes: 2 precision: BF16 }
evaluate { batch_size: 6 }
optimizer { lr: 5e-4 }
"""


class FullSize(ClusterTest):
    def fastest_step(self, run):
        """Seconds; the first step pays for what is made once."""
        return min(line["seconds"] for line in run.lines("metrics.jsonl")[1:])

    def test_two_workers_share_the_work_of_one(self):
        config = self.job(FULL_SIZE)
        one, two = (self.train(config, f"w{workers}", workers=workers) for workers in (1, 2))
        self.assertEqual(two.result(), one.result())
        ratio = self.fastest_step(two) / self.fastest_step(one)
        print(f"two workers' step takes {ratio:.2f} of one's, {self.fastest_step(one):.2f} s")
        self.assertLessEqual(ratio, 0.6)


if __name__ == "__main__":
    main()
