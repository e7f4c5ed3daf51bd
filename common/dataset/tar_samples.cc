#include "common/dataset/tar_samples.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "common/base/status.h"
#include "common/dataset/image_names.h"
#include "common/files/file_system.h"
#include "common/json/json_scanner.h"

namespace deit::dataset {
namespace {

constexpr uint64_t kMaxLabelBytes = 1 << 10;
constexpr uint64_t kMaxObjectBytes = 1 << 20;
constexpr size_t kMostShown = 4;  // members in a message
constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";

// The folder and the name up to its first dot.
absl::string_view SampleOf(absl::string_view name) {
  const size_t slash = name.rfind('/');
  return name.substr(0, name.find('.', slash == absl::string_view::npos ? 0 : slash + 1));
}

// A hidden file ("._0.jpg", as macOS adds them), a name without a dot, and what webdataset keeps for notes of its own ("__meta__/...") belong
// to no sample, and stand between no two members of one.
bool BelongsToSample(const TarMember& member) {
  const absl::string_view name = member.name, sample = SampleOf(name), first = name.substr(0, name.find('/'));
  const bool is_hidden = sample.empty() || sample.back() == '/', has_key = sample.size() < name.size();
  const bool is_note = first.size() >= 4 && absl::StartsWith(first, "__") && absl::EndsWith(first, "__");
  return has_key && !is_hidden && !is_note;
}

// Members side by side that share their sample's name.
struct Group {
  absl::string_view sample;
  absl::Span<const TarMember> members;

  std::string KeyOf(const TarMember& member) const {
    return absl::AsciiStrToLower(absl::string_view(member.name).substr(sample.size() + 1));
  }
  std::vector<const TarMember*> Under(absl::string_view key) const {
    std::vector<const TarMember*> found;
    for (const TarMember& member : members) {
      if (KeyOf(member) == key) found.push_back(&member);
    }
    return found;
  }
};

std::string Shown(const std::vector<const TarMember*>& members) {
  std::vector<std::string> names;
  for (const TarMember* member : members) {
    if (names.size() == kMostShown) return absl::StrCat(absl::StrJoin(names, ", "), ", ...");
    names.push_back(member->name);
  }
  return absl::StrJoin(names, ", ");
}

std::string Shown(absl::Span<const TarMember> members) {
  std::vector<const TarMember*> pointers;
  for (const TarMember& member : members) pointers.push_back(&member);
  return Shown(pointers);
}

// The number or text at `path` in the object that `text` holds.
StatusOr<std::string> FieldOf(absl::string_view text, const std::vector<std::string>& path) {
  json::JsonScanner scanner(text);
  for (size_t depth = 0; depth < path.size(); ++depth) {
    DEIT_RETURN_IF_ERROR(scanner.Expect('{'));
    for (bool found = false; !found;) {
      if (scanner.Peek() == '}') return absl::DataLossError(absl::StrCat("no field ", path[depth]));
      DEIT_ASSIGN_OR_RETURN(const std::string name, scanner.ReadString());
      DEIT_RETURN_IF_ERROR(scanner.Expect(':'));
      found = name == path[depth];
      if (found) continue;
      DEIT_RETURN_IF_ERROR(scanner.SkipValue());
      if (scanner.Peek() != '}') DEIT_RETURN_IF_ERROR(scanner.Expect(','));
    }
  }
  if (scanner.Peek() == '"') return scanner.ReadString();
  DEIT_ASSIGN_OR_RETURN(const absl::string_view number, scanner.ReadNumber());
  return std::string(number);
}

class SampleReader {
 public:
  SampleReader(const std::string& path, const SampleRules& rules) : path_(path), rules_(rules) {}

  StatusOr<std::vector<TarSample>> Read() {
    DEIT_ASSIGN_OR_RETURN(members_, ReadTarMembers(path_));
    std::erase_if(members_, [](const TarMember& member) { return !BelongsToSample(member); });
    DEIT_ASSIGN_OR_RETURN(file_, files::FileSystem::Posix().OpenForRead(path_));
    for (size_t begin = 0, end = 0; begin < members_.size(); begin = end) {
      const absl::string_view sample = SampleOf(members_[begin].name);
      for (end = begin + 1; end < members_.size() && SampleOf(members_[end].name) == sample;) ++end;
      DEIT_RETURN_IF_ERROR(Take({sample, absl::MakeConstSpan(members_).subspan(begin, end - begin)}));
    }
    return std::move(samples_);
  }

 private:
  Status Wrong(const Group& group, absl::string_view cause) const {
    return absl::DataLossError(absl::StrCat(path_, ": sample '", group.sample, "': ", cause));
  }

  Status Take(const Group& group) {
    DEIT_ASSIGN_OR_RETURN(const TarMember* image, Picture(group));
    const std::vector<const TarMember*> targets = group.Under(rules_.target);
    if (targets.size() > 1) return Wrong(group, absl::StrCat("several labels: ", Shown(targets)));
    if (image == nullptr && targets.empty()) return absl::OkStatus();
    if (image == nullptr || targets.empty()) return Incomplete(group, image != nullptr);
    for (const TarMember* member : {image, targets[0]}) {
      if (member->broken_link.empty()) continue;
      return WithHint(Wrong(group, absl::StrCat(member->name, ": a link to ", member->broken_link, ", which is no file of the shard")),
                      "make the shard with tar --dereference");
    }
    DEIT_ASSIGN_OR_RETURN(const int32_t label, Label(group, *targets[0]));
    samples_.push_back({*image, label});
    return absl::OkStatus();
  }

  // Null where there is none.
  StatusOr<const TarMember*> Picture(const Group& group) const {
    constexpr absl::string_view kUsual[] = {"jpg", "jpeg", "png", "webp", "ppm", "pgm", "bmp", "tif", "tiff"};
    std::vector<const TarMember*> found;
    const auto prefer = [&](absl::string_view key) {
      if (found.empty()) found = group.Under(key);
    };
    if (rules_.inputs.empty()) std::for_each(std::begin(kUsual), std::end(kUsual), prefer);
    else std::for_each(rules_.inputs.begin(), rules_.inputs.end(), prefer);
    if (found.empty() && rules_.inputs.empty()) {
      for (const TarMember& member : group.members) {
        if (IsImageName(member.name)) found.push_back(&member);
      }
    }
    if (found.size() == 1) return found[0];
    if (found.empty()) return nullptr;
    return WithHint(
        Wrong(group, absl::StrCat(found.size(), " pictures: ", Shown(found))),
        absl::StrCat("a sample is what shares a name up to its first dot; where it has several pictures, data.input_key names the one "
                     "that counts, such as data.input_key=",
                     group.KeyOf(*found[0])));
  }

  Status Incomplete(const Group& group, bool has_image) const {
    const auto same = [&](const TarMember& member) { return SampleOf(member.name) == group.sample; };
    const bool is_torn = std::count_if(members_.begin(), members_.end(), same) > static_cast<ptrdiff_t>(group.members.size());
    if (is_torn) {
      return WithHint(Wrong(group, absl::StrCat(has_image ? "no label" : "no picture", " beside ", Shown(group.members),
                                                ": its members are not side by side")),
                      "make the shard with tar --sort=name");
    }
    if (has_image) {
      return WithHint(
          Wrong(group, absl::StrCat("no label: no member ", group.sample, ".", rules_.target, " beside ", Shown(group.members))),
          "a sample has a picture and KEY.cls, the number of its class; for others data.target_key=txt, or json:FIELD");
    }
    return WithHint(Wrong(group, absl::StrCat("a label, but no picture: ", Shown(group.members))),
                    "pictures end in .jpg, .jpeg, .png, .webp, .ppm, .pgm, .bmp, .tif or .tiff; data.input_key chooses among several");
  }

  StatusOr<int32_t> Label(const Group& group, const TarMember& member) {
    const uint64_t most = rules_.field.empty() ? kMaxLabelBytes : kMaxObjectBytes;
    if (member.bytes > most) return Wrong(group, absl::StrCat("its .", rules_.target, " has ", member.bytes, " bytes: it is no label"));
    std::string text(member.bytes, '\0');
    DEIT_RETURN_IF_ERROR(file_->ReadAt(member.offset, text.data(), text.size()));
    if (absl::StartsWith(text, kByteOrderMark)) text.erase(0, kByteOrderMark.size());
    if (!rules_.field.empty()) {
      auto field = FieldOf(text, rules_.field);
      if (!field.ok()) return Wrong(group, absl::StrCat("its .", rules_.target, ": ", field.status().message()));
      text = *std::move(field);
    }
    return Label(group, absl::StripAsciiWhitespace(text));
  }

  StatusOr<int32_t> Label(const Group& group, absl::string_view text) {
    int32_t label = -1;
    if (absl::SimpleAtoi(text, &label) && label >= 0) return label;
    const auto named = rules_.classes.find(std::string(text));
    const bool is_named = named != rules_.classes.end();
    if (is_named && named->second != SampleRules::kAmbiguous) return named->second;
    const std::string shown = absl::StrCat("its .", rules_.target, " is no number: \"", absl::CHexEscape(text.substr(0, 64)), "\"");
    return WithHint(Wrong(group, absl::StrCat(shown, is_named ? ", which is several lines of classes.txt" : "")),
                    "labels are numbers from 0, or names of which data.root/classes.txt has one a line");
  }

  const std::string& path_;
  const SampleRules& rules_;
  std::vector<TarMember> members_;
  std::unique_ptr<files::RandomAccessFile> file_;
  std::vector<TarSample> samples_;
};

}  // namespace

SampleRules RulesOf(const v1::DataSpec& data, const std::vector<std::string>& classes) {
  SampleRules rules{.inputs = absl::StrSplit(absl::AsciiStrToLower(data.input_key()), ';', absl::SkipEmpty()),
                    .target = data.target_key(),
                    .field = {},
                    .classes = {}};
  for (size_t label = 0; label < classes.size(); ++label) {
    const auto [named, is_first] = rules.classes.emplace(classes[label], static_cast<int32_t>(label));
    if (!is_first) named->second = SampleRules::kAmbiguous;
  }
  if (const size_t colon = rules.target.find(':'); colon != std::string::npos) {
    rules.field = absl::StrSplit(rules.target.substr(colon + 1), '.');
    rules.target.resize(colon);
  }
  absl::AsciiStrToLower(&rules.target);
  return rules;
}

absl::StatusOr<std::vector<TarSample>> ReadTarSamples(const std::string& path, const SampleRules& rules) {
  return SampleReader(path, rules).Read();
}

}  // namespace deit::dataset
