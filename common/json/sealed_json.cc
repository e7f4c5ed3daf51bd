#include "common/json/sealed_json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include "absl/strings/match.h"
#include "common/base/digest.h"
#include "common/base/exit_code.h"

namespace deit::json {
namespace {

namespace json = google::protobuf::util;

constexpr absl::string_view kBodyEnd = "\n}\n";
constexpr absl::string_view kSealBegin = ",\n \"digest\": \"";
constexpr absl::string_view kSealEnd = "\"\n}\n";
constexpr size_t kDigestDigits = 16;
constexpr size_t kSealBytes = kSealBegin.size() + kDigestDigits + kSealEnd.size();

Status CheckSeal(absl::string_view text) {
  if (text.size() < kSealBytes) return absl::DataLossError(absl::StrCat("only ", text.size(), " bytes: cut off"));
  const absl::string_view seal = text.substr(text.size() - kSealBytes);
  uint64_t digest = 0;
  if (!absl::StartsWith(seal, kSealBegin) || !absl::EndsWith(seal, kSealEnd) ||
      !ParseDigestHex(std::string(seal.substr(kSealBegin.size(), kDigestDigits)), &digest)) {
    return absl::DataLossError("does not end with its digest: cut off or damaged");
  }
  const uint64_t found = Digest64(text.data(), text.size() - kSealBytes);
  if (found == digest) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("digest is ", DigestHex(found), ", not the ", DigestHex(digest), " it states: damaged"));
}

}  // namespace

std::string SealJson(const google::protobuf::Message& message) {
  json::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string text;
  DEIT_CHECK(json::MessageToJsonString(message, &text, options).ok(), message.GetTypeName());
  DEIT_CHECK(absl::EndsWith(text, kBodyEnd), text);
  text.resize(text.size() - kBodyEnd.size());
  const std::string digest = DigestHex(Digest64(text.data(), text.size()));
  return absl::StrCat(text, kSealBegin, digest, kSealEnd);
}

Status UnsealJson(absl::string_view text, google::protobuf::Message* message) {
  DEIT_RETURN_IF_ERROR(CheckSeal(text));
  json::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // of a newer version; damage is the seal's business
  const auto parsed = json::JsonStringToMessage(std::string(text), message, options);
  if (!parsed.ok()) return absl::DataLossError(std::string(parsed.message()));
  const auto* field = message->GetDescriptor()->FindFieldByName("format_version");
  const int version = message->GetReflection()->GetInt32(*message, field);
  if (version > kFormatVersion) {
    return WithExitCode(WithHint(absl::UnimplementedError(absl::StrCat(
                                     "format_version ", version, ": written by a newer version; this one reads up to ", kFormatVersion)),
                                 "use the version that wrote it, or a newer one"),
                        ExitCode::kMissingInput);
  }
  return version >= 1 ? absl::OkStatus() : absl::DataLossError(absl::StrCat("format_version ", version, " never existed"));
}

}  // namespace deit::json
