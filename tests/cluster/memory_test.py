"""The quick start's worker is small, and does not grow while it trains."""
import os
import pathlib
import signal

from cluster import STOPPED, ClusterTest, main, poll, run_dir

STUDENT = pathlib.Path(__file__).resolve().parents[2] / "configs/quickstart/student.textproto"
MB = 1e6
LARGEST = 400 * MB  # resident, at most
GROWTH = 2 * MB  # of 1,980 steps: 1 KB in each would show


def memory(pid, field):
    """Bytes of a process: VmRSS, resident now, or VmHWM, resident at most."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no {field}")


class Memory(ClusterTest):
    def start(self, *words):
        launch = self.launch(f"--config={STUDENT}", f"--run_dir={run_dir(self.folder, 'run')}", "train.epochs=1000", *words, workers=2)
        return launch, launch.workers(2)

    def wait_for_step(self, step):
        metrics = self.folder / "run/metrics.jsonl"
        for _ in poll(200, f"step {step}"):
            if metrics.exists() and metrics.read_bytes().count(b"\n") >= step:
                return

    def stop(self, launch):
        os.kill(launch.pid, signal.SIGUSR1)
        self.assertEqual(launch.wait().code, STOPPED)

    def test_the_quick_starts_worker_stays_below_400_mb(self):
        launch, pids = self.start("data.max_images=640")  # epochs of 5 steps, so that evaluation and checkpoints are in it
        self.wait_for_step(16)
        most = max(memory(pid, "VmHWM") for pid in pids)
        self.stop(launch)
        print(f"resident at most: {most / MB:.0f} MB")
        self.assertLessEqual(most, LARGEST)

    def test_two_thousand_steps_do_not_grow_it(self):
        launch, pids = self.start("train.batch_size=16", "checkpoint.every_steps=100")
        self.wait_for_step(20)
        before = [memory(pid, "VmRSS") for pid in pids]
        self.wait_for_step(2000)
        growth = [memory(pid, "VmRSS") - resident for pid, resident in zip(pids, before)]
        self.stop(launch)
        print(f"growth of the workers, from {[round(b / MB) for b in before]} MB: {[round(g / MB, 2) for g in growth]} MB")
        self.assertLessEqual(max(growth), GROWTH)


if __name__ == "__main__":
    main()
