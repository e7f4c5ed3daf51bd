"""What the end-to-end tests share: a fresh folder, jobs, launches of deit-worker, and what a run folder says afterwards.

Each test runs in a folder of its own, which is removed. Every process that it starts carries MARK in its environment, so that what
is left of it can be found and ended by its number, and is a failure of the test.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case_runner import run_cases  # noqa: E402

WORKER = os.environ.get("DEIT_WORKER", "deit-worker")
COORD = os.environ.get("DEIT_COORD", "deit-coord")
MPIEXEC = os.environ.get("DEIT_MPIEXEC", "mpirun")
MARK = "DEIT_CLUSTER_TEST=" + uuid.uuid4().hex
LIMIT = 120  # seconds that no launch of these tests needs
PATIENCE = 5 if os.environ.get("DEIT_SANITIZE") else 1  # times as long, whatever the limit

# Exit codes, as the README promises them.
DONE, BAD_CONFIG, CORRUPT, MISSING, PEER_LOST, RUN_FOLDER, NOT_SAVED, STOPPED, NON_FINITE = 0, 64, 65, 66, 69, 73, 74, 75, 76

COMMON = """
log_interval: 1000
data { format: SYNTHETIC synthetic_images: 100 }
augment { repeated_aug: 3 crop_padding: 2 }
train { epochs: 2 batch_size: 32 lanes: 8 }
optimizer { lr: 2e-3 scale_lr: false clip_grad: 0.5 }
ema { decay: 0.9 }
"""
CONVNET = COMMON + 'name: "convnet" model { name: "convnet" num_classes: 10 img_size: 28 in_chans: 1 widths: [8, 16] }\n'
STUDENT = COMMON + """name: "student"
model { name: "deit_distilled" num_classes: 10 img_size: 28 in_chans: 1 patch_size: 7 embed_dim: 64 depth: 2 num_heads: 2 drop_path: 0.2 }
"""
PUBLISHED = {  # families of published convolutional networks, in small
    "resnet": 'name: "resnet" widths: [8, 16] depths: [1, 2]',
    "bottleneck": 'name: "resnet" widths: [8, 16] depths: [1, 1] bottleneck: true',
    "regnety": 'name: "regnety" widths: [16, 32] depths: [2, 1] group_width: 8',
    "efficientnet": 'name: "efficientnet" width_mult: 0.25 depth_mult: 0.4',
}
STUDENTS = {  # vit-pytorch's
    "vit": 'name: "distillable_vit" patch_size: 7 mlp_ratio: 2',
    "t2t": 'name: "distillable_t2t_vit" t2t_kernels: [7, 3] t2t_strides: [4, 2]',
    "efficient": 'name: "distillable_efficient_vit" patch_size: 7 transformer: PLAIN',
    "nystrom": 'name: "distillable_efficient_vit" patch_size: 7 transformer: NYSTROMFORMER num_landmarks: 4',
}
PUBLISHED = {key: COMMON + f'name: "{key}" model {{ {sizes} num_classes: 10 img_size: 28 in_chans: 1 }}\n'
             for key, sizes in PUBLISHED.items()}
BLOCKS = "embed_dim: 32 depth: 2 num_heads: 2 head_dim: 16"
STUDENTS = {key: COMMON + f'name: "{key}" model {{ {sizes} {BLOCKS} num_classes: 10 img_size: 28 in_chans: 1 }}\n'
            for key, sizes in STUDENTS.items()}
LONG = ("train.epochs=100000", "evaluate.every_epochs=0", "checkpoint.every_steps=1")  # for what ends otherwise
STEPS = 7  # of all: 2 epochs of 100 images in batches of 32


class Ended:
    """How a launch ended."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds
        self.text = out + err

    def __str__(self):
        return f"exit {self.code} after {self.seconds:.1f} s\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Launch:
    """A launch that runs. One worker is started bare, several under mpirun. `output`: a descriptor that gets what it prints."""

    def __init__(self, folder, workers, words, env=None, mpirun=None, program=WORKER, output=None):
        command = [str(program), *map(str, words)]
        if workers > 1 or mpirun:
            command = [MPIEXEC, "-np", str(workers), *command]
        environment = dict(os.environ, TMPDIR=str(folder / "tmp"), DEIT_STATE_DIR=str(folder / "state"), **(env or {}))
        environment.update([MARK.split("=")])
        environment["OMPI_ALLOW_RUN_AS_ROOT"] = environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
        environment["OMPI_MCA_rmaps_base_oversubscribe"] = "1"
        self.folder, self.start = folder, time.monotonic()
        self.out, self.err = tempfile.TemporaryFile(dir=folder), tempfile.TemporaryFile(dir=folder)
        self.process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=self.out if output is None else output,
                                        stderr=self.err if output is None else output, start_new_session=True)
        self.pid = self.process.pid

    def workers(self, count):
        """The workers' process ids, by number, once there are so many."""
        for _ in poll(30, f"{count} workers"):
            found = {}
            for pid, environment in marked():
                rank = environment.get("OMPI_COMM_WORLD_RANK")
                if rank is not None and parent(pid) == self.pid:
                    found[int(rank)] = pid
            if len(found) == count:
                return [found[rank] for rank in range(count)]

    def wait(self, limit=LIMIT):
        limit *= PATIENCE
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            for pid, _ in marked():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"still running after {limit} s\n{self.ended(self.process.wait())}") from None
        return self.ended(code)

    def ended(self, code):
        texts = []
        for stream in (self.out, self.err):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
            stream.close()
        return Ended(code, *texts, time.monotonic() - self.start)


def poll(limit, what):
    """Yields until `limit` seconds are over, which is a failure."""
    limit *= PATIENCE
    end = time.monotonic() + limit
    while time.monotonic() < end:
        yield
        time.sleep(0.005)
    raise AssertionError(f"{what}: not within {limit} s")


def marked():
    """(process id, environment) of what this test program started and still lives."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
            if MARK in words and (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                found.append((int(entry.name), dict(word.split("=", 1) for word in words if "=" in word)))
    return found


def parent(pid):
    with contextlib.suppress(OSError):
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return 0


class Run:
    """What a run folder says."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def json(self, name):
        return json.loads((self.path / name).read_text())

    def lines(self, name):
        return [json.loads(line) for line in (self.path / name).read_text().splitlines()]

    @property
    def summary(self):
        return self.json("summary.json")

    def sets(self):
        """Steps of complete checkpoint sets, oldest first."""
        return sorted(int(path.parent.name[5:]) for path in self.path.glob("checkpoints/step_*/manifest.json"))

    def set(self, step):
        return self.path / "checkpoints" / f"step_{step:08}"

    def manifest(self, step):
        return json.loads((self.set(step) / "manifest.json").read_text())

    def state(self):
        """What must be equal wherever and however often a job ran: the state after its last step, and the views that led to it."""
        summary = self.summary
        ledger = self.manifest(summary["steps"])["ledger"]
        return {key: summary[key] for key in ("steps", "weights_digest", "state_digest")} | {"ledger": ledger}

    def result(self):
        """The same of a job that has ended, or whose last step was evaluated."""
        return self.state() | {key: self.summary[key] for key in ("val_acc1", "val_acc1_ema") if key in self.summary}

    def steps_logged(self):
        return [line["step"] for line in self.lines("metrics.jsonl")]

    def events(self, reason):
        return [event for event in self.lines("events.jsonl") if event["reason"] == reason]

    def csv_rows(self):
        """Rows of summary.csv as lists of cells, without the header."""
        return [line.split(",") for line in (self.path / "summary.csv").read_text().splitlines()[1:]]

    def error(self, worker, attempt=1):
        return self.json(f"logs/attempt_{attempt}/worker_{worker}/error.json")


class ClusterTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="deit_cluster_"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "tmp").mkdir()
        self.addCleanup(self.check_nothing_left)

    def check_nothing_left(self):
        left = [pid for pid, _ in marked()]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        name = self.folder.name  # part of the run folders' paths, which name shared memory
        memory = [path for path in pathlib.Path("/dev/shm").iterdir() if name in path.name]
        for path in memory:
            shutil.rmtree(path, ignore_errors=True)
        self.assertEqual((left, memory), ([], []), "processes or shared memory were left")

    def job(self, text, name="job.textproto"):
        path = self.folder / name
        path.write_text(text)
        return path

    def teacher(self):
        """A trained convnet, as words of a student's command line."""
        config = self.job(CONVNET, "teacher.textproto")
        self.train(config, "teacher", "optimizer.lr=5e-3")
        return ["teacher.model.name=convnet", "teacher.model.widths=8,16", f"teacher.weights={Run(self.folder / 'teacher').set(STEPS)}",
                "distillation.type=HARD"]

    def launch(self, *words, workers=1, **options):
        return Launch(self.folder, workers, words, **options)

    def run_worker(self, *words, code=DONE, limit=LIMIT, **options):
        ended = self.launch(*words, **options).wait(limit)
        self.assertEqual(ended.code, code, f"{' '.join(map(str, words))}\n{ended}")
        return ended

    def train(self, config, run, *words, **options):
        """Trains in the folder `run`; returns what it says, with `ended`."""
        ended = self.run_worker(f"--config={config}", f"--run_dir={run_dir(self.folder, run)}", *words, **options)
        said = Run(self.folder / run)
        said.ended = ended
        return said

    def train_until_killed(self, config, run, *words):
        """Two workers of a job that is LONG train until one of them is killed; the step of the newest checkpoint."""
        launch = self.launch(f"--config={config}", f"--run_dir={run_dir(self.folder, run)}", *words, workers=2)
        run = Run(self.folder / run)
        for _ in poll(60, "two checkpoints"):
            if run.sets() and run.sets()[-1] >= 2:
                break
        os.kill(launch.workers(2)[1], signal.SIGKILL)
        self.assertNotEqual(launch.wait().code, 0)
        return run.sets()[-1]

    def assert_says(self, ended, *texts):
        for text in texts:
            self.assertIn(text, ended.text)

    def assert_failed_plainly(self, ended, *texts):
        """A failure that a user understands: these texts, one error, no crash."""
        self.assert_says(ended, *texts)
        for crash in ("internal error", "SIGSEGV", "SIGABRT", "terminate called", "what():", "Traceback"):
            self.assertNotIn(crash, ended.text)
        self.assertLessEqual(ended.err.count("deit-worker: error:") + ended.err.count("]: error:"), 1, ended)


def run_dir(folder, run):
    """A short relative path would do; the folder's name in it is what check_nothing_left looks for."""
    return f"../{folder.name}/{run}"


def write_safetensors(path, tensors, header_change=lambda header: header, size_change=0, cut=None):
    """`tensors`: name -> (dtype, shape, bytes). The changes make a file that lies."""
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header_change(header)).encode()
    whole = struct.pack("<Q", len(text) + size_change) + text + data
    pathlib.Path(path).write_bytes(whole if cut is None else whole[:cut])


def read_safetensors(path):
    """name -> (dtype, shape, bytes)."""
    whole = pathlib.Path(path).read_bytes()
    (size,) = struct.unpack_from("<Q", whole)
    header = json.loads(whole[8 : 8 + size])
    data = whole[8 + size :]
    header.pop("__metadata__", None)
    return {name: (info["dtype"], info["shape"], data[slice(*info["data_offsets"])]) for name, info in header.items()}


def main():
    if not shutil.which(WORKER):
        sys.exit(f"DEIT_WORKER: {WORKER}: no such program")
    run_cases()
