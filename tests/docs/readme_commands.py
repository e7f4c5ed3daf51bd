"""Runs the README's commands in their order, as a newcomer would: from a folder that looks like a built clone.

usage: readme_commands.py SOURCE_DIR BIN_DIR
Set-up and build lines are what brought the test here and are left out; training is given fewer images, so that the test stays short.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

LEFT_OUT = ("./launch/", "cmake ")
FEWER_IMAGES = " data.max_images=1024"


def commands(readme):
    for block in re.findall(r"^```\n(.*?)^```", readme, re.M | re.S):
        for line in block.splitlines():
            line = line.split("  #")[0].strip()
            if line:
                yield line


def main(source, binaries):
    readme = (source / "README.md").read_text()
    ran = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "configs").symlink_to(source / "configs")
        (folder / "build/release").mkdir(parents=True)
        (folder / "build/release/bin").symlink_to(binaries)
        environment = dict(os.environ, OMPI_MCA_rmaps_base_oversubscribe="1", DEIT_STATE_DIR=str(folder / "state"))
        if os.geteuid() == 0:
            environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        for command in commands(readme):
            if command.startswith(LEFT_OUT):
                continue
            typed = command + (FEWER_IMAGES if "--config=configs/" in command and re.search("deit-worker|deit-coord run", command) else "")
            done = subprocess.run(["bash", "-c", typed], cwd=folder, env=environment, text=True, capture_output=True, timeout=300)
            print(f"$ {typed}\n{done.stdout[-600:]}{done.stderr[-600:]}")
            if done.returncode != 0:
                print(f"readme: error: {typed}: exit {done.returncode}")
                return 1
            if command.startswith("mpirun") and not re.search(r"^finished step=\d+ epoch=1 val_acc1=\S+ weights_digest=[0-9a-f]{16}$", done.stdout, re.M):
                print("readme: error: the last line is not what the README says")
                return 1
            ran += 1
    if ran < 5:
        print(f"readme: error: only {ran} commands found: has its form changed?")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
