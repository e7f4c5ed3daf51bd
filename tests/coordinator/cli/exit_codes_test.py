"""Each exit code that help promises, produced once; and each failure told in the one form."""
import re

from coord import CoordTest, await_handler, identity, main

UNREACHABLE = 4  # nothing has to be reached before there is a service


class ExitCodes(CoordTest):
    def setUp(self):
        super().setUp()
        self.write(self.folder / "a.textproto", "model { name: 'vit' }\n")
        self.write(self.folder / "b.textproto", "model { name: 'vit' }\ntrain { epochs: 2 }\n")
        self.write(self.folder / "bad.textproto", "train { epochs: 0 }\n")
        for job, state in (("aa000001", "CANCELED"), ("bb000001", "STOPPED"), ("cc000001", "FAILED")):
            self.ended(job, state)
        self.record("dd000001", owner=identity(self.process().pid))
        self.ended("ee000001", "STOPPED", 74)

    def interrupted(self):
        watch = self.start("wait", "dd")
        await_handler(watch)
        watch.send_signal(2)
        return watch.wait(10)

    def test_each_code_that_help_lists(self):
        table = self.coord("help").out.split("\nexit codes:\n")[1].split("\n\n")[0]
        promised = [int(line.split()[0]) for line in table.splitlines()]
        produced = {0: ["version"], 1: ["config", "diff", "a.textproto", "b.textproto"], 2: ["statsu"], 3: ["logs", "nowhere"],
                    5: ["wait", "dd", "--timeout=0"], 6: ["wait", "aa"], 7: ["config", "check", "--config=bad.textproto"],
                    74: ["wait", "ee"], 75: ["wait", "bb"]}
        for code, words in produced.items():
            self.assertEqual(self.coord(*words).code, code, words)
        self.assertEqual(self.interrupted(), 130)
        self.assertEqual(sorted([*produced, UNREACHABLE, 130]), promised)

    def test_each_failure_has_what_value_and_cause_and_at_most_one_hint(self):
        for words in (["statsu"], ["status", "--wach"], ["status", "zz"], ["status", "-o", "jsn"], ["status", "--watch=x"], ["status", "/"],
                      ["logs"], ["logs", "aa", "bb"], ["logs", "aa"], ["logs", "cc", "--worker=-1"], ["wait", "dd", "--timeout=0"],
                      ["wait", "dd", "--timeout=x"], ["wait"], ["cancel"], ["cancel", "dd"], ["cancel", "dd", "--timeout"],
                      ["completion"], ["completion", "zsh"]):
            ended = self.coord(*words)
            self.assertNotEqual(ended.code, 0, words)
            self.assertEqual(ended.out, "", words)
            self.assertRegex(ended.err, re.compile(r"\Adeit-coord: error: [^A-Z\n][^\n]*[^.\n]\n(hint: [^\n]+\n)?\Z"), words)


if __name__ == "__main__":
    main()
