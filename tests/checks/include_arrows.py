"""Includes follow the arrows of docs/architecture.md: proto <- common <- {worker, launch <- coordinator}; only tests include tests.

LibTorch, CUDA, NCCL and MPI are included by worker/ (and its tests) only, glog by common/base/ only, OpenSSL by common/control/ only, and
torch/torch.h, which costs 20 s, and Boost.Asio, which costs 8 s, by no header; ATen/ATen.h, which costs 8 s more than the headers of the
operations that a file calls (ATen/ops/...), by no file at all.
usage: include_arrows.py SOURCE_DIR
"""
import pathlib
import re
import sys

import source_tree

MAY_INCLUDE = {
    "proto": {"proto"},
    "common": {"proto", "common"},
    "worker": {"proto", "common", "worker"},
    "launch": {"proto", "common", "launch"},
    "coordinator": {"proto", "common", "launch", "coordinator"},
    "tests": set(source_tree.FOLDERS),
}
# (what is included, the only paths that may)
CONFINED = [
    (re.compile(r"(torch|ATen|c10|caffe2|cuda|nccl|cudnn|cublas)[/._]"), re.compile(r"worker/|tests/(?!common/|coordinator/|launch/)")),
    (re.compile(r"mpi\.h$"), re.compile(r"worker/|tests/(?!common/|coordinator/|launch/)")),
    (re.compile(r"glog/"), re.compile(r"common/base/")),
    (re.compile(r"openssl/"), re.compile(r"common/control/")),
    (re.compile(r"torch/torch\.h$"), re.compile(r".*\.cc$")),
    (re.compile(r"boost/asio"), re.compile(r".*\.cc$")),
]


def problems(root):
    root = pathlib.Path(root)
    found = []
    for path in source_tree.files(root, ".h", ".cc", ".cu"):
        for quote, name in source_tree.includes(root / path):
            folder = name.split("/")[0]
            if folder in MAY_INCLUDE and "/" in name and folder not in MAY_INCLUDE[path.parts[0]]:
                found.append(f"{path}: includes {name}: {path.parts[0]}/ may not include {folder}/")
            if quote == '"' and "/" not in name and (root / path.parent / name).exists():
                found.append(f'{path}: includes {name}: write the path from the repository root: "{path.parent / name}"')
            for what, where in CONFINED:
                if what.match(name) and not where.match(str(path)):
                    found.append(f"{path}: includes {name}: only {where.pattern} may")
            if name == "ATen/ATen.h":
                found.append(f"{path}: includes {name}: include the headers of the operations that it calls (ATen/ops/...) instead")
    return found


if __name__ == "__main__":
    source_tree.finish(problems(sys.argv[1]), len(source_tree.files(sys.argv[1], ".h", ".cc", ".cu")))
