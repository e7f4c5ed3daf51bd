"""Workers share the work: lanes, optimizer state and traffic, as summary.json counts them, are what the plan promises."""
from cluster import STUDENT, ClusterTest, main, read_safetensors

WIDE = ("model.embed_dim=192", "model.num_heads=3",  # tensors of several blocks
        "evaluate.every_epochs=0", "checkpoint.every_steps=100")  # both only at the end
LANES = 8
BLOCK = 65536  # elements
LANE_FACTS, STOP_FLAG, BLOCK_NORM = 48, 8, 8  # bytes in a worker's message of the small exchange


def lanes_of(worker, workers):
    """The first L mod W own one lane more."""
    return LANES // workers + (worker < LANES % workers)


def subtrees(begin, end):
    """How many maximal aligned subtrees cover lanes begin..end-1."""
    count = 0
    while begin < end:
        size = begin & -begin or LANES
        while size > end - begin:
            size //= 2
        begin, count = begin + size, count + 1
    return count


def fragments(run, worker):
    """Elements of each block of which `worker` owns the moments, read from the files that it saved."""
    tensors = read_safetensors(run.set(run.summary["steps"]) / f"exp_avg_{worker:02}.safetensors")
    return [shape[0] for _, shape, _ in tensors.values()]


class WorkShared(ClusterTest):
    def train_world(self, workers, steps):
        return self.train(self.job(STUDENT), f"w{workers}_{steps}", *WIDE, f"train.max_steps={steps}", workers=workers)

    def check_state(self, run, workers):
        """The moments and the EMA of each worker are those of its blocks; no share exceeds 1/W by more than a block."""
        blocks = [fragments(run, worker) for worker in range(workers)]
        elements = [sum(own) for own in blocks]
        for worker, said in enumerate(run.summary["workers"]):
            self.assertEqual(said["optimizer_state_bytes"], elements[worker] * 3 * 4)
        self.assertLessEqual(max(elements), sum(elements) / workers + BLOCK)
        self.assertLessEqual(max(max(own) for own in blocks), BLOCK)
        self.assertGreater(min(elements), 0)
        return blocks

    def bytes_per_step(self, blocks, workers):
        """Of each worker: what it reads of others' gradient sums for its part, and others' messages of the small exchange."""
        lanes = [lanes_of(worker, workers) for worker in range(workers)]
        sums = [subtrees(sum(lanes[:worker]), sum(lanes[: worker + 1])) for worker in range(workers)]
        messages = [STOP_FLAG + LANE_FACTS * lanes[worker] + BLOCK_NORM * len(blocks[worker]) for worker in range(workers)]
        padded = [sum((count + 63) // 64 * 64 for count in own) for own in blocks]
        return [padded[w] * 4 * (sum(sums) - sums[w]) + sum(messages) - messages[w] for w in range(workers)]

    def test_summary_says_who_did_what(self):
        elements = set()
        for workers in (1, 2, 3, 5, 8):
            with self.subTest(workers=workers):
                short, long = self.train_world(workers, 2), self.train_world(workers, 5)
                said = long.summary["workers"]
                lanes = [5 * lanes_of(worker, workers) for worker in range(workers)]
                self.assertEqual([worker["lanes_computed"] for worker in said], lanes)
                blocks = self.check_state(long, workers)
                elements.add(sum(map(sum, blocks)))
                # Evaluation and the checkpoint are the same in both runs.
                sent = [(b["bytes_sent"] - a["bytes_sent"]) / 3 for a, b in zip(short.summary["workers"], said)]
                self.assertEqual(sent, self.bytes_per_step(blocks, workers))
        self.assertEqual(len(elements), 1, "all worlds own the same elements together")

    def test_the_teacher_sees_each_micro_batch_once(self):
        config, teacher = self.job(STUDENT), self.teacher()
        for workers in (1, 3):
            run = self.train(config, f"taught_{workers}", "train.max_steps=3", *teacher, workers=workers)
            self.assertEqual(run.summary["teacher_forwards"], 3 * LANES)

    def test_a_world_that_wastes_workers_is_named(self):
        run = self.train(self.job(STUDENT), "five", "train.max_steps=1", workers=5)
        self.assert_says(run.ended, "5 workers run like 4 at 8 lanes")


if __name__ == "__main__":
    main()
