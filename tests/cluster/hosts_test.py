"""Several hosts, as host names of their own on this machine: equal weights for any number of hosts and any placement of workers."""
import subprocess
import unittest

from cluster import CONVNET, STUDENT, WORKER, ClusterTest, main

CAN_NAME_HOSTS = subprocess.run(["unshare", "--uts", "true"], capture_output=True, check=False).returncode == 0
BY_NODE, BY_SLOT = "$((OMPI_COMM_WORLD_RANK % HOSTS))", "$((OMPI_COMM_WORLD_RANK * HOSTS / OMPI_COMM_WORLD_SIZE))"
START = """#!/bin/sh
HOSTS={hosts}
exec unshare --uts sh -c 'hostname "node$0" && exec "$@"' "{placement}" "{worker}" "$@"
"""
SMALL = ("model.embed_dim=16", "model.depth=1", "data.synthetic_images=256", "data.threads=1", "train.batch_size=128", "train.lanes=128",
         "train.epochs=1", "evaluate.every_epochs=0")


@unittest.skipUnless(CAN_NAME_HOSTS, "unshare --uts is not permitted")
class Hosts(ClusterTest):
    def train_on(self, hosts, workers, placement, config, *words):
        """Each worker has the host name that the placement gives to its rank."""
        name = f"h{hosts}_{workers}_{'node' if placement == BY_NODE else 'slot'}"
        program = self.folder / name
        program.write_text(START.format(hosts=hosts, placement=placement, worker=WORKER))
        program.chmod(0o755)
        return self.train(config, f"{name}_run", *words, workers=workers, program=program)

    def digest(self, run):
        return {key: run.summary.get(key) for key in ("weights_digest", "state_digest", "val_acc1", "steps")}

    def check(self, text, *words):
        config = self.job(text)
        alone = self.digest(self.train(config, "alone", *words))
        sent = {}
        for hosts, workers, placement in ((2, 4, BY_NODE), (2, 4, BY_SLOT), (3, 5, BY_NODE)):
            with self.subTest(hosts=hosts, workers=workers, placement=placement):
                run = self.train_on(hosts, workers, placement, config, *words)
                self.assertEqual(self.digest(run), alone)
                sent[workers, placement] = [worker["bytes_sent"] for worker in run.summary["workers"]]
        self.assertEqual(sent[4, BY_NODE], sent[4, BY_SLOT], "placement does not change what travels")

    def test_a_distilled_deit(self):
        self.check(STUDENT, *self.teacher())

    def test_a_convnet_with_batch_norm(self):
        self.check(CONVNET)

    def test_66_workers_on_two_hosts_by_node(self):
        config = self.job(STUDENT)
        alone = self.digest(self.train(config, "alone", *SMALL))
        self.assertEqual(self.digest(self.train_on(2, 66, BY_NODE, config, *SMALL)), alone)


if __name__ == "__main__":
    main()
