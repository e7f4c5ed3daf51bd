#include "common/torch_save/state_dictionary.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/json/json_text.h"

namespace deit::torch_save {
namespace {

using checkpoint::Dtype;
using Kind = PickleValue::Kind;
using Dictionary = std::map<absl::string_view, const PickleValue*>;

constexpr absl::string_view kNested[] = {"model", "state_dict", "model_state_dict", "module"};
constexpr absl::string_view kModule = "torch._utils";
constexpr size_t kShown = 8;

bool IsCallOf(const PickleValue& value, absl::string_view module, absl::string_view name) {
  return value.Is(Kind::kObject) && value.callable->IsGlobal(module, name) && value.arguments->Is(Kind::kTuple);
}

// The entries of a dictionary whose keys are strings; of several with one key the last, as Python keeps it.
std::optional<Dictionary> DictionaryOf(const PickleValue& value) {
  if (!value.Is(Kind::kDict) && !IsCallOf(value, "collections", "OrderedDict")) return std::nullopt;
  Dictionary dictionary;
  for (size_t i = 0; i + 1 < value.items.size(); i += 2) {
    if (!value.items[i]->Is(Kind::kString)) return std::nullopt;
    dictionary[value.items[i]->text] = value.items[i + 1];
  }
  return dictionary;
}

bool IsTensor(const PickleValue& value) {
  if (!value.Is(Kind::kObject) || !value.callable->Is(Kind::kGlobal)) return false;
  const absl::string_view module = value.callable->items[0]->text;
  return (module == kModule || module == "torch._tensor") && absl::StartsWith(value.callable->items[1]->text, "_rebuild_");
}

bool IsWeights(const std::optional<Dictionary>& dictionary) {
  if (!dictionary || dictionary->empty()) return false;
  return std::all_of(dictionary->begin(), dictionary->end(), [](const auto& entry) { return IsTensor(*entry.second); });
}

std::string Escaped(absl::string_view name) { return absl::Utf8SafeCEscape(name.substr(0, 120)); }

std::string Listed(const Dictionary& dictionary) {
  std::vector<std::string> words;
  for (const auto& [name, value] : dictionary) {
    if (words.size() == kShown) {
      words.push_back(absl::StrCat("and ", dictionary.size() - kShown, " more"));
      break;
    }
    words.push_back(absl::StrCat(Escaped(name), " (", IsTensor(*value) ? "a tensor" : Description(*value), ")"));
  }
  return words.empty() ? "nothing" : absl::StrJoin(words, ", ");
}

struct Found {
  Dictionary dictionary;
  std::string note;
};

StatusOr<Found> Find(const PickleValue& root) {
  std::optional<Dictionary> saved = DictionaryOf(root);
  if (!saved) return absl::UnimplementedError(absl::StrCat("which holds ", Description(root), ", no state dictionary"));
  if (IsWeights(saved)) return Found{*std::move(saved), ""};
  std::map<absl::string_view, Dictionary> candidates;
  for (const auto& [name, value] : *saved) {
    std::optional<Dictionary> dictionary = DictionaryOf(*value);
    if (IsWeights(dictionary)) candidates[name] = *std::move(dictionary);
  }
  if (candidates.empty())
    return absl::UnimplementedError(absl::StrCat("without a dictionary of nothing but tensors; it holds ", Listed(*saved)));
  absl::string_view taken = candidates.begin()->first;
  const auto* const usual =
      std::find_if(std::begin(kNested), std::end(kNested), [&](absl::string_view name) { return candidates.count(name) > 0; });
  if (usual != std::end(kNested)) taken = *usual;
  std::vector<std::string> others;
  for (const auto& [name, dictionary] : candidates) {
    if (name != taken) others.push_back(absl::StrCat("\"", Escaped(name), "\""));
  }
  if (usual == std::end(kNested) && !others.empty()) {
    return absl::UnimplementedError(
        absl::StrCat("with several state dictionaries: \"", Escaped(taken), "\", ", absl::StrJoin(others, ", ")));
  }
  return Found{.dictionary = std::move(candidates[taken]),
               .note = absl::StrCat("the weights under \"", Escaped(taken), "\"",
                                    others.empty() ? "" : absl::StrCat(", not under ", absl::StrJoin(others, " or ")))};
}

// What a tensor is made of: the arguments of torch._utils._rebuild_tensor_v2 and _v3.
struct Parts {
  const PickleValue* storage = nullptr;
  absl::string_view dtype;  // v3's "uint16"; empty: the storage's type has it
  uint64_t first = 0;
  std::vector<uint64_t> shape, strides;
};

bool ReadCounts(const PickleValue& value, std::vector<uint64_t>* counts) {
  for (const PickleValue* const item : value.items) {
    if (!item->Is(Kind::kInt) || item->number < 0) return false;
    counts->push_back(static_cast<uint64_t>(item->number));
  }
  return value.Is(Kind::kTuple);
}

// The call that makes the tensor, out of those that wrap it as a parameter or as a subclass. A call is older than the one that wraps it.
struct Call {
  const PickleValue* function;
  const PickleValue* arguments;
};

StatusOr<Call> TensorCallOf(const PickleValue& tensor) {
  Call call{tensor.callable, tensor.arguments};
  while (call.arguments->Is(Kind::kTuple)) {
    const std::vector<const PickleValue*>& words = call.arguments->items;
    const bool is_parameter =
        call.function->IsGlobal(kModule, "_rebuild_parameter") || call.function->IsGlobal(kModule, "_rebuild_parameter_with_state");
    if (is_parameter && !words.empty() && words[0]->Is(Kind::kObject)) {
      call = {words[0]->callable, words[0]->arguments};
    } else if (call.function->IsGlobal("torch._tensor", "_rebuild_from_type_v2") && words.size() > 2) {
      call = {words[0], words[2]};
    } else {
      return call;
    }
  }
  return absl::DataLossError("a tensor without arguments");
}

StatusOr<Parts> PartsOf(const PickleValue& tensor) {
  DEIT_ASSIGN_OR_RETURN(const Call call, TensorCallOf(tensor));
  const bool is_v3 = call.function->IsGlobal(kModule, "_rebuild_tensor_v3");
  if (!is_v3 && !call.function->IsGlobal(kModule, "_rebuild_tensor_v2") && !call.function->IsGlobal(kModule, "_rebuild_tensor")) {
    return absl::UnimplementedError(Description(*call.function));
  }
  const std::vector<const PickleValue*>& words = call.arguments->items;
  const size_t metadata = is_v3 ? 7 : 6;  // conjugated, negated
  if (words.size() > metadata && !words[metadata]->items.empty()) return absl::UnimplementedError("a conjugated or negated view");
  Parts parts;
  if (words.size() < (is_v3 ? 7U : 4U) || !words[0]->Is(Kind::kPersistent) || !words[1]->Is(Kind::kInt) || words[1]->number < 0 ||
      !ReadCounts(*words[2], &parts.shape) || !ReadCounts(*words[3], &parts.strides) || parts.shape.size() != parts.strides.size() ||
      (is_v3 && !words[6]->Is(Kind::kGlobal))) {
    return absl::DataLossError("no storage, shape and strides of a tensor");
  }
  parts.storage = words[0];
  parts.first = static_cast<uint64_t>(words[1]->number);
  if (is_v3) parts.dtype = words[6]->items[1]->text;
  return parts;
}

std::optional<Dtype> DtypeOf(const Parts& parts, absl::string_view storage_type) {
  constexpr std::pair<absl::string_view, Dtype> kTypes[] = {
      {"FloatStorage", Dtype::kF32}, {"HalfStorage", Dtype::kF16},  {"BFloat16Storage", Dtype::kBF16}, {"DoubleStorage", Dtype::kF64},
      {"LongStorage", Dtype::kI64},  {"IntStorage", Dtype::kI32},   {"ShortStorage", Dtype::kI16},     {"CharStorage", Dtype::kI8},
      {"ByteStorage", Dtype::kU8},   {"BoolStorage", Dtype::kBool}, {"uint16", Dtype::kU16},           {"uint32", Dtype::kU32},
      {"uint64", Dtype::kU64},
  };
  for (const auto& [name, dtype] : kTypes) {
    if (name == (parts.dtype.empty() ? storage_type : parts.dtype)) return dtype;
  }
  return std::nullopt;
}

// The number of elements from the first to the last one that shape and strides reach, both included; nothing beyond 64 bits.
std::optional<uint64_t> Span(const Parts& parts, uint64_t elements) {
  if (elements == 0) return 0;
  uint64_t span = 1;
  for (size_t axis = 0; axis < parts.shape.size(); ++axis) {
    uint64_t step = 0;
    if (__builtin_mul_overflow(parts.shape[axis] - 1, parts.strides[axis], &step) || __builtin_add_overflow(span, step, &span)) {
      return std::nullopt;
    }
  }
  return span;
}

StatusOr<SavedTensor> ReadTensor(const PickleValue& value, const Container& container, uint64_t file_bytes) {
  DEIT_ASSIGN_OR_RETURN(Parts parts, PartsOf(value));
  DEIT_ASSIGN_OR_RETURN(const StorageName name, ReadStorageName(*parts.storage));
  const std::optional<Dtype> dtype = DtypeOf(parts, name.type);
  if (!dtype) return absl::UnimplementedError(absl::StrCat("type ", Escaped(parts.dtype.empty() ? name.type : parts.dtype)));
  const auto storage = container.storages.find(name.key);
  if (storage == container.storages.end()) return absl::DataLossError(absl::StrCat("storage '", Escaped(name.key), "' is not in the file"));
  const uint64_t width = checkpoint::ElementBytes(*dtype);
  const std::optional<uint64_t> elements = checkpoint::ElementCount(parts.shape);
  if (!elements || *elements > file_bytes) return absl::DataLossError("more elements than the file has bytes");
  const std::optional<uint64_t> span = Span(parts, *elements);
  const uint64_t stored = storage->second.bytes / width;
  if (!span || parts.first > stored || *span > stored - parts.first) {
    return absl::DataLossError(absl::StrCat("beyond its storage of ", stored, " elements"));
  }
  SavedTensor tensor;
  tensor.info.dtype = *dtype;
  tensor.info.shape = std::move(parts.shape);
  tensor.info.elements = *elements;
  tensor.info.bytes = *elements * width;
  tensor.strides = std::move(parts.strides);
  tensor.info.offset = storage->second.offset + parts.first * width;
  return tensor;
}

}  // namespace

StatusOr<StateDictionary> FindStateDictionary(const Container& container, uint64_t file_bytes) {
  DEIT_ASSIGN_OR_RETURN(const Found found, Find(container.pickle.root()));
  StateDictionary state;
  state.note = found.note;
  for (const auto& [name, value] : found.dictionary) {
    StatusOr<SavedTensor> tensor = ReadTensor(*value, container, file_bytes);
    const std::string context = absl::StrCat("tensor '", Escaped(name), "'");
    if (!tensor.ok()) return Annotate(tensor.status(), absl::IsUnimplemented(tensor.status()) ? absl::StrCat("with ", context) : context);
    if (!json::IsUtf8(name)) return absl::DataLossError(absl::StrCat(context, ": a name that is not UTF-8"));
    tensor->info.name = std::string(name);
    state.tensors.push_back(*std::move(tensor));
  }
  return state;
}

}  // namespace deit::torch_save
