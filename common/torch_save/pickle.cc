#include "common/torch_save/pickle.h"

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_format.h"
#include "common/torch_save/little_endian.h"

namespace deit::torch_save {

using Kind = PickleValue::Kind;

// The machine that a pickle's instructions drive. Names of instructions are pickletools'.
class PickleReader {
 public:
  PickleReader(absl::string_view bytes, size_t max_values) : bytes_(bytes), max_values_(max_values) {}

  StatusOr<Pickle> Run() {
    while (pickle_.root_ == nullptr) {
      const size_t begin = at_;
      const Status status = Step();
      if (!status.ok()) return Annotate(status, absl::StrCat("pickle: byte ", begin));
    }
    pickle_.bytes_ = at_;
    return std::move(pickle_);
  }

 private:
  using Values = std::vector<PickleValue*>;

  Status Step() {
    if (pickle_.values_.size() > max_values_) return absl::DataLossError(absl::StrCat("more than ", max_values_, " values"));
    DEIT_ASSIGN_OR_RETURN(const uint8_t instruction, Number<uint8_t>());
    Status status;
    if (StepOfConstant(instruction, &status) || StepOfText(instruction, &status) || StepOfStack(instruction, &status) ||
        StepOfContainer(instruction, &status) || StepOfObject(instruction, &status)) {
      return status;
    }
    return absl::DataLossError(absl::StrFormat("instruction 0x%02x is not of protocols 2 to 5", instruction));
  }

  // Each of these says whether the instruction is one of its own.
  bool StepOfConstant(uint8_t instruction, Status* status) {
    switch (instruction) {
      case 'N': return Done(status, PushConstant(Kind::kNone, 0));
      case 0x88: return Done(status, PushConstant(Kind::kBool, 1));  // NEWTRUE
      case 0x89: return Done(status, PushConstant(Kind::kBool, 0));  // NEWFALSE
      case 'J': return Done(status, PushNumber<int32_t, uint32_t>());
      case 'K': return Done(status, PushNumber<uint8_t, uint8_t>());
      case 'M': return Done(status, PushNumber<uint16_t, uint16_t>());
      case 'G': return Done(status, PushFloat());
      case 0x8a: return Done(status, PushLong(Number<uint8_t>()));
      case 0x8b: return Done(status, PushLong(Number<uint32_t>()));
      default: return false;
    }
  }

  bool StepOfText(uint8_t instruction, Status* status) {
    switch (instruction) {
      case 'X':                                                                     // BINUNICODE
      case 'T': return Done(status, PushText(Kind::kString, Number<uint32_t>()));   // BINSTRING: Python 2's
      case 0x8c:                                                                    // SHORT_BINUNICODE
      case 'U': return Done(status, PushText(Kind::kString, Number<uint8_t>()));    // SHORT_BINSTRING
      case 0x8d: return Done(status, PushText(Kind::kString, Number<uint64_t>()));  // BINUNICODE8
      case 'B': return Done(status, PushText(Kind::kBytes, Number<uint32_t>()));    // BINBYTES
      case 'C': return Done(status, PushText(Kind::kBytes, Number<uint8_t>()));     // SHORT_BINBYTES
      case 0x8e:                                                                    // BINBYTES8
      case 0x96: return Done(status, PushText(Kind::kBytes, Number<uint64_t>()));   // BYTEARRAY8
      default: return false;
    }
  }

  bool StepOfStack(uint8_t instruction, Status* status) {
    switch (instruction) {
      case 0x80: return Done(status, Number<uint8_t>().status());   // PROTO
      case 0x95: return Done(status, Number<uint64_t>().status());  // FRAME
      case '.': return Done(status, Stop());
      case '(': marks_.push_back(stack_.size()); return true;
      case '0': return Done(status, Pop().status());
      case '1': return Done(status, PopToMark().status());
      case '2': return Done(status, Duplicate());
      case 'q': return Done(status, Remember(Number<uint8_t>()));
      case 'r': return Done(status, Remember(Number<uint32_t>()));
      case 0x94: return Done(status, Remember(static_cast<uint32_t>(memo_.size())));  // MEMOIZE
      case 'h': return Done(status, Recall(Number<uint8_t>()));
      case 'j': return Done(status, Recall(Number<uint32_t>()));
      default: return false;
    }
  }

  bool StepOfContainer(uint8_t instruction, Status* status) {
    switch (instruction) {
      case ')': return Done(status, Make(Kind::kTuple, 0));
      case 0x85: return Done(status, Make(Kind::kTuple, 1));
      case 0x86: return Done(status, Make(Kind::kTuple, 2));
      case 0x87: return Done(status, Make(Kind::kTuple, 3));
      case 't': return Done(status, MakeFromMark(Kind::kTuple));
      case ']':
      case 0x8f: return Done(status, Make(Kind::kList, 0));  // EMPTY_SET too
      case 'l':
      case 0x91: return Done(status, MakeFromMark(Kind::kList));  // FROZENSET too
      case '}': return Done(status, Make(Kind::kDict, 0));
      case 'd': return Done(status, MakeFromMark(Kind::kDict));
      case 'a': return Done(status, Append(1));
      case 's': return Done(status, Append(2));
      case 'e':
      case 0x90:  // ADDITEMS
      case 'u': return Done(status, AppendFromMark());
      default: return false;
    }
  }

  bool StepOfObject(uint8_t instruction, Status* status) {
    switch (instruction) {
      case 'c': return Done(status, PushGlobalOfLines());
      case 0x93: return Done(status, Make(Kind::kGlobal, 2));  // STACK_GLOBAL
      case 'R':
      case 0x81: return Done(status, Call());                                  // NEWOBJ
      case 0x92: return Done(status, Pop().status().ok() ? Call() : Empty());  // NEWOBJ_EX: its last operand are arguments by name
      case 'b': return Done(status, Pop().status());                           // BUILD
      case 'Q': return Done(status, PushPersistent());
      default: return false;
    }
  }

  static bool Done(Status* status, Status result) {
    *status = std::move(result);
    return true;
  }

  static Status Empty() { return absl::DataLossError("its stack lacks an operand"); }

  template <typename T>
  StatusOr<T> Number() {
    if (sizeof(T) > bytes_.size() - at_) return absl::DataLossError("an operand beyond its end");
    at_ += sizeof(T);
    return LittleEndian<T>(bytes_, at_ - sizeof(T));
  }

  StatusOr<absl::string_view> Text(uint64_t bytes) {
    if (bytes > bytes_.size() - at_) return absl::DataLossError("an operand beyond its end");
    at_ += static_cast<size_t>(bytes);
    return bytes_.substr(at_ - static_cast<size_t>(bytes), static_cast<size_t>(bytes));
  }

  StatusOr<absl::string_view> Line() {
    const size_t end = bytes_.find('\n', at_);
    if (end == absl::string_view::npos) return absl::DataLossError("an operand beyond its end");
    const absl::string_view line = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return line;
  }

  PickleValue& New(Kind kind) {
    PickleValue& value = pickle_.values_.emplace_back();
    value.kind = kind;
    return value;
  }

  Status PushConstant(Kind kind, int64_t number) {
    PickleValue& value = New(kind);
    value.number = number;
    stack_.push_back(&value);
    return absl::OkStatus();
  }

  template <typename Value, typename Stored>
  Status PushNumber() {
    DEIT_ASSIGN_OR_RETURN(const Stored stored, Number<Stored>());
    return PushConstant(Kind::kInt, static_cast<Value>(stored));
  }

  Status PushFloat() {
    DEIT_RETURN_IF_ERROR(Number<uint64_t>().status());
    return PushConstant(Kind::kFloat, 0);
  }

  template <typename T>
  Status PushText(Kind kind, StatusOr<T> bytes) {
    DEIT_RETURN_IF_ERROR(bytes.status());
    DEIT_ASSIGN_OR_RETURN(const absl::string_view text, Text(*bytes));
    PickleValue& value = New(kind);
    value.text = text;
    stack_.push_back(&value);
    return absl::OkStatus();
  }

  template <typename T>
  Status PushLong(StatusOr<T> bytes) {
    DEIT_RETURN_IF_ERROR(PushText(Kind::kLong, bytes));
    PickleValue& value = pickle_.values_.back();
    if (value.text.size() > sizeof(int64_t)) return absl::OkStatus();
    uint64_t number = !value.text.empty() && (static_cast<unsigned char>(value.text.back()) & 0x80) != 0 ? ~uint64_t{0} : 0;
    for (size_t i = value.text.size(); i-- > 0;) number = number << 8 | static_cast<unsigned char>(value.text[i]);
    value.kind = Kind::kInt;
    value.number = static_cast<int64_t>(number);
    return absl::OkStatus();
  }

  // What lies on the stack above the last mark.
  size_t Floor() const { return marks_.empty() ? 0 : marks_.back(); }

  StatusOr<PickleValue*> Pop() {
    if (stack_.size() <= Floor()) return Empty();
    PickleValue* const value = stack_.back();
    stack_.pop_back();
    return value;
  }

  StatusOr<Values> PopSome(size_t count) {
    if (stack_.size() - Floor() < count) return Empty();
    Values values(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return values;
  }

  StatusOr<Values> PopToMark() {
    if (marks_.empty()) return absl::DataLossError("its stack has no mark");
    DEIT_ASSIGN_OR_RETURN(Values values, PopSome(stack_.size() - marks_.back()));
    marks_.pop_back();
    return values;
  }

  Status Stop() {
    DEIT_ASSIGN_OR_RETURN(pickle_.root_, Pop());
    return absl::OkStatus();
  }

  Status Duplicate() {
    if (stack_.size() <= Floor()) return Empty();
    stack_.push_back(stack_.back());
    return absl::OkStatus();
  }

  template <typename T>
  Status Remember(StatusOr<T> key) {
    DEIT_RETURN_IF_ERROR(key.status());
    if (stack_.size() <= Floor()) return Empty();
    if (memo_.size() > max_values_) return absl::DataLossError(absl::StrCat("more than ", max_values_, " remembered values"));
    memo_[*key] = stack_.back();
    return absl::OkStatus();
  }
  Status Remember(uint32_t key) { return Remember(StatusOr<uint32_t>(key)); }

  template <typename T>
  Status Recall(StatusOr<T> key) {
    DEIT_RETURN_IF_ERROR(key.status());
    const auto found = memo_.find(*key);
    if (found == memo_.end()) return absl::DataLossError(absl::StrCat("nothing was remembered as ", *key));
    stack_.push_back(found->second);
    return absl::OkStatus();
  }

  Status MakeOf(Kind kind, StatusOr<Values> items) {
    DEIT_RETURN_IF_ERROR(items.status());
    if (kind == Kind::kDict && items->size() % 2 != 0) return absl::DataLossError("a key without a value");
    PickleValue& value = New(kind);
    value.items.assign(items->begin(), items->end());
    stack_.push_back(&value);
    return absl::OkStatus();
  }
  Status Make(Kind kind, size_t count) { return MakeOf(kind, PopSome(count)); }
  Status MakeFromMark(Kind kind) { return MakeOf(kind, PopToMark()); }

  Status AppendTo(const Values& items) {
    if (stack_.size() <= Floor()) return Empty();
    const Kind kind = stack_.back()->kind;
    if (kind != Kind::kList && kind != Kind::kDict && kind != Kind::kObject)
      return absl::DataLossError("nothing that values can be put into");
    if (kind == Kind::kDict && items.size() % 2 != 0) return absl::DataLossError("a key without a value");
    stack_.back()->items.insert(stack_.back()->items.end(), items.begin(), items.end());
    return absl::OkStatus();
  }

  Status Append(size_t count) {
    DEIT_ASSIGN_OR_RETURN(const Values items, PopSome(count));
    return AppendTo(items);
  }

  Status AppendFromMark() {
    DEIT_ASSIGN_OR_RETURN(const Values items, PopToMark());
    return AppendTo(items);
  }

  Status PushGlobalOfLines() {
    for (int i = 0; i < 2; ++i) {
      DEIT_ASSIGN_OR_RETURN(const absl::string_view line, Line());
      PickleValue& word = New(Kind::kString);
      word.text = line;
      stack_.push_back(&word);
    }
    return Make(Kind::kGlobal, 2);
  }

  Status Call() {
    DEIT_ASSIGN_OR_RETURN(const Values operands, PopSome(2));
    PickleValue& object = New(Kind::kObject);
    object.callable = operands[0];
    object.arguments = operands[1];
    stack_.push_back(&object);
    return absl::OkStatus();
  }

  Status PushPersistent() {
    DEIT_ASSIGN_OR_RETURN(const PickleValue* const id, Pop());
    PickleValue& value = New(Kind::kPersistent);
    value.arguments = id;
    stack_.push_back(&value);
    return absl::OkStatus();
  }

  absl::string_view bytes_;
  const size_t max_values_;
  size_t at_ = 0;
  Pickle pickle_;
  Values stack_;
  std::vector<size_t> marks_;  // heights of the stack
  absl::flat_hash_map<uint32_t, PickleValue*> memo_;
};

StatusOr<Pickle> Pickle::Read(absl::string_view bytes, size_t max_values) {
  return PickleReader(bytes.substr(0, kMaxBytes), max_values).Run();
}

}  // namespace deit::torch_save
