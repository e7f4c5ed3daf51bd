#include "common/json/message_json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/struct.pb.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/numbers.h"
#include "common/json/json_text.h"
#include "proto/json_options.pb.h"

namespace deit::json {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string JsonNumber(double value) {
  const std::string text = RoundTripText(value);
  return std::isfinite(value) ? text : JsonQuote(text);
}

std::string JsonNumber(float value) {
  if (!std::isfinite(value)) return JsonNumber(static_cast<double>(value));
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

constexpr size_t kEveryLevel = std::numeric_limits<size_t>::max();

struct Layout {
  bool spaced;         // after ':' and ','
  size_t line_levels;  // how many outer brackets have each of their members on a line of its own
};

class Printer {
 public:
  explicit Printer(Layout layout) : layout_(layout) {}

  std::string Print(const Message& message) {
    Object(message);
    return std::move(out_);
  }

 private:
  void Object(const Message& message) {
    const auto* descriptor = message.GetDescriptor();
    const auto* reflection = message.GetReflection();
    Open('{');
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      const bool absent = field->has_presence() && !reflection->HasField(message, field);
      if (absent && !field->options().GetExtension(v1::null_when_absent)) continue;
      Key(field->name());
      if (absent) {
        Put("null");
      } else if (field->is_map()) {
        Map(message, field);
      } else if (field->is_repeated()) {
        Array(message, field);
      } else {
        Value(message, field, -1);
      }
    }
    Close('}');
  }

  // Keys in ascending order: a map has none of its own.
  void Map(const Message& message, const FieldDescriptor* field) {
    std::map<std::string, const Message*> entries;
    const FieldDescriptor* key = field->message_type()->map_key();
    for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
      const Message& entry = message.GetReflection()->GetRepeatedMessage(message, field, i);
      entries.emplace(entry.GetReflection()->GetString(entry, key), &entry);
    }
    Open('{');
    for (const auto& [name, entry] : entries) {
      Key(name);
      Value(*entry, field->message_type()->map_value(), -1);
    }
    Close('}');
  }

  // Protobuf's own mapping of its types for JSON of no fixed shape.
  void Dynamic(const google::protobuf::Value& value) {
    switch (value.kind_case()) {
      case google::protobuf::Value::kNumberValue: return Put(JsonNumber(value.number_value()));
      case google::protobuf::Value::kStringValue: return Put(JsonQuote(value.string_value()));
      case google::protobuf::Value::kBoolValue: return Put(value.bool_value() ? "true" : "false");
      case google::protobuf::Value::kStructValue: return Map(value.struct_value(), value.struct_value().GetDescriptor()->field(0));
      case google::protobuf::Value::kListValue: return Array(value.list_value(), value.list_value().GetDescriptor()->field(0));
      default: return Put("null");
    }
  }

  void SubMessage(const Message& message) {
    const auto* type = message.GetDescriptor();
    if (type == google::protobuf::Value::descriptor()) return Dynamic(static_cast<const google::protobuf::Value&>(message));
    if (type == google::protobuf::Struct::descriptor()) return Map(message, type->field(0));
    if (type == google::protobuf::ListValue::descriptor()) return Array(message, type->field(0));
    Object(message);
  }

  void Array(const Message& message, const FieldDescriptor* field) {
    const int size = message.GetReflection()->FieldSize(message, field);
    Open('[');
    for (int i = 0; i < size; ++i) {
      Separate();
      Value(message, field, i);
    }
    Close(']');
  }

  // The field itself, or its element `index` where it is repeated.
  void Value(const Message& message, const FieldDescriptor* field, int index) {
    const auto& r = *message.GetReflection();
    const bool many = index >= 0;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32: Put(many ? r.GetRepeatedInt32(message, field, index) : r.GetInt32(message, field)); break;
      case FieldDescriptor::CPPTYPE_INT64: Put(many ? r.GetRepeatedInt64(message, field, index) : r.GetInt64(message, field)); break;
      case FieldDescriptor::CPPTYPE_UINT32: Put(many ? r.GetRepeatedUInt32(message, field, index) : r.GetUInt32(message, field)); break;
      case FieldDescriptor::CPPTYPE_UINT64: Put(many ? r.GetRepeatedUInt64(message, field, index) : r.GetUInt64(message, field)); break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        Put(JsonNumber(many ? r.GetRepeatedDouble(message, field, index) : r.GetDouble(message, field)));
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        Put(JsonNumber(many ? r.GetRepeatedFloat(message, field, index) : r.GetFloat(message, field)));
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        Put((many ? r.GetRepeatedBool(message, field, index) : r.GetBool(message, field)) ? "true" : "false");
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        Put(JsonQuote(many ? r.GetRepeatedString(message, field, index) : r.GetString(message, field)));
        break;
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int number = many ? r.GetRepeatedEnumValue(message, field, index) : r.GetEnumValue(message, field);
        const auto* value = field->enum_type()->FindValueByNumber(number);
        Put(value != nullptr ? JsonQuote(value->name()) : absl::StrCat(number));
        break;
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        SubMessage(many ? r.GetRepeatedMessage(message, field, index) : r.GetMessage(message, field));
        break;
    }
  }

  template <typename T>
  void Put(const T& value) {
    absl::StrAppend(&out_, value);
  }
  void Open(char bracket) {
    out_.push_back(bracket);
    ++depth_;
    empty_ = true;
  }
  void Separate() {
    if (!empty_) out_.push_back(',');
    if (depth_ <= layout_.line_levels) {
      NewLine();
    } else if (!empty_ && layout_.spaced) {
      out_.push_back(' ');
    }
    empty_ = false;
  }
  void Key(const std::string& name) {
    Separate();
    absl::StrAppend(&out_, JsonQuote(name), layout_.spaced ? ": " : ":");
  }
  void Close(char bracket) {
    const bool on_lines = depth_-- <= layout_.line_levels;
    if (!empty_ && on_lines) NewLine();
    out_.push_back(bracket);
    empty_ = false;
  }
  void NewLine() { out_.append("\n").append(2 * depth_, ' '); }

  const Layout layout_;
  size_t depth_ = 0;
  bool empty_ = true;  // the innermost object or array, so far
  std::string out_;
};

}  // namespace

std::string ToJsonLine(const Message& message) { return Printer({.spaced = false, .line_levels = 0}).Print(message); }

std::string ToSpacedJsonLine(const Message& message) { return Printer({.spaced = true, .line_levels = 0}).Print(message); }

std::string ToJsonText(const Message& message) { return Printer({.spaced = true, .line_levels = kEveryLevel}).Print(message) + "\n"; }

std::string ToJsonText(const Message& message, size_t line_levels) {
  return Printer({.spaced = true, .line_levels = line_levels}).Print(message) + "\n";
}

std::string JsonArrayText(const std::vector<std::string>& objects) {
  return absl::StrCat("[", objects.empty() ? "" : "\n  ", absl::StrJoin(objects, ",\n  "), objects.empty() ? "" : "\n", "]\n");
}

}  // namespace deit::json
