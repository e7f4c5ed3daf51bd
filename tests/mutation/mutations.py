"""Places in C++ text where one small change makes a fault, as people make them. Text in, mutations out; nothing is read or written."""
import dataclasses
import re

COMPARISONS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "+=": "-=", "-=": "+=", "&&": "||", "||": "&&"}
NOT_CODE = re.compile(r"""//[^\n]* | /\*.*?\*/ | R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)" | "(?:\\.|[^"\\\n])*" | (?<!\w)'(?:\\.|[^'\\\n])*'"""
                      r"| ^[ \t]*\#(?:\\\n|[^\n])*", re.VERBOSE | re.DOTALL | re.MULTILINE)
STATEMENT = re.compile(r"^[ \t]+(?![ \t])(?:[\w.\[\]>:*-]+(?:\(.*\)| [-+*/|&^]?= .*)|\+\+[\w.>-]+);$", re.MULTILINE)
EARLY_EXIT = re.compile(r"^[ \t]+if \(.*\) (?:return|continue|break)\b.*;$", re.MULTILINE)
OPERAND = r"((?:[^?:;{},()]|::|\((?:[^()]|\([^()]*\))*\))+)"
CHOICE = re.compile(rf" \? {OPERAND} : {OPERAND}(?=[;,)}}])")
NO_STATEMENT = re.compile(r"\s*(?:return|else|case|default|delete|using|EXPECT_|ASSERT_|DEIT_CHECK|DEIT_ASSIGN|static_assert)")


@dataclasses.dataclass(frozen=True)
class Mutation:
    kind: str
    begin: int  # characters begin .. end of the text become `into`
    end: int
    into: str

    def applied(self, text):
        return text[:self.begin] + self.into + text[self.end:]


def blanked(text):
    """The text with comments, literals and preprocessor lines as spaces; each other character keeps its place."""
    return NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def closing(code, opening):
    """The place of the parenthesis that closes the one at `opening`."""
    depth = 0
    for place in range(opening, len(code)):
        depth += {"(": 1, ")": -1}.get(code[place], 0)
        if depth == 0:
            return place
    return None


def is_balanced(code):
    return all(code.count(left) == code.count(right) for left, right in ("()", "{}", "[]"))


def operators(code, _):
    for match in re.finditer(r"(?<= )(<=|>=|==|!=|<|>|\+=|-=|&&|\|\||\+|-|\*)(?= )", code):
        operator = match.group()
        kind = "comparison" if operator in COMPARISONS else "arithmetic"
        yield Mutation(kind, match.start(), match.end(), (COMPARISONS | ARITHMETIC)[operator])


def constants(code, _):
    for match in re.finditer(r"(?<![\w.'])(\d+)(?![\w.'])", code):
        value = int(match.group())
        yield Mutation("constant", match.start(), match.end(), str(value + 1))
        if value > 0:
            yield Mutation("constant", match.start(), match.end(), str(value - 1))
    for match in re.finditer(r"\b(true|false)\b(?=[;,)])", code):
        yield Mutation("constant", match.start(), match.end(), {"true": "false", "false": "true"}[match.group()])


def conditions(code, text):
    for match in re.finditer(r"\bif \(", code):
        begin, end = match.end(), closing(code, match.end() - 1)
        if end is None:
            continue
        semicolon = code.rfind(";", begin, end)  # before it something is declared
        begin = begin if semicolon < 0 else semicolon + 2
        yield Mutation("negated condition", begin, end, f"!({text[begin:end]})")


def branches(code, text):
    for match in CHOICE.finditer(code):
        first, second = (text[slice(*match.span(k))] for k in (1, 2))
        yield Mutation("swapped branches", match.start(), match.end(), f" ? {second} : {first}")


def removals(code, text):
    for match in STATEMENT.finditer(code):
        before = code[:match.start()].rstrip()[-1:]
        line = match.group()
        if before not in ";{}" or NO_STATEMENT.match(line) or not is_balanced(line):
            continue
        begin, end = match.span()
        if line.strip().startswith("DEIT_RETURN_IF_ERROR("):
            yield Mutation("ignored error", begin, end, text[begin:end].replace("DEIT_RETURN_IF_ERROR", "(void)", 1))
        else:
            yield Mutation("removed statement", begin, end, "")
    for match in EARLY_EXIT.finditer(code):
        if is_balanced(match.group()):
            yield Mutation("removed return", match.start(), match.end(), "")


def mutations(text):
    """All mutations of a source's text, by place."""
    code = blanked(text)
    found = [mutation for kind in (operators, constants, conditions, branches, removals) for mutation in kind(code, text)]
    return sorted(found, key=lambda mutation: (mutation.begin, mutation.kind, mutation.into))
