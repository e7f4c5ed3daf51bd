#include "common/spec/assign.h"

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/nearest.h"
#include "common/base/numbers.h"
#include "common/files/absolute_path.h"
#include "common/spec/fields.h"
#include "proto/options.pb.h"

namespace deit::spec {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string Shown(const Node& node) {
  if (node.kind == Node::Kind::kGroup) return "{...}";
  if (node.kind == Node::Kind::kList) return "[...]";
  constexpr size_t kLongestShown = 60;
  const std::string text = absl::CEscape(absl::string_view(node.text).substr(0, kLongestShown));
  const absl::string_view more = node.text.size() > kLongestShown ? "..." : "";
  return node.kind == Node::Kind::kString ? absl::StrCat("\"", text, more, "\"") : absl::StrCat(text, more);
}

// "1000000" rather than "1e+06".
std::string BoundText(double bound) {
  const bool whole = std::nearbyint(bound) == bound && std::abs(bound) < 1e15;
  return whole ? absl::StrCat(static_cast<int64_t>(bound)) : RoundTripText(bound);
}

// "1 to 4096", "at least 1", "more than 0 and at most 1", ... Fields without a bound show their type's, where it is given.
std::string RangeText(const v1::Range& range, const std::string& type_min = "", const std::string& type_max = "") {
  const std::string min = range.has_min() ? BoundText(range.min()) : type_min;
  const std::string max = range.has_max() ? BoundText(range.max()) : type_max;
  if (max.empty()) return absl::StrCat(range.min_exclusive() ? "more than " : "at least ", min);
  if (min.empty()) return absl::StrCat("at most ", max);
  return range.min_exclusive() ? absl::StrCat("more than ", min, " and at most ", max) : absl::StrCat(min, " to ", max);
}

bool InRange(double value, const v1::Range& range) {
  if (range.has_min() && (value < range.min() || (range.min_exclusive() && value == range.min()))) return false;
  return !range.has_max() || value <= range.max();
}

// A value to put into a field, set or appended alike.
class Slot {
 public:
  Slot(Message* message, const FieldDescriptor* field, const std::string& path, const std::string& folder, Problems* problems)
      : message_(message), field_(field), path_(path), folder_(folder), problems_(problems) {}

  void Put(const Node& node) {
    switch (field_->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32: return PutWhole<int32_t>(node, &Reflection::SetInt32, &Reflection::AddInt32);
      case FieldDescriptor::CPPTYPE_INT64: return PutWhole<int64_t>(node, &Reflection::SetInt64, &Reflection::AddInt64);
      case FieldDescriptor::CPPTYPE_UINT32: return PutWhole<uint32_t>(node, &Reflection::SetUInt32, &Reflection::AddUInt32);
      case FieldDescriptor::CPPTYPE_UINT64: return PutWhole<uint64_t>(node, &Reflection::SetUInt64, &Reflection::AddUInt64);
      case FieldDescriptor::CPPTYPE_DOUBLE: return PutReal<double>(node, &Reflection::SetDouble, &Reflection::AddDouble);
      case FieldDescriptor::CPPTYPE_FLOAT: return PutReal<float>(node, &Reflection::SetFloat, &Reflection::AddFloat);
      case FieldDescriptor::CPPTYPE_BOOL: return PutBool(node);
      case FieldDescriptor::CPPTYPE_ENUM: return PutEnum(node);
      case FieldDescriptor::CPPTYPE_STRING: return PutString(node);
      case FieldDescriptor::CPPTYPE_MESSAGE: break;  // groups are entered, not put
    }
  }

 private:
  template <typename Value>
  using Setter = void (Reflection::*)(Message*, const FieldDescriptor*, Value) const;

  template <typename Value>
  void Store(Value value, Setter<Value> set, Setter<Value> add) {
    (message_->GetReflection()->*(field_->is_repeated() ? add : set))(message_, field_, value);
  }
  void Refuse(const Node& node, absl::string_view rule) { problems_->AddAt(node.place, path_, absl::StrCat(Shown(node), ": ", rule)); }
  static bool IsScalar(const Node& node) { return node.kind != Node::Kind::kGroup && node.kind != Node::Kind::kList; }

  template <typename Whole>
  void PutWhole(const Node& node, Setter<Whole> set, Setter<Whole> add) {
    using Limits = std::numeric_limits<Whole>;
    const v1::Range& range = field_->options().GetExtension(v1::range);
    Whole value{};
    double real = 0;
    const bool digits = IsScalar(node) && !node.text.empty() && node.text.find_first_not_of("+-0123456789") == std::string::npos;
    if (!digits || !absl::SimpleAtod(node.text, &real)) return Refuse(node, "want a whole number");
    if (!absl::SimpleAtoi(node.text, &value) || !InRange(static_cast<double>(value), range)) {
      return Refuse(node, absl::StrCat("out of range: want ", RangeText(range, absl::StrCat(Limits::min()), absl::StrCat(Limits::max()))));
    }
    Store<Whole>(value, set, add);
  }

  template <typename Real>
  void PutReal(const Node& node, Setter<Real> set, Setter<Real> add) {
    double value = 0;
    if (!IsScalar(node) || !absl::SimpleAtod(node.text, &value)) return Refuse(node, "want a number");
    if (!std::isfinite(value) || !std::isfinite(static_cast<Real>(value))) return Refuse(node, "want a finite number");
    const v1::Range& range = field_->options().GetExtension(v1::range);
    if (!InRange(value, range)) return Refuse(node, absl::StrCat("out of range: want ", RangeText(range)));
    Store<Real>(static_cast<Real>(value), set, add);
  }

  void PutBool(const Node& node) {
    if (node.kind == Node::Kind::kWord && (node.text == "true" || node.text == "false")) {
      return Store<bool>(node.text == "true", &Reflection::SetBool, &Reflection::AddBool);
    }
    Refuse(node, "want true or false");
  }

  void PutEnum(const Node& node) {
    const EnumDescriptor* type = field_->enum_type();
    const auto* value = IsScalar(node) ? type->FindValueByName(node.text) : nullptr;
    if (value != nullptr) {
      using Named = const google::protobuf::EnumValueDescriptor*;
      return Store<Named>(value, &Reflection::SetEnum, &Reflection::AddEnum);
    }
    std::vector<std::string> names;
    for (int i = 0; i < type->value_count(); ++i) names.push_back(type->value(i)->name());
    Refuse(node, absl::StrCat("want one of ", absl::StrJoin(names, ", "), DidYouMean(node.text, names)));
  }

  void PutString(const Node& node) {
    const bool text = node.kind == Node::Kind::kString || (node.place.command_line && IsScalar(node));
    if (!text) return Refuse(node, "want a text in quotes");
    if (node.text.find('\0') != std::string::npos) return Refuse(node, "want a text without zero bytes");
    std::string value = node.text;
    if (field_->options().GetExtension(v1::path)) {
      if (value.empty()) return;
      if (value[0] == '~') return Refuse(node, "\"~\" is not expanded here: want a whole path, or ./~ for a folder of that name");
      value = files::AbsolutePath(folder_, value);
    }
    const Reflection* reflection = message_->GetReflection();
    if (field_->is_repeated()) reflection->AddString(message_, field_, value);
    else reflection->SetString(message_, field_, value);
  }

  Message* message_;
  const FieldDescriptor* field_;
  const std::string& path_;
  const std::string& folder_;
  Problems* problems_;
};

std::string UnknownField(const Descriptor& spec, const std::string& group, const std::string& name) {
  const std::string nearest = NearestPath(spec, group, name);
  return absl::StrCat("unknown field", nearest.empty() ? "" : absl::StrCat(", did you mean \"", nearest, "\""));
}

class FileAssigner {
 public:
  FileAssigner(const std::string& folder, const Descriptor& spec, Problems* problems) : folder_(folder), spec_(spec), problems_(problems) {}

  void Group(const Node& node, const std::string& group, Message* message) {
    std::map<std::string, Place> seen;
    for (const Entry& entry : node.entries) {
      const std::string path = JoinFieldPath(group, entry.name);
      const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(entry.name);
      if (field == nullptr) {
        problems_->AddAt(entry.place, path, UnknownField(spec_, group, entry.name));
        continue;
      }
      const auto [first, is_first] = seen.emplace(entry.name, entry.place);
      if (!is_first && !field->is_repeated()) {
        problems_->AddAt(entry.place, path, absl::StrCat("set twice, first at ", first->second.line, ":", first->second.column));
        continue;
      }
      problems_->Locate(path, entry.value.place);
      Field(entry.value, path, field, message);
    }
  }

 private:
  void Field(const Node& value, const std::string& path, const FieldDescriptor* field, Message* message) {
    if (value.kind == Node::Kind::kWord && value.text == "null") return;
    if (field->message_type() != nullptr) {
      if (value.kind == Node::Kind::kGroup) return Group(value, path, message->GetReflection()->MutableMessage(message, field));
      return problems_->AddAt(value.place, path, absl::StrCat(Shown(value), ": want a group of fields in braces"));
    }
    Slot slot(message, field, path, folder_, problems_);
    if (value.kind != Node::Kind::kList) return slot.Put(value);
    if (!field->is_repeated()) return problems_->AddAt(value.place, path, "want one value, not a list");
    for (const Node& item : value.items) slot.Put(item);
  }

  const std::string& folder_;
  const Descriptor& spec_;
  Problems* problems_;
};

constexpr Place kCommandLine{.command_line = true};

// The message that holds the field named by `path`, and the field. Told and nullopt where there is none.
struct Target {
  Message* message;
  const FieldDescriptor* field;
};
std::optional<Target> FindTarget(const std::string& path, Message* spec, Problems* problems) {
  Message* message = spec;
  const FieldDescriptor* field = nullptr;
  std::string group;
  for (absl::string_view name : absl::StrSplit(path, '.')) {
    if (field != nullptr && field->message_type() == nullptr) {
      problems->AddAt(kCommandLine, path, absl::StrCat("unknown field: \"", group, "\" has no fields beneath it"));
      return std::nullopt;
    }
    if (field != nullptr) message = message->GetReflection()->MutableMessage(message, field);
    field = message->GetDescriptor()->FindFieldByName(std::string(name));
    if (field == nullptr) {
      problems->AddAt(kCommandLine, path, UnknownField(*spec->GetDescriptor(), group, std::string(name)));
      return std::nullopt;
    }
    group = JoinFieldPath(group, name);
  }
  return Target{message, field};
}

}  // namespace

void AssignFile(const Node& root, const std::string& folder, Message* spec, Problems* problems) {
  FileAssigner(folder, *spec->GetDescriptor(), problems).Group(root, "", spec);
}

void AssignOverrides(const std::vector<std::string>& overrides, const std::string& folder, Message* spec, Problems* problems) {
  std::set<std::string> replaced;  // lists that the command line has taken over
  for (const std::string& word : overrides) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      const bool job_file = absl::EndsWith(word, ".textproto") || absl::EndsWith(word, ".json");
      problems->AddAt(kCommandLine, "",
                      absl::StrCat(word, job_file ? ": want --config=" + word : ": want path=value, such as train.epochs=2"));
      continue;
    }
    const std::string path = word.substr(0, equals), value = word.substr(equals + 1);
    const std::optional<Target> target = FindTarget(path, spec, problems);
    if (!target) continue;
    problems->Locate(path, kCommandLine);
    const bool list = target->field->is_repeated();
    const bool takes_over = list && replaced.insert(path).second;
    if (value.empty() || takes_over) target->message->GetReflection()->ClearField(target->message, target->field);
    if (value.empty()) continue;
    if (target->field->message_type() != nullptr) {
      problems->AddAt(kCommandLine, path, absl::StrCat(value, ": a group of fields: set its fields one by one, or nothing to unset it"));
      continue;
    }
    Slot slot(target->message, target->field, path, folder, problems);
    if (!list) slot.Put(ParseWord(value));
    else
      for (absl::string_view item : absl::StrSplit(value, ',')) slot.Put(ParseWord(item));
  }
}

}  // namespace deit::spec
