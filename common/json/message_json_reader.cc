// FromJson of json.h. protobuf's own reader takes ten times as long, which a list of hundreds of jobs would feel.
#include <google/protobuf/descriptor.h>

#include <limits>

#include "absl/strings/numbers.h"
#include "common/json/json_scanner.h"
#include "common/json/message_json.h"

namespace deit::json {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

class Reader {
 public:
  explicit Reader(absl::string_view text) : json_(text) {}

  Status Read(Message* message) {
    DEIT_RETURN_IF_ERROR(Object(message, 0));
    return json_.ExpectEnd();
  }

 private:
  Status Object(Message* message, int depth) {
    if (depth == JsonScanner::kMaxDepth) return Error("nested too deeply");
    DEIT_RETURN_IF_ERROR(json_.Expect('{'));
    if (json_.TryConsume('}')) return absl::OkStatus();
    do {
      DEIT_ASSIGN_OR_RETURN(const std::string key, json_.ReadString());
      DEIT_RETURN_IF_ERROR(json_.Expect(':'));
      const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(key);
      DEIT_RETURN_IF_ERROR(field == nullptr ? json_.SkipValue() : Annotate(Field(message, field, depth), key));
    } while (json_.TryConsume(','));
    return json_.Expect('}');
  }

  Status Field(Message* message, const FieldDescriptor* field, int depth) {
    if (json_.TryConsumeWord("null")) return absl::OkStatus();
    if (!field->is_repeated()) return Value(message, field, depth);
    DEIT_RETURN_IF_ERROR(json_.Expect('['));
    if (json_.TryConsume(']')) return absl::OkStatus();
    do {
      DEIT_RETURN_IF_ERROR(Value(message, field, depth));
    } while (json_.TryConsume(','));
    return json_.Expect(']');
  }

  // The field itself, or one more element of it.
  Status Value(Message* message, const FieldDescriptor* field, int depth) {
    const auto& r = *message->GetReflection();
    const bool many = field->is_repeated();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32: {
        DEIT_ASSIGN_OR_RETURN(const int32_t value, Integer<int32_t>());
        many ? r.AddInt32(message, field, value) : r.SetInt32(message, field, value);
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        DEIT_ASSIGN_OR_RETURN(const int64_t value, Integer<int64_t>());
        many ? r.AddInt64(message, field, value) : r.SetInt64(message, field, value);
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_UINT32: {
        DEIT_ASSIGN_OR_RETURN(const uint32_t value, Integer<uint32_t>());
        many ? r.AddUInt32(message, field, value) : r.SetUInt32(message, field, value);
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_UINT64: {
        DEIT_ASSIGN_OR_RETURN(const uint64_t value, Integer<uint64_t>());
        many ? r.AddUInt64(message, field, value) : r.SetUInt64(message, field, value);
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_DOUBLE: {
        DEIT_ASSIGN_OR_RETURN(const double value, Double());
        many ? r.AddDouble(message, field, value) : r.SetDouble(message, field, value);
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_FLOAT: {
        DEIT_ASSIGN_OR_RETURN(const double value, Double());
        many ? r.AddFloat(message, field, static_cast<float>(value)) : r.SetFloat(message, field, static_cast<float>(value));
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_BOOL: {
        const bool value = json_.TryConsumeWord("true");
        if (!value && !json_.TryConsumeWord("false")) return Error("expected true or false");
        many ? r.AddBool(message, field, value) : r.SetBool(message, field, value);
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        DEIT_ASSIGN_OR_RETURN(std::string value, json_.ReadString());
        many ? r.AddString(message, field, std::move(value)) : r.SetString(message, field, std::move(value));
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_ENUM: return Enumerator(message, field);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Object(many ? r.AddMessage(message, field) : r.MutableMessage(message, field), depth + 1);
    }
    return absl::OkStatus();
  }

  // Digits, also in quotes, as protobuf's printer writes 64-bit integers.
  template <typename T>
  StatusOr<T> Integer() {
    DEIT_ASSIGN_OR_RETURN(const std::string text, NumberText());
    T value = 0;
    if (!absl::SimpleAtoi(text, &value)) return Error(absl::StrCat(text, ": expected a whole number that fits"));
    return value;
  }

  StatusOr<double> Double() {
    DEIT_ASSIGN_OR_RETURN(const std::string text, NumberText());
    double value = 0;
    if (!absl::SimpleAtod(text, &value)) return Error(absl::StrCat(text, ": expected a number"));
    return value;
  }

  StatusOr<std::string> NumberText() {
    if (json_.Peek() == '"') return json_.ReadString();
    DEIT_ASSIGN_OR_RETURN(const absl::string_view number, json_.ReadNumber());
    return std::string(number);
  }

  // By name; a newer version's name is what it does not know, and leaves the default.
  Status Enumerator(Message* message, const FieldDescriptor* field) {
    const auto& r = *message->GetReflection();
    const bool named = json_.Peek() == '"';
    DEIT_ASSIGN_OR_RETURN(const std::string text, NumberText());
    int number = 0;
    if (named) {
      const auto* value = field->enum_type()->FindValueByName(text);
      if (value == nullptr) return absl::OkStatus();
      number = value->number();
    } else if (!absl::SimpleAtoi(text, &number)) {
      return Error(absl::StrCat(text, ": expected a name or a whole number"));
    }
    field->is_repeated() ? r.AddEnumValue(message, field, number) : r.SetEnumValue(message, field, number);
    return absl::OkStatus();
  }

  Status Error(absl::string_view what) const { return absl::DataLossError(absl::StrCat("byte ", json_.position(), ": ", what)); }

  JsonScanner json_;
};

}  // namespace

Status FromJson(absl::string_view text, Message* message) {
  message->Clear();
  const Status status = Reader(text).Read(message);
  return Annotate(status, absl::StrCat("not the JSON of a ", message->GetDescriptor()->name()));
}

}  // namespace deit::json
