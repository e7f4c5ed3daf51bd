"""Keeps a house dialect out: names that were replaced, headers that open with a question, a few words.

- In code (and .proto): names and file names that were replaced by standard terms.
- The first comment line of a header is no question and does not begin with a question word.
- In comments, string literals and documents: words with a plain equivalent.
usage: plain_language.py [--list] SOURCE_DIR FOLDER_OR_FILE...   (--list prints every violation and the counts, and succeeds)
"""
import collections
import pathlib
import re
import sys

import source_tree

# {old name: new name}, as identifiers.
NAMES = {
    "Whereabouts": "WorkerProgress", "Standing": "JobHealth", "Judge": "ResolveJobState", "Signs": "LivenessEvidence", "JobLook": "JobSnapshot",
    "Wish": "DesiredState", "Forgive": "ExtendDeadlines", "Hopeless": "IsPermanentFailure", "kImpatient": "kForceKilled",
    "Doings": "DescribeWorkers", "Patience": "DeadlineTimer", "Awaited": "WaitDescription", "Trade": "MessageBatch", "Seat": "Participant",
    "Meeting": "CollectiveOp", "Team": "WorkerGroup", "Buffers": "ScratchArena", "Workspace": "TrainingState",
    "WithOwnPlaces": "MarkPreformatted", "SpeakerFor": "ReportingRank", "Introduction": "ClientAuth", "Welcome": "ServerAuth",
    "Sealed": "AuthenticatedFrame", "OwnerSide": "ServerProtocol", "WorkerSide": "ClientProtocol", "Expected": "AdmissionRules",
    "Heard": "ReceiveResult", "Farewell": "RejectionFrame", "Nudge": "SendNow", "HoldsPhotographs": "UsesResizedCrop",
    "Surroundings": "OperationContext", "Gathered": "PreviewWriter", "LookedAt": "SourceRegion", "voices": "predictors", "JobOwner": "JobStore",
}
FILES = {"whereabouts": "worker_progress", "standing": "job_health", "trade": "message_batch", "workspace": "training_state",
         "owner_side": "server_protocol", "worker_side": "client_protocol", "job_owner": "job_store"}
# {words: what to write}, in comments, strings and documents, whatever the case.
WORDS = {
    "anew": "again, or fresh", "whoever": "the thing's name", "somebody": "the thing's name", "nobody": "no worker, no process, none",
    "said once": "logged once", "speaks of": "contains", "stands twice": "duplicate", "no word within": "timed out after",
    "begin so": "ambiguous prefix", "checkpoint set": "checkpoint", "teacher record": "teacher output",
}
QUESTION = re.compile(r"^(What|Whether|Who|Whose|Where|How|Why|Which)\b|\?\s*$")
C_LIKE = (".h", ".cc", ".cu", ".proto")
SUFFIXES = (*C_LIKE, ".py", ".sh", ".cmake", ".txt", ".md", ".textproto")
TOKEN = re.compile(r'//(?P<line>[^\n]*)|/\*(?P<block>.*?)\*/|R"\((?P<raw>.*?)\)"|"(?P<string>(?:\\.|[^"\\\n])*)"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
NAME = re.compile(r"\b(" + "|".join(NAMES) + r")\b")
WORD = re.compile(r"\b(" + "|".join(words.replace(" ", r"(?:\s|//)+") for words in WORDS) + r")\b", re.IGNORECASE)
EXEMPT = {  # {(path, old name or words): reason}; "*" for all
    ("tests/checks/plain_language.py", "*"): "the list",
    ("tests/checks/checks_test.py", "*"): "plants violations",
}


def split(text):
    """(code, prose) of C-like text, each with the other blanked, so that line numbers stay."""
    code, prose, end = [], [], 0

    def blank(part):
        return re.sub(r"[^\n]", " ", part)

    for match in TOKEN.finditer(text):
        between, token = text[end : match.start()], match[0]
        code += [between, blank(token)]
        prose += [blank(between), token]
        end = match.end()
    return "".join([*code, text[end:]]), "".join([*prose, blank(text[end:])])


def files(root, places):
    root = pathlib.Path(root)
    found = set()
    for place in places:
        path = root / place
        found |= {path} if path.is_file() else {file for file in path.rglob("*") if file.is_file() and file.name.endswith(SUFFIXES)}
    return sorted(file.relative_to(root) for file in found)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def first_comment(text):
    """(line number, text) of the first comment line."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("//"):
            return number, line[2:].strip()
    return 0, ""


def violations(root, path):
    """[(line, what, message)] of one file."""
    text = (pathlib.Path(root) / path).read_text(encoding="utf-8", errors="replace")
    c_like = path.name.endswith(C_LIKE)
    code, prose = split(text) if c_like else ("", text)
    found = [(line_of(code, match.start()), match[1], f"the name {match[1]}: write {NAMES[match[1]]}") for match in NAME.finditer(code)]
    for match in WORD.finditer(prose):
        words = re.sub(r"[\s/]+", " ", match[1].lower())
        found.append((line_of(prose, match.start()), words, f'"{words}": write {WORDS[words]}'))
    if path.stem.removesuffix("_test") in FILES:
        found.append((1, path.stem, f"the file's name: write {FILES[path.stem.removesuffix('_test')]}"))
    if path.suffix == ".h":
        number, line = first_comment(text)
        if QUESTION.search(line):
            found.append((number, "question", f'begins with "{line[:40]}": say what the thing is, as a noun phrase or an active sentence'))
    return [(line, what, message) for line, what, message in sorted(found) if not {(str(path), what), (str(path), "*")} & set(EXEMPT)]


def problems(root, places):
    return [f"{path}:{line}: {message}" for path in files(root, places) for line, _, message in violations(root, path)]


def list_all(root, places):
    counts = collections.Counter()
    for path in files(root, places):
        for line, what, message in violations(root, path):
            counts[what] += 1
            print(f"{path}:{line}: {message}")
    print(f"{sum(counts.values())} violations: " + ", ".join(f"{what} {count}" for what, count in counts.most_common()))


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--list"]
    if "--list" in sys.argv:
        list_all(arguments[0], arguments[1:])
    else:
        source_tree.finish(problems(arguments[0], arguments[1:]), len(files(arguments[0], arguments[1:])))
