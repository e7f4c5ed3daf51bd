"""Completion in a real bash: what its functions offer, and what a person's Tab does on a terminal."""
import shutil
import subprocess

from coord import COORD, CoordTest, main

SETUP = f'source <("{COORD}" completion bash); '


class Completion(CoordTest):
    def bash(self, script):
        ended = subprocess.run(["bash", "--norc", "-c", script], env=self.environment, cwd=self.folder, capture_output=True, text=True,
                               check=True)
        return ended.stdout

    def offers(self, *words):
        """What Tab offers behind these words, split as bash splits them."""
        quoted = " ".join(f"'{word}'" for word in words)
        return self.bash(SETUP + f"COMP_WORDS=('{COORD}' {quoted}); COMP_CWORD={len(words)}; _deit_coord '{COORD}'; "
                         'printf "%s\\n" "${COMPREPLY[@]}"').split()

    def flags_in_help(self, verb):
        flags = set()
        for line in self.coord(verb, "--help").out.split("\nflags:\n")[-1].splitlines():
            words = line.split()
            flags |= {word.rstrip(",").split("=")[0].split("[")[0] for word in words[:2] if line.startswith("  ") and word.startswith("--")}
        return flags - {"--config=configs/quickstart/student.textproto"}

    def test_the_script_is_good_bash(self):
        script = self.coord("completion", "bash").out
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        if shutil.which("shellcheck"):
            checked = subprocess.run(["shellcheck", "-s", "bash", "-"], input=script, text=True, capture_output=True, check=False)
            self.assertEqual(checked.stdout, "")
        self.assertEqual(self.coord("completion", "zsh").code, 2)
        self.assertEqual(self.coord("completion").code, 2)

    def test_verbs(self):
        overview = self.coord("help").out.split("\nverbs:\n")[1].split("\n\n")[0]
        self.assertEqual(self.offers(""), [line.split()[0] for line in overview.splitlines()])
        self.assertEqual(self.offers("st"), ["status"])
        self.assertEqual(self.offers("help", "st"), ["status"])
        self.assertEqual(self.offers("guardian"[:3]), [], "not for people")

    def test_every_flag_that_help_names_and_no_other(self):
        for verb in self.offers(""):
            offered = {flag.rstrip("=") for flag in self.offers(verb, "-")}
            self.assertEqual(offered, self.flags_in_help(verb) | {"--help"}, verb)

    def test_actions_and_values_that_can_be_known(self):
        self.assertEqual(self.offers("config", ""), ["check", "diff", "show"])
        self.assertEqual(self.offers("checkpoint", "e"), ["export"])
        self.assertEqual(self.offers("completion", ""), ["bash"])
        self.assertEqual(self.offers("status", "--output", "="), ["table", "wide", "json", "jsonl", "name"])
        self.assertEqual(self.offers("status", "--output", "=", "j"), ["json", "jsonl"])
        self.assertEqual(self.offers("logs", "--worker", "=", ""), ["all"])
        self.assertEqual(self.offers("logs", "aa", "--stream", "=", "o"), ["out"])

    def test_jobs_by_id_and_everything_else_by_file(self):
        for job in ("aa000001", "aa000002", "bb000001"):
            self.ended(job, "SUCCEEDED")
        for verb in ("status", "logs", "wait", "cancel"):
            self.assertEqual(sorted(self.offers(verb, "a")), ["aa000001", "aa000002"])
        self.assertEqual(self.offers("logs", "runs/b"), ["runs/bb000001"])
        (self.folder / "job.textproto").touch()
        self.assertEqual(self.offers("config", "check", "--config", "=", "jo"), ["job.textproto"])
        self.assertEqual(self.offers("plan", "--config", "=", "jo"), ["job.textproto"])

    def test_tab_on_a_terminal(self):
        self.ended("aa000001", "SUCCEEDED")
        terminal = self.terminal_of_bash()
        for typed, completed in (("deit-coord wa\t", "deit-coord wait "), ("deit-coord wait a\t", "deit-coord wait aa000001 "),
                                 ("deit-coord logs aa000001 --str\te\t", "--stream=err ")):
            terminal.shown = b""
            terminal.type(typed)
            terminal.await_text(completed)
            terminal.type("\x15")  # the line is erased
        terminal.type("\x04")
        self.assertEqual(terminal.wait(), 0)

    def terminal_of_bash(self):
        (self.folder / "bin").mkdir()
        (self.folder / "bin/deit-coord").symlink_to(COORD)
        (self.folder / "rc").write_text("PATH=$PWD/bin:$PATH\nPS1='$ '\nsource <(deit-coord completion bash)\n"
                                        "bind 'set enable-bracketed-paste off'\nbind 'set bell-style none'\n")
        terminal = self.terminal("--rcfile", "rc", "-i", program=shutil.which("bash"))
        terminal.await_text("$ ")
        return terminal


if __name__ == "__main__":
    main()
