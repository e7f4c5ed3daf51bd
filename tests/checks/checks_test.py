"""Each check passes on a small clean tree and names the violation that a test plants in it."""
import pathlib
import tempfile
import unittest

import configs_parse
import everything_is_compiled
import file_lengths
import include_arrows
import linked_libraries
import scripts_pass_shellcheck
import sources_are_formatted

CLEAN = {
    "common/base/clock.h": "#pragma once\n",
    "common/base/clock.cc": '#include "common/base/clock.h"\n#include <glog/logging.h>\n',
    "common/base/seam.h": "#pragma once\n",
    "worker/train/step.cc": '#include <ATen/core/Tensor.h>\n#include "common/base/clock.h"\n',
    "tests/common/base/clock_test.cc": '#include "common/base/clock.h"\n#include "tests/support/fake_clock.h"\n',
    "tests/support/fake_clock.h": "#pragma once\n",
    "tests/checks/file_length_exemptions.txt": "# PATH REASON\n",
    "launch/test.sh": "#!/usr/bin/env bash\necho hello\n",
    "configs/job.textproto": "name: 'a'\n",
}


class ChecksTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for path, text in CLEAN.items():
            self.plant(path, text)

    def plant(self, path, text, mode=0o644):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")
        (self.root / path).chmod(mode)
        return str(self.root / path)

    def expect_one(self, problems, *parts):
        self.assertEqual(len(problems), 1, problems)
        for part in parts:
            self.assertIn(part, problems[0])

    def compiled(self, *left_out):
        build = self.root / "build"
        files = {str(self.root / path) for path in CLEAN if path.endswith(".cc")} | {str(build / "headers/common/base/seam.h.cc")}
        return everything_is_compiled.problems(self.root, files - set(map(str, left_out)), build)

    def test_everything_is_compiled(self):
        self.assertEqual(self.compiled(), [])
        self.expect_one(self.compiled(self.root / "tests/common/base/clock_test.cc"), "clock_test.cc", "no target")
        self.expect_one(self.compiled(self.root / "build/headers/common/base/seam.h.cc"), "seam.h", "deit_library")
        self.plant("common/base/clock.cc", '#include <string>\n#include "common/base/clock.h"\n')
        self.expect_one(self.compiled(), "clock.cc", "first include")

    def test_unity_groups_compile_what_they_include(self):
        first, second, alone = (str(self.root / name) for name in ("a.cc", "b.cc", "c.cc"))
        group = self.plant("build/Unity/unity_0_cxx.cxx", f'#include "{first}"\n\n#include "{second}"\n')
        commands = [{"file": group}, {"file": alone}]
        self.assertEqual(everything_is_compiled.compiled_sources(commands), {first, second, alone})

    def test_include_arrows(self):
        self.assertEqual(include_arrows.problems(self.root), [])
        for path, include in [
            ("common/base/a.h", '"worker/train/step.h"'),
            ("common/base/a.h", "<ATen/core/Tensor.h>"),
            ("common/base/a.h", "<mpi.h>"),
            ("common/base/a.h", '"clock.h"'),
            ("common/base/a.h", '"tests/support/fake_clock.h"'),
            ("common/files/a.cc", "<glog/logging.h>"),
            ("common/files/a.cc", "<openssl/hmac.h>"),
            ("common/files/a.h", "<boost/asio/io_context.hpp>"),
            ("worker/train/a.h", '"coordinator/cli/verb.h"'),
            ("worker/train/a.h", '"launch/local.h"'),
            ("worker/train/a.h", "<torch/torch.h>"),
            ("worker/train/a.cc", "<ATen/ATen.h>"),
            ("coordinator/cli/a.cc", '"worker/train/step.h"'),
            ("launch/a.cc", '"coordinator/cli/verb.h"'),
            ("tests/coordinator/a_test.cc", "<c10/core/Device.h>"),
        ]:
            with self.subTest(path=path, include=include):
                planted = self.plant(path, f"#pragma once\n#include {include}\n")
                self.expect_one(include_arrows.problems(self.root), path, include[1:-1])
                pathlib.Path(planted).unlink()

    def test_file_lengths(self):
        self.assertEqual(file_lengths.problems(self.root), [])
        for path, limit in [("proto/a.proto", 250), ("worker/a.h", 300), ("worker/a.cc", 500), ("tests/worker/a_test.cc", 700)]:
            with self.subTest(path=path):
                self.plant(path, "//\n" * limit)
                self.assertEqual(file_lengths.problems(self.root), [])
                self.plant(path, "//\n" * (limit + 1))
                self.expect_one(file_lengths.problems(self.root), path, f"at most {limit}")
                self.plant(file_lengths.EXEMPTIONS, f"{path} a table that reads best in one piece\n")
                self.assertEqual(file_lengths.problems(self.root), [])
                self.plant(file_lengths.EXEMPTIONS, f"{path}\n")
                self.expect_one(file_lengths.problems(self.root), "no reason")
                self.plant(file_lengths.EXEMPTIONS, "")
                (self.root / path).unlink()
        self.plant(file_lengths.EXEMPTIONS, "worker/a.cc it was long once\n")
        self.expect_one(file_lengths.problems(self.root), "remove its line")

    def test_linked_libraries(self):
        self.assertEqual(linked_libraries.problems("deit-coord", ["libglog.so.1", "libprotobuf.so.32", "libc.so.6"]), [])
        for name in ["libtorch_cpu.so", "libc10.so", "libmpi.so.40", "libopen-rte.so.40", "libcudart.so.13", "libnccl.so.2"]:
            with self.subTest(name=name):
                self.expect_one(linked_libraries.problems("deit-coord", ["libc.so.6", name]), name)

    def test_scripts_pass_shellcheck(self):
        self.assertEqual(scripts_pass_shellcheck.problems(self.root), [])
        self.plant(".ci/run", "#!/usr/bin/env bash\ncd $1\n")
        found = scripts_pass_shellcheck.problems(self.root)
        self.assertTrue(found)
        self.assertIn(".ci/run", found[0])

    def test_sources_are_formatted(self):
        self.plant(".clang-format", "SortIncludes: Never\n")
        self.assertEqual(sources_are_formatted.problems(self.root), [])
        self.plant("worker/a.cc", "int  a;\nint  b;\n")
        self.expect_one(sources_are_formatted.problems(self.root), "worker/a.cc", "clang-format-14 -i worker/a.cc")
        self.plant("worker/a.cc", "int a;\n")
        self.plant(".clang-format", "SortInclude: Never\n")
        self.assertIn("unknown key 'SortInclude'", "\n".join(sources_are_formatted.problems(self.root)))

    def test_configs_parse(self):
        text = "#!/bin/sh\n[ \"$1 $2\" = 'config check' ] && grep -q name \"${3#--config=}\" || { echo bad name; exit 7; }\n"
        program = self.plant("deit-coord", text, 0o755)
        self.assertEqual(configs_parse.problems(self.root, program), [])
        self.plant("configs/deit/bad.textproto", "nam: 'a'\n")
        self.expect_one(configs_parse.problems(self.root, program), "configs/deit/bad.textproto", "exit code 7", "bad name")


if __name__ == "__main__":
    unittest.main()
