"""A program loads none of the libraries it must do without: deit-coord starts in 10 ms because it has no LibTorch and no MPI.

usage: linked_libraries.py PROGRAM
"""
import re
import subprocess
import sys

import source_tree

FORBIDDEN = re.compile(r"lib(torch|c10|mpi|open-(pal|rte)|nccl|cuda|cudart|cudnn|cublas)\b|lib(torch|c10)_")


def libraries(program):
    """Names of all libraries that the loader would load, those of libraries included."""
    output = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return [line.split()[0] for line in output.splitlines() if line.strip()]


def problems(program, names):
    return [f"{program}: loads {name}: no target that it links may use LibTorch, CUDA or MPI" for name in names if FORBIDDEN.match(name)]


if __name__ == "__main__":
    loaded = libraries(sys.argv[1])
    source_tree.finish(problems(sys.argv[1], loaded), len(loaded))
