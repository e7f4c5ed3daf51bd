"""Each check passes on a small clean tree and names the violation that a test plants in it."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import architecture_map
import case_runner
import compile_commands
import configs_parse
import docs_wrap
import each_folder_is_a_library
import everything_is_compiled
import file_lengths
import include_arrows
import laws_are_tested
import linked_libraries
import plain_language
import scripts_pass_shellcheck
import skipped_tests
import skips_are_seen
import sources_are_formatted
import thread_annotations
import tidy

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

    def test_each_folder_is_a_library(self):
        for folder in ("common/base", "worker/train"):
            self.plant(f"{folder}/CMakeLists.txt", "deit_library(NAME a SOURCES a.cc)\n")
        self.plant("worker/main.cc", "")
        self.plant("worker/CMakeLists.txt", "deit_program(NAME deit-worker SOURCES main.cc)\n")
        self.assertEqual(each_folder_is_a_library.problems(self.root, {}), [])
        for text, libraries in [("", 0), ("deit_library(NAME a)\nif(X)\n  deit_library(NAME b)\nendif()\n", 2), ("deit_program(NAME a)\n", 0)]:
            with self.subTest(text=text):
                self.plant("common/base/CMakeLists.txt", text)
                self.expect_one(each_folder_is_a_library.problems(self.root, {}), "common/base/CMakeLists.txt", f"{libraries} libraries")
                self.assertEqual(each_folder_is_a_library.problems(self.root, {"common/base": "two halves of one protocol"}), [])
                self.expect_one(each_folder_is_a_library.problems(self.root, {"common/base": ""}), "common/base/CMakeLists.txt")
        self.plant("common/base/CMakeLists.txt", "deit_library(NAME a)\n")
        self.expect_one(each_folder_is_a_library.problems(self.root, {"common/base": "was two"}), "remove common/base from EXEMPT")
        self.plant("worker/b.cc", "")
        self.expect_one(each_folder_is_a_library.problems(self.root, {}), "worker/CMakeLists.txt", "0 libraries")

    def test_architecture_map(self):
        lines = ["common/   torch-free", "  base/     errors", "worker/   pixels", "  train/    the step", "launch/   scripts",
                 "configs/ jobs; docs/ this; tests/ mirrors the tree"]

        def of(*lines):
            self.plant("docs/architecture.md", "# A\n\n## The map\n```\n" + "\n".join(lines) + "\n```\nMore.\n")
            return architecture_map.problems(self.root)

        self.assertEqual(of(*lines), [])
        (self.root / "common/text").mkdir()
        self.assertEqual(of(lines[0], "  base/ text/   ground", *lines[2:]), [])
        self.expect_one(of(*lines[:3], *lines[4:]), "worker/train/ is not named")
        self.expect_one(of(*lines[:5], "configs/ docs/"), "tests/ is not named")
        self.expect_one(of(*lines[:2], "  base/     stale", *lines[2:]), "map line 3", "common/base/ is named twice")
        self.expect_one(of(*lines[:2], "  gone/     stale", *lines[2:]), "map line 3", "common/gone/ does not exist")
        self.plant("docs/architecture.md", "# A\n")
        self.expect_one(architecture_map.problems(self.root), "has no map")

    def test_laws_are_tested(self):
        def of(text):
            self.plant("docs/architecture.md", f"# A\n\n## Laws\nEach:\n\n{text}\n## Words\n1. `tests/none.cc`\n")
            return laws_are_tested.problems(self.root)

        first, second = "1. **A.**\n   Tests: `tests/common/base/clock_test.cc`.\n", "2. **B.** `tests/common/base/clock_test.cc`\n"
        self.plant("worker/train/step.cc", "// By law 2.\n")
        self.assertEqual(of(first + second), [])
        self.expect_one(of(first), "worker/train/step.cc", "cites law 2")
        self.expect_one(of(first + "2. **B.**\n"), "law 2", "no test")
        self.expect_one(of(first + "2. **B.** `tests/gone.cc`\n"), "law 2", "tests/gone.cc does not exist")
        self.expect_one(of(second), "not numbered")
        self.plant("docs/architecture.md", "# A\n")
        self.expect_one(laws_are_tested.problems(self.root), "not numbered")

    def test_docs_wrap(self):
        self.plant("README.md", "word " * 19 + "words\n| " + "x " * 60 + "|\n```\n" + "x " * 60 + "\n```\n" + "https://" + "x" * 100 + "\n")
        self.assertEqual(docs_wrap.problems(self.root), [])
        for path in ("CONTRIBUTING.md", "docs/formats.md", "common/README.md"):
            self.plant(path, "\n" + "word " * 20 + "w\n")
            self.expect_one(docs_wrap.problems(self.root), f"{path}:2", "101 columns")
            (self.root / path).unlink()

    def test_plain_language(self):
        def of(path, text):
            planted = pathlib.Path(self.plant(path, text))
            found = plain_language.problems(self.root, [path.split("/")[0]])
            planted.unlink()
            return found

        good = '#pragma once\n// The step of a job.\n// What a Judge may meet: "quoted".\nconst char* text = "a Trade";\n'
        self.assertEqual(of("worker/train/a.h", good), [])
        for text, *parts in [
            ("struct Whereabouts {};\n", ":1:", "WorkerProgress"),
            ("int a;\nint b = Judge(a); // fine\n", ":2:", "ResolveJobState"),
            ("// The sum of\n// what begins anew.\n", ":2:", '"anew"'),
            ("/* Nobody */\n", '"nobody"'),
            ('const char* a = "the key stands twice";\n', '"stands twice"', "duplicate"),
            ("// It stands\n// twice.\n", '"stands twice"'),
        ]:
            with self.subTest(text=text):
                self.expect_one(of("worker/train/a.cc", text), "worker/train/a.cc", *parts)
        for line in ["What a step needs.", "Whether it is over.", "Which worker does it", "The step: is it over?"]:
            with self.subTest(line=line):
                self.expect_one(of("worker/train/a.h", f"// {line}\n#pragma once\n"), "worker/train/a.h:1", "noun phrase")
                self.assertEqual(of("worker/train/a.cc", f"// {line}\n"), [])
        self.expect_one(of("worker/train/whereabouts.h", "#pragma once\n"), "worker_progress")
        self.expect_one(of("docs/a.md", "# A\n\nWhoever reads.\n"), "docs/a.md:3")

    def test_skips_are_seen(self):
        self.plant("tests/cluster/a_test.py", "import case_runner\ncase_runner.run_cases()\n")
        self.plant(skips_are_seen.RUNNER, "unittest." + "main(exit=False)\n")
        self.assertEqual(skips_are_seen.problems(self.root), [])
        self.plant("tests/cluster/a_test.py", "import unittest\nunittest." + "main()\n")
        self.expect_one(skips_are_seen.problems(self.root), "tests/cluster/a_test.py:2", "run_cases()")

    def test_a_skipped_case_ends_its_script_with_77(self):
        runner = pathlib.Path(case_runner.__file__).parent
        head = f"import sys, unittest\nsys.path.insert(0, {str(runner)!r})\nimport case_runner\nclass A(unittest.TestCase):\n"
        for body, code, words in [
            ("    def test_a(self): pass\n", 0, ""),
            ("    def test_a(self): self.skipTest('no room')\n", 77, "NOT RUN: A.test_a: no room"),
            ("    def test_a(self): self.skipTest('no room')\n    def test_b(self): self.fail()\n", 1, "NOT RUN: A.test_a: no room"),
        ]:
            with self.subTest(body=body):
                script = self.plant("a.py", head + body + "case_runner.run_cases()\n")
                ended = subprocess.run([sys.executable, "-B", script], capture_output=True, text=True)
                self.assertEqual(ended.returncode, code, ended)
                self.assertIn(words, ended.stdout)

    def test_skipped_tests(self):
        def section(number, name, output):
            return f'{number}/2 Testing: {name}\n{number}/2 Test: {name}\nOutput:\n{output}<end of output>\nTest Passed.\n"{name}" end time: now\n---\n'

        def junit(*names):
            return "<testsuite>" + "".join(f'<testcase name="{name}" status="notrun"/>' for name in names) + "</testsuite>"

        allowed = [(r"a/kernel_test", "AVX-512", "no AVX-512", lambda machine: "avx512f" not in machine.cpu_flags)]
        old, new = types.SimpleNamespace(cpu_flags=set()), types.SimpleNamespace(cpu_flags={"avx512f"})
        plain = section(1, "b/test", "fine\n")
        log = plain + section(2, "a/kernel_test", "NOT RUN: A.B: needs AVX-512\n[  SKIPPED ] A.B\n")
        self.assertEqual(skipped_tests.report(plain, junit(), new, allowed)[1], True)
        lines, good = skipped_tests.report(log, junit("a/kernel_test"), old, allowed)
        self.assertEqual((good, len(lines)), (True, 2), lines)
        self.assertIn("1 cases of 1 tests; 2 tests were started", lines[0])
        for log, names, what in [
            (log, ["a/kernel_test"], "A.B: needs AVX-512"),
            (plain + section(2, "a/kernel_test", "NOT RUN: A.B: it is late\n"), [], "A.B: it is late"),
            (plain + section(2, "a/kernel_test", "[  SKIPPED ] A.B\n"), [], "A.B: no reason given"),
            (plain + section(2, "a/kernel_test", ""), ["a/kernel_test"], "the whole test: no reason given"),
        ]:
            with self.subTest(log=log):
                lines, good = skipped_tests.report(log, junit(*names), new, allowed)
                self.assertFalse(good)
                self.expect_one(lines[1:], what, "SHOULD HAVE RUN")
        self.assertFalse(skipped_tests.report("", junit(), new, allowed)[1], "no test was started")

    def test_compile_commands(self):
        words = "c++ -I/a -isystem /b -DX=1 -O3 -Wno-psabi -mavx2 -std=c++20 -o x.o -c x.cc".split()
        self.assertEqual(compile_commands.preprocessor_options(words), ["-I/a", "-isystem", "/b", "-DX=1", "-std=c++20"])
        source = pathlib.Path(self.plant("common/base/a.cc", "int a;\n")).resolve()
        group = self.plant("build/Unity/unity_0_cxx.cxx", f'#include "{source}"\n')
        self.plant("build/compile_commands.json", json.dumps([{"file": str(group), "command": "c++ -DX=1 -c group"}]))
        self.assertEqual(compile_commands.read(self.root, self.root / "build"), {"common/base/a.cc": ["-DX=1"]})

    def plant_guarded(self, body):
        self.plant("common/base/mutex.h", (pathlib.Path(__file__).resolve().parents[2] / "common/base/mutex.h").read_text(encoding="utf-8"))
        self.plant("common/base/counter.h", '#pragma once\n#include "common/base/mutex.h"\n')
        self.plant("common/base/counter.cc", f"""#include "common/base/counter.h"
class Counter {{
 public:
  void Add() {{ {body} }}
 private:
  deit::Mutex mutex_;
  int value_ DEIT_GUARDED_BY(mutex_) = 0;
}};
""")

    def test_bare_mutexes_are_refused(self):
        self.assertEqual(thread_annotations.bare_primitives(self.root), [])
        for line in ("std::mutex a;", "std::shared_mutex a;", "std::unique_lock lock(a);", "std::condition_variable_any a;", "absl::Mutex a;"):
            with self.subTest(line=line):
                self.plant("worker/train/a.cc", f"// std::mutex\n{line}\n")
                self.expect_one(thread_annotations.bare_primitives(self.root), "worker/train/a.cc:2", "common/base/mutex.h")

    @unittest.skipUnless(shutil.which(thread_annotations.CLANG), f"{thread_annotations.CLANG} is not installed: launch/setup.sh --clang")
    def test_thread_annotations(self):
        commands = {"common/base/counter.cc": [f"-I{self.root}", "-std=c++20"]}
        self.plant_guarded("const deit::MutexLock lock(mutex_); ++value_;")
        self.assertEqual(thread_annotations.users(self.root), ["common/base/counter.cc"])
        self.assertEqual(thread_annotations.problems(self.root, commands), [])
        self.plant_guarded("++value_;")
        self.expect_one(thread_annotations.problems(self.root, commands), "counter.cc:4", "requires holding mutex 'mutex_'")

    @unittest.skipUnless(shutil.which(tidy.TIDY), f"{tidy.TIDY} is not installed: launch/setup.sh --clang")
    def test_tidy(self):
        self.plant(".clang-tidy", "Checks: '-*,modernize-use-nullptr'\nWarningsAsErrors: '*'\n")
        self.plant("worker/a.cc", "int* a = nullptr;\n")
        self.plant("worker/b.cc", "int* b = 0;\n")
        commands = {"worker/a.cc": ["-std=c++20"], "worker/b.cc": ["-std=c++20"]}
        findings, left_out = tidy.check(self.root, commands, sorted(commands), budget=600)
        self.expect_one(findings, "worker/b.cc:1:10", "modernize-use-nullptr")
        self.assertEqual(left_out, [])
        self.assertEqual(tidy.check(self.root, commands, sorted(commands), budget=0), ([], sorted(commands)))
        self.plant(".clang-tidy", "Checks: [\n")
        self.assertTrue(tidy.check(self.root, commands, ["worker/a.cc"], budget=600)[0], "a configuration that cannot be read")

    def test_tidy_finds_what_changed(self):
        def git(*words):
            subprocess.run(["git", "-C", str(self.root), "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True)

        self.assertEqual(tidy.changed(self.root), (None, None))
        git("init", "--initial-branch=main")
        git("add", ".")
        git("commit", "-m", "one")
        self.assertEqual(tidy.changed(self.root), (None, None))
        self.plant("worker/train/step.cc", "int a;\n")
        git("commit", "-am", "two")
        self.assertEqual(tidy.changed(self.root)[0], {"worker/train/step.cc"})
        git("checkout", "-b", "work")
        self.plant("common/base/seam.h", "#pragma once\nint b;\n")
        git("commit", "-am", "three")
        self.plant("common/base/clock.h", "#pragma once\nint c;\n")
        self.plant("common/base/new.cc", '#include "common/base/seam.h"\n')
        self.assertEqual(tidy.changed(self.root)[0], {"common/base/seam.h", "common/base/clock.h", "common/base/new.cc"})

        commands = {path: [] for path in ("common/base/clock.cc", "common/base/new.cc", "worker/train/step.cc")}
        self.assertEqual(tidy.sources_of({"common/base/clock.h", "README.md"}, commands, self.root), {"common/base/clock.cc"})
        self.assertEqual(tidy.sources_of({"common/base/seam.h"}, commands, self.root), {"common/base/new.cc"})


if __name__ == "__main__":
    case_runner.run_cases()
