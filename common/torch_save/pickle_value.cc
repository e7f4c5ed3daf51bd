#include "common/torch_save/pickle_value.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace deit::torch_save {

using Kind = PickleValue::Kind;

bool PickleValue::IsGlobal(absl::string_view module, absl::string_view name) const {
  return kind == Kind::kGlobal && items[0]->text == module && items[1]->text == name;
}

std::string Description(const PickleValue& value) {
  const auto name = [](const PickleValue& global) {
    return absl::Utf8SafeCEscape(absl::StrCat(global.items[0]->text.substr(0, 80), ".", global.items[1]->text.substr(0, 80)));
  };
  switch (value.kind) {
    case Kind::kNone: return "None";
    case Kind::kBool: return "bool";
    case Kind::kInt:
    case Kind::kLong: return "int";
    case Kind::kFloat: return "float";
    case Kind::kString: return "a string";
    case Kind::kBytes: return "bytes";
    case Kind::kTuple: return "a tuple";
    case Kind::kList: return "a list";
    case Kind::kDict: return "a dictionary";
    case Kind::kGlobal: return name(value);
    case Kind::kObject:
      return value.callable->Is(Kind::kGlobal) ? absl::StrCat("an object of ", name(*value.callable)) : std::string("an object");
    case Kind::kPersistent: return "a storage or class";
  }
  return "";
}

}  // namespace deit::torch_save
