// A Python object as its pickle describes it, and nothing more: it is never made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace deit::torch_save {

struct PickleValue {
  enum class Kind {
    kNone,
    kBool,        // number
    kInt,         // number
    kLong,        // text: two's complement, little endian; one of more than 8 bytes
    kFloat,       // without its value
    kString,      // text
    kBytes,       // text
    kTuple,       // items
    kList,        // items; a set likewise
    kDict,        // items: key, value, key, value, ...
    kGlobal,      // items: module and name, kString
    kObject,      // what calling `callable` with `arguments` would give; items: the pairs set or values appended afterwards
    kPersistent,  // arguments: its id
  };
  Kind kind = Kind::kNone;
  int64_t number = 0;
  absl::string_view text;
  std::vector<const PickleValue*> items;
  const PickleValue* callable = nullptr;
  const PickleValue* arguments = nullptr;

  bool Is(Kind other) const { return kind == other; }
  // Whether this is the global MODULE.NAME.
  bool IsGlobal(absl::string_view module, absl::string_view name) const;
};

// "int", "a list", "an object of argparse.Namespace": for messages, without control characters.
std::string Description(const PickleValue& value);

}  // namespace deit::torch_save
