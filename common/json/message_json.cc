#include "common/json/message_json.h"

#include <google/protobuf/descriptor.h>

#include <cmath>
#include <cstdint>

#include "absl/strings/str_format.h"
#include "common/base/numbers.h"
#include "common/json/json_text.h"

namespace deit::json {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string JsonNumber(double value) {
  const std::string text = RoundTripText(value);
  return std::isfinite(value) ? text : JsonQuote(text);
}

class Printer {
 public:
  explicit Printer(bool indented) : indented_(indented) {}

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
      if (field->has_presence() && !reflection->HasField(message, field)) continue;
      Separate();
      absl::StrAppend(&out_, "\"", field->name(), indented_ ? "\": " : "\":");
      if (field->is_repeated()) {
        Array(message, field);
      } else {
        Value(message, field, -1);
      }
    }
    Close('}');
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
        Put(JsonNumber(static_cast<double>(many ? r.GetRepeatedFloat(message, field, index) : r.GetFloat(message, field))));
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
        Object(many ? r.GetRepeatedMessage(message, field, index) : r.GetMessage(message, field));
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
    empty_ = false;
    NewLine();
  }
  void Close(char bracket) {
    --depth_;
    if (!empty_) NewLine();
    out_.push_back(bracket);
    empty_ = false;
  }
  void NewLine() {
    if (indented_) out_.append("\n").append(2 * depth_, ' ');
  }

  const bool indented_;
  size_t depth_ = 0;
  bool empty_ = true;  // the innermost object or array, so far
  std::string out_;
};

}  // namespace

std::string ToJsonLine(const Message& message) { return Printer(false).Print(message); }

std::string ToJsonText(const Message& message) { return Printer(true).Print(message) + "\n"; }

}  // namespace deit::json
