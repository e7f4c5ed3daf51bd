"""Law 1 for every family of students: whatever the number of workers, and whatever becomes of one of them."""
from cluster import CONVNET, LONG, PUBLISHED, STUDENT, STUDENTS, ClusterTest, main

PLAIN = STUDENT.replace("deit_distilled", "vit").replace("student", "plain")
FAMILIES = {"timm_vit": PLAIN, "deit": STUDENT, "convnet": CONVNET, **PUBLISHED, **STUDENTS}
DISTILLED = ("deit", *STUDENTS)  # with a token of their own; the others do without a teacher here


class Families(ClusterTest):
    def result(self, config, name, workers, *words):
        return self.train(config, f"{name}_{workers}", *words, workers=workers).result()

    def check_worlds(self, config, name, worlds, *words):
        first = self.result(config, name, worlds[0], *words)
        for workers in worlds[1:]:
            with self.subTest(name=name, workers=workers):
                self.assertEqual(self.result(config, name, workers, *words), first)
        return first

    def jobs(self, names):
        """Each one's job file, and the words that its training takes."""
        teacher = self.teacher()
        for name in names:
            yield name, self.job(FAMILIES[name], name + ".textproto"), teacher if name in DISTILLED else []

    def check_kills(self, names):
        for name, config, words in self.jobs(names):
            with self.subTest(name=name):
                words = (*LONG, *words)
                saved = self.train_until_killed(config, name, *words)
                words = (*words, f"train.max_steps={saved + 2}")
                resumed = self.train(config, name, *words, workers=3)
                self.assertEqual(resumed.summary["attempts"][-1]["first_step"], saved)
                self.assertEqual(resumed.result(), self.check_worlds(config, name, (1, 2, 3), *words))

    def test_timms_students_through_a_kill(self):
        self.check_kills(("timm_vit", "deit", "bottleneck", "regnety", "efficientnet"))

    def test_vit_pytorchs_students_through_a_kill(self):
        self.check_kills(STUDENTS)

    def test_in_bf16(self):
        for name, config, words in self.jobs((*PUBLISHED, *STUDENTS)):
            words = (*words, "train.max_steps=4")
            rounded = self.check_worlds(config, f"{name}_bf16", (1, 3), *words, "train.precision=BF16")
            self.assertNotEqual(self.result(config, name, 1, *words)["weights_digest"], rounded["weights_digest"], name)


if __name__ == "__main__":
    main()
