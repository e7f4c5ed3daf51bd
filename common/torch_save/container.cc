#include "common/torch_save/container.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "common/torch_save/little_endian.h"
#include "common/torch_save/zip_directory.h"

namespace deit::torch_save {
namespace {

using Kind = PickleValue::Kind;

constexpr absl::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);  // 0x1950a86a20f9469cfc6c
constexpr int64_t kLegacyProtocol = 1001;

std::string Quoted(absl::string_view key) { return absl::StrCat("storage '", absl::Utf8SafeCEscape(key.substr(0, 80)), "'"); }

StatusOr<std::unique_ptr<const std::string>> ReadText(const files::RandomAccessFile& file, uint64_t offset, uint64_t bytes) {
  std::string text(static_cast<size_t>(bytes), '\0');
  DEIT_RETURN_IF_ERROR(file.ReadAt(offset, text.data(), text.size()));
  return std::make_unique<const std::string>(std::move(text));
}

const ZipMember* Find(const std::vector<ZipMember>& members, const std::string& name) {
  const auto found = std::find_if(members.begin(), members.end(), [&](const ZipMember& member) { return member.name == name; });
  return found == members.end() ? nullptr : &*found;
}

Status CheckReadable(const ZipMember& member) {
  if (member.coded == nullptr) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("whose member '", absl::Utf8SafeCEscape(member.name), "' is ", member.coded));
}

// "NAME/", the folder in which everything of the archive lies.
StatusOr<std::string> FolderOf(const std::vector<ZipMember>& members) {
  for (const ZipMember& member : members) {
    const size_t slash = member.name.find('/');
    if (slash != std::string::npos && member.name.substr(slash) == "/data.pkl") return member.name.substr(0, slash + 1);
  }
  return absl::UnimplementedError("without data.pkl, as torch.save never writes it");
}

StatusOr<Container> ReadZip(const files::RandomAccessFile& file) {
  DEIT_ASSIGN_OR_RETURN(const std::vector<ZipMember> members, ReadZipDirectory(file));
  DEIT_ASSIGN_OR_RETURN(const std::string folder, FolderOf(members));
  if (Find(members, absl::StrCat(folder, "constants.pkl")) != nullptr)
    return absl::UnimplementedError("which holds a TorchScript module, no state dictionary");
  const ZipMember* const pickle = Find(members, absl::StrCat(folder, "data.pkl"));
  DEIT_RETURN_IF_ERROR(CheckReadable(*pickle));
  if (const ZipMember* const order = Find(members, absl::StrCat(folder, "byteorder")); order != nullptr) {
    DEIT_RETURN_IF_ERROR(CheckReadable(*order));
    DEIT_ASSIGN_OR_RETURN(const auto text, ReadText(file, order->offset, std::min<uint64_t>(order->bytes, 16)));
    if (*text != "little") return absl::UnimplementedError("written by a machine whose numbers are big-endian");
  }
  if (pickle->bytes > Pickle::kMaxBytes) {
    return absl::UnimplementedError(absl::StrCat("with a pickle of ", pickle->bytes, " bytes, of at most ", Pickle::kMaxBytes));
  }
  Container container;
  DEIT_ASSIGN_OR_RETURN(container.text, ReadText(file, pickle->offset, pickle->bytes));
  DEIT_ASSIGN_OR_RETURN(container.pickle, Pickle::Read(*container.text));
  const std::string storages = absl::StrCat(folder, "data/");
  for (const ZipMember& member : members) {
    absl::string_view key = member.name;
    if (!absl::ConsumePrefix(&key, storages)) continue;
    DEIT_RETURN_IF_ERROR(CheckReadable(member));
    container.storages[key] = {.offset = member.offset, .bytes = member.bytes};
  }
  return container;
}

// Reads one pickle behind the others.
StatusOr<Pickle> Next(absl::string_view* rest) {
  DEIT_ASSIGN_OR_RETURN(Pickle pickle, Pickle::Read(*rest));
  rest->remove_prefix(pickle.bytes());
  return pickle;
}

// Magic number, protocol, and what kind of machine wrote the file.
Status ReadLegacyHeader(absl::string_view* rest) {
  DEIT_ASSIGN_OR_RETURN(const Pickle magic, Next(rest));
  if (!magic.root().Is(Kind::kLong) || magic.root().text != kMagic) return absl::DataLossError("a pickle that torch.save did not write");
  DEIT_ASSIGN_OR_RETURN(const Pickle protocol, Next(rest));
  if (!protocol.root().Is(Kind::kInt) || protocol.root().number != kLegacyProtocol) {
    return absl::UnimplementedError(absl::StrCat("with a protocol other than ", kLegacyProtocol));
  }
  DEIT_ASSIGN_OR_RETURN(const Pickle machine, Next(rest));
  const std::vector<const PickleValue*>& items = machine.root().items;
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i]->text == "little_endian" && items[i + 1]->number == 0) {
      return absl::UnimplementedError("written by a machine whose numbers are big-endian");
    }
  }
  return absl::OkStatus();
}

// The id of a module's class, which torch before 1.6 saved with its source: ('module', class, file, source).
bool IsClass(const PickleValue& id) { return id.Is(Kind::kTuple) && !id.items.empty() && id.items[0]->text == "module"; }

// Bytes of an element by key, of all storages that the pickle names.
StatusOr<absl::flat_hash_map<std::string, uint64_t>> ElementBytesByKey(const Pickle& pickle) {
  absl::flat_hash_map<std::string, uint64_t> bytes;
  for (const PickleValue& value : pickle.values()) {
    if (!value.Is(Kind::kPersistent) || IsClass(*value.arguments)) continue;
    DEIT_ASSIGN_OR_RETURN(const StorageName name, ReadStorageName(value));
    const uint64_t element = ElementBytesOf(name.type);
    if (element == 0)
      return absl::UnimplementedError(absl::StrCat("with ", Quoted(name.key), " of type ", absl::Utf8SafeCEscape(name.type)));
    if (!bytes.emplace(name.key, element).second && bytes[name.key] != element) {
      return absl::DataLossError(absl::StrCat(Quoted(name.key), " has two types"));
    }
  }
  return bytes;
}

StatusOr<Container> ReadLegacy(const files::RandomAccessFile& file) {
  Container container;
  DEIT_ASSIGN_OR_RETURN(container.text, ReadText(file, 0, std::min<uint64_t>(file.Size(), Pickle::kMaxBytes)));
  absl::string_view rest = *container.text;
  DEIT_RETURN_IF_ERROR(ReadLegacyHeader(&rest));
  DEIT_ASSIGN_OR_RETURN(container.pickle, Next(&rest));
  DEIT_ASSIGN_OR_RETURN(const Pickle keys, Next(&rest));
  DEIT_ASSIGN_OR_RETURN(const auto element_bytes, ElementBytesByKey(container.pickle));
  uint64_t at = container.text->size() - rest.size();
  for (const PickleValue* const key : keys.root().items) {
    const auto element = element_bytes.find(key->text);
    if (element == element_bytes.end()) return absl::DataLossError(absl::StrCat(Quoted(key->text), " belongs to no tensor"));
    if (file.Size() - at < sizeof(uint64_t)) return absl::DataLossError(absl::StrCat(Quoted(key->text), ": cut off"));
    DEIT_ASSIGN_OR_RETURN(const auto length, ReadText(file, at, sizeof(uint64_t)));
    at += sizeof(uint64_t);
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(LittleEndian<uint64_t>(*length, 0), element->second, &bytes) || bytes > file.Size() - at) {
      return absl::DataLossError(absl::StrCat(Quoted(key->text), ": cut off"));
    }
    container.storages[key->text] = {.offset = at, .bytes = bytes};
    at += bytes;
  }
  return container;
}

}  // namespace

StatusOr<StorageName> ReadStorageName(const PickleValue& persistent) {
  const PickleValue& id = *persistent.arguments;
  const std::vector<const PickleValue*>& words = id.items;
  if (!id.Is(Kind::kTuple) || words.size() < 5 || words[0]->text != "storage" || !words[1]->Is(Kind::kGlobal) ||
      !words[2]->Is(Kind::kString) || !words[4]->Is(Kind::kInt) || words[4]->number < 0) {
    return absl::DataLossError("a storage without type, key and length");
  }
  if (words.size() > 5 && !words[5]->Is(Kind::kNone)) return absl::UnimplementedError("with view records of torch 0.2");
  return StorageName{.type = words[1]->items[1]->text, .key = words[2]->text, .elements = static_cast<uint64_t>(words[4]->number)};
}

uint64_t ElementBytesOf(absl::string_view storage_type) {
  constexpr std::pair<absl::string_view, uint64_t> kTypes[] = {
      {"FloatStorage", 4},   {"HalfStorage", 2},  {"BFloat16Storage", 2}, {"DoubleStorage", 8},       {"LongStorage", 8},
      {"IntStorage", 4},     {"ShortStorage", 2}, {"CharStorage", 1},     {"ByteStorage", 1},         {"BoolStorage", 1},
      {"UntypedStorage", 1}, {"QInt8Storage", 1}, {"QUInt8Storage", 1},   {"ComplexFloatStorage", 8}, {"ComplexDoubleStorage", 16},
  };
  for (const auto& [type, bytes] : kTypes) {
    if (type == storage_type) return bytes;
  }
  return 0;
}

StatusOr<Container> ReadContainer(const files::RandomAccessFile& file) {
  DEIT_ASSIGN_OR_RETURN(const auto start, ReadText(file, 0, std::min<uint64_t>(file.Size(), 4)));
  return absl::StartsWith(*start, "PK\3\4") ? ReadZip(file) : ReadLegacy(file);
}

}  // namespace deit::torch_save
