"""Mutations are drawn from code alone, and each is one small change."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from case_runner import run_cases  # noqa: E402
from mutations import blanked, mutations  # noqa: E402

SOURCE = r'''#include <a>  // a < b
int F(int a, const char* b) {  /* if (a) */
  if (auto x = G(a); x > 10) return Say("a + b; \" 1", x);
  DEIT_RETURN_IF_ERROR(H(b, "1 - 1"));
  I(a)->Do();
  count_ += 1;
  int twice = 2 * a;
  return ok ? "yes, 1" : Other(a, false);
}
'''


def changed(kind):
    """What each mutation of a kind makes of its line."""
    found = []
    for mutation in mutations(SOURCE):
        if mutation.kind == kind:
            after = mutation.applied(SOURCE)
            number = SOURCE.count("\n", 0, mutation.begin)
            before_lines, after_lines = SOURCE.split("\n"), after.split("\n")
            assert before_lines[:number] + before_lines[number + 1:] == after_lines[:number] + after_lines[number + 1:]
            found.append(after_lines[number].strip())
    return found


class Mutations(unittest.TestCase):
    def test_literals_comments_and_preprocessor_lines_are_no_code(self):
        code = blanked(SOURCE)
        self.assertEqual(len(code), len(SOURCE))
        self.assertEqual(code.count("\n"), SOURCE.count("\n"))
        for gone in ("include", "a < b", "if (a)", "a + b", "1 - 1", "yes"):
            self.assertNotIn(gone, code)
        self.assertEqual(blanked("int a = 1'000; char c = '\"'; // \"\nint b;")[:14], "int a = 1'000;")
        self.assertIn("int b;", blanked("int a = 1'000; char c = '\"'; // \"\nint b;"))

    def test_each_kind_changes_one_place(self):
        self.assertEqual(changed("comparison"), [r'if (auto x = G(a); x >= 10) return Say("a + b; \" 1", x);'])
        self.assertEqual(changed("arithmetic"), ["count_ -= 1;", "int twice = 2 / a;"])
        self.assertEqual(changed("negated condition"), [r'if (auto x = G(a); !(x > 10)) return Say("a + b; \" 1", x);'])
        self.assertEqual(changed("swapped branches"), ['return ok ? Other(a, false) : "yes, 1";'])
        self.assertEqual(changed("ignored error"), ['(void)(H(b, "1 - 1"));'])
        self.assertEqual(changed("removed statement"), ["", ""])
        self.assertEqual(changed("removed return"), [""])
        self.assertEqual(len(changed("constant")), 2 * 3 + 1, "10, 1 and 2 both ways, and false")


if __name__ == "__main__":
    run_cases()
