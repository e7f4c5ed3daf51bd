"""Law 1: the weights do not depend on how many workers ran."""
from cluster import CONVNET, PUBLISHED, STUDENT, ClusterTest, main

KEYS = ("weights_digest", "state_digest", "val_acc1", "steps")


class LawOne(ClusterTest):
    def result(self, config, workers, *words):
        run = self.train(config, f"w{workers}_{self.count}", *words, workers=workers)
        self.count += 1
        self.assertEqual(len(run.summary["workers"]), workers)
        return {key: run.summary[key] for key in KEYS}

    def setUp(self):
        super().setUp()
        self.count = 0

    def check_worlds(self, config, worlds, *words):
        """Equal results for all world sizes; returns the result."""
        first = self.result(config, worlds[0], *words)
        self.assertNotIn("", first.values())
        for workers in worlds[1:]:
            with self.subTest(words=words, workers=workers):
                self.assertEqual(self.result(config, workers, *words), first)
        return first

    def check_lanes_and_precisions(self, config, *words):
        digests = []
        for precision in ("FP32", "BF16"):
            for lanes, worlds in ((8, (1, 2, 3, 5, 8)), (16, (1, 3, 4))):
                settings = (*words, f"train.precision={precision}", f"train.lanes={lanes}")
                digests.append(self.check_worlds(config, worlds, *settings)["weights_digest"])
        self.assertEqual(len(set(digests)), 4, "lanes and precision belong to the job, so each gives other weights")

    def test_a_distilled_deit_with_a_hard_teacher(self):
        self.check_lanes_and_precisions(self.job(STUDENT), *self.teacher())

    def test_a_distilled_deit_with_a_soft_teacher(self):
        words = [*self.teacher()[:-1], "distillation.type=SOFT", "distillation.tau=3", "distillation.alpha=0.3"]
        self.check_worlds(self.job(STUDENT), (1, 3), *words)

    def test_other_ways_to_learn_from_a_teacher(self):
        config, hard = self.job(STUDENT), self.teacher()
        soft = [*hard[:-1], "distillation.type=SOFT"]
        other_pixels = ["teacher.model.img_size=20", "teacher.mean=0.3", "teacher.std=0.2"]
        ways = ([*soft, *other_pixels], [*soft, *other_pixels, "train.precision=BF16", "teacher.precision=BF16"],
                [*hard, "distillation.labels=false"], [*soft, "distillation.labels=false"], [*soft, "distillation.reduction=BATCHMEAN"])
        digests = {self.check_worlds(config, (1, 3), *words)["weights_digest"] for words in ways}
        digests |= {self.result(config, 2, *words)["weights_digest"] for words in (hard, soft, [*soft, *other_pixels[:1]])}
        self.assertEqual(len(digests), len(ways) + 3, "each of them belongs to the job")

    def test_a_convnet_with_batch_norm(self):
        self.check_lanes_and_precisions(self.job(CONVNET))

    def test_students_without_a_distillation_token(self):
        teacher = self.teacher()
        plain = STUDENT.replace("deit_distilled", "deit").replace("student", "plain")
        for name, text in (("plain", plain), ("resnet", PUBLISHED["resnet"])):
            config = self.job(text, name + ".textproto")
            digests = {self.check_worlds(config, (1, 3), *words)["weights_digest"]
                       for words in (teacher, [*teacher[:-1], "distillation.type=SOFT"], [])}
            self.assertEqual(len(digests), 3, "a teacher changes the weights, and so does the kind of distillation")

    def test_a_distilled_deit_with_few_labels(self):
        config, words, few = self.job(STUDENT), self.teacher(), "data.labelled=30"
        digests = {self.check_worlds(config, (1, 3, 8), *settings)["weights_digest"] for settings in ([*words, few], [few])}
        digests |= {self.result(config, 2, *settings)["weights_digest"] for settings in (words, [])}
        self.assertEqual(len(digests), 4, "labels belong to the job")

    def test_the_whole_augmentation(self):
        config = self.job(STUDENT)
        words = ("augment.aa=rand-m9-mstd0.5-inc1", "augment.reprob=0.5", "augment.mixup=0.8", "augment.cutmix=1.0")
        digests = {self.check_worlds(config, (1, 2, 3, 5), *words)["weights_digest"]}
        self.assertEqual(self.result(config, 2, *words, "data.threads=4")["weights_digest"], *digests)
        digests |= {self.result(config, 2, *words[:k], *words[k + 1:])["weights_digest"] for k in range(len(words))}
        self.assertEqual(len(digests), 5, "each of them belongs to the job")
        self.assertEqual(self.result(config, 1, *words, "augment.mixup_mode=PAIR"), self.result(config, 3, *words, "augment.mixup_mode=PAIR"))

    def test_another_seed_gives_other_weights(self):
        config = self.job(STUDENT)
        digests = {seed: self.result(config, 2, f"train.seed={seed}")["weights_digest"] for seed in (0, 1)}
        self.assertNotEqual(digests[0], digests[1])

    def test_another_data_seed_gives_other_weights(self):
        config = self.job(STUDENT)
        digests = {seed: self.result(config, 1, f"data.seed={seed}")["weights_digest"] for seed in (0, 1)}
        self.assertNotEqual(digests[0], digests[1])

    def test_two_threads_per_worker_equal_themselves(self):
        config = self.job(STUDENT)
        self.check_worlds(config, (1, 2, 3), "threads_per_worker=2", "train.max_steps=3")

    def test_another_order_of_summation_gives_other_weights(self):
        config = self.job(STUDENT)
        exact = self.result(config, 3)["weights_digest"]
        self.assertNotEqual(self.result(config, 3, "train.reduction=FASTEST")["weights_digest"], exact)

    def test_loader_threads_and_evaluation_chunks_do_not_matter(self):
        config = self.job(STUDENT)
        first = self.result(config, 1, "data.threads=1")
        self.assertEqual(self.result(config, 2, "data.threads=3"), first)

    def test_a_launcher_with_one_worker_is_a_world_of_one(self):
        config = self.job(STUDENT)
        bare = self.result(config, 1)
        run = self.train(config, "launched", workers=1, mpirun=True)
        self.assertEqual({key: run.summary[key] for key in KEYS}, bare)


if __name__ == "__main__":
    main()
