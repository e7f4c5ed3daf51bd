#include "common/spec/fields.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/nearest.h"

namespace deit::spec {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// The shortest text that reads back as the same value of the same type.
template <typename Number>
std::string Shortest(Number value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value);
  return std::string(buffer, end.ptr);
}

std::string Quoted(const std::string& text) { return absl::StrCat("\"", absl::CEscape(text), "\""); }

std::string SingleText(const Message& message, const FieldDescriptor* field) {
  const Reflection* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: return absl::StrCat(reflection->GetInt32(message, field));
    case FieldDescriptor::CPPTYPE_INT64: return absl::StrCat(reflection->GetInt64(message, field));
    case FieldDescriptor::CPPTYPE_UINT32: return absl::StrCat(reflection->GetUInt32(message, field));
    case FieldDescriptor::CPPTYPE_UINT64: return absl::StrCat(reflection->GetUInt64(message, field));
    case FieldDescriptor::CPPTYPE_DOUBLE: return Shortest(reflection->GetDouble(message, field));
    case FieldDescriptor::CPPTYPE_FLOAT: return Shortest(reflection->GetFloat(message, field));
    case FieldDescriptor::CPPTYPE_BOOL: return reflection->GetBool(message, field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM: return reflection->GetEnum(message, field)->name();
    case FieldDescriptor::CPPTYPE_STRING: return Quoted(reflection->GetString(message, field));
    case FieldDescriptor::CPPTYPE_MESSAGE: break;
  }
  return {};
}

std::string RepeatedItemText(const Message& message, const FieldDescriptor* field, int i) {
  const Reflection* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: return absl::StrCat(reflection->GetRepeatedInt32(message, field, i));
    case FieldDescriptor::CPPTYPE_INT64: return absl::StrCat(reflection->GetRepeatedInt64(message, field, i));
    case FieldDescriptor::CPPTYPE_UINT32: return absl::StrCat(reflection->GetRepeatedUInt32(message, field, i));
    case FieldDescriptor::CPPTYPE_UINT64: return absl::StrCat(reflection->GetRepeatedUInt64(message, field, i));
    case FieldDescriptor::CPPTYPE_DOUBLE: return Shortest(reflection->GetRepeatedDouble(message, field, i));
    case FieldDescriptor::CPPTYPE_FLOAT: return Shortest(reflection->GetRepeatedFloat(message, field, i));
    case FieldDescriptor::CPPTYPE_BOOL: return reflection->GetRepeatedBool(message, field, i) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM: return reflection->GetRepeatedEnum(message, field, i)->name();
    case FieldDescriptor::CPPTYPE_STRING: return Quoted(reflection->GetRepeatedString(message, field, i));
    case FieldDescriptor::CPPTYPE_MESSAGE: break;
  }
  return {};
}

std::string ValueText(const Message& message, const FieldDescriptor* field) {
  if (!field->is_repeated()) return SingleText(message, field);
  std::vector<std::string> items;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) items.push_back(RepeatedItemText(message, field, i));
  return absl::StrCat("[", absl::StrJoin(items, ", "), "]");
}

const Message& DefaultOf(const Message& message) {
  return *message.GetReflection()->GetMessageFactory()->GetPrototype(message.GetDescriptor());
}

void Walk(const Message& message, const std::string& group, v1::Effect effect_of_group, std::vector<FieldValue>* fields) {
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    const std::string path = JoinFieldPath(group, field->name());
    const v1::Effect own = field->options().GetExtension(v1::effect);
    const v1::Effect effect = effect_of_group == v1::EXECUTION ? v1::EXECUTION : own;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Walk(message.GetReflection()->GetMessage(message, field), path, effect, fields);
      continue;
    }
    const std::string value = ValueText(message, field);
    const bool is_default = value == ValueText(DefaultOf(message), field);
    const bool is_set = field->is_repeated() ? value != "[]" : message.GetReflection()->HasField(message, field);
    fields->push_back({path, value, is_set, is_default, field->options().GetExtension(v1::path), effect});
  }
}

void ListPaths(const Descriptor& descriptor, const std::string& group, std::vector<std::string>* paths) {
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor* field = descriptor.field(i);
    const std::string path = JoinFieldPath(group, field->name());
    paths->push_back(path);
    if (field->message_type() != nullptr) ListPaths(*field->message_type(), path, paths);
  }
}

}  // namespace

std::vector<FieldValue> ListFields(const Message& message) {
  std::vector<FieldValue> fields;
  Walk(message, "", v1::RESULT, &fields);
  std::sort(fields.begin(), fields.end(), [](const FieldValue& a, const FieldValue& b) { return a.path < b.path; });
  return fields;
}

std::string NearestPath(const Descriptor& spec, const std::string& group, absl::string_view name) {
  std::vector<std::string> paths, siblings, names;
  ListPaths(spec, "", &paths);
  for (const std::string& path : paths) {
    const size_t dot = path.rfind('.');
    names.push_back(dot == std::string::npos ? path : path.substr(dot + 1));
    if ((dot == std::string::npos ? "" : path.substr(0, dot)) == group) siblings.push_back(names.back());
  }
  if (const std::string sibling = Nearest(name, siblings); !sibling.empty()) return JoinFieldPath(group, sibling);
  const auto anywhere = std::find(names.begin(), names.end(), Nearest(name, names));
  return anywhere == names.end() ? "" : paths[static_cast<size_t>(anywhere - names.begin())];
}

std::string JoinFieldPath(absl::string_view group, absl::string_view name) {
  return group.empty() ? std::string(name) : absl::StrCat(group, ".", name);
}

}  // namespace deit::spec
