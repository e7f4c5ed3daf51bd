#include "common/spec/rand_augment.h"

#include <limits>
#include <set>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace deit::spec {
namespace {

template <typename... Parts>
Status Wrong(absl::string_view section, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat("\"", section, "\": ", parts...));
}

StatusOr<int> Whole(absl::string_view section, absl::string_view value, int least, int most) {
  int number = 0;
  if (!absl::SimpleAtoi(value, &number) || number < least || number > most) {
    return Wrong(section, "want a whole number from ", least, " to ", most);
  }
  return number;
}

StatusOr<double> Real(absl::string_view section, absl::string_view value, double most) {
  double number = 0;
  if (!absl::SimpleAtod(value, &number) || !(number >= 0 && number <= most)) return Wrong(section, "want a number from 0 to ", most);
  return number;
}

RandAugment::Set SetNamed(absl::string_view name) {
  if (name == "weights") return RandAugment::Set::kWeights;
  if (name == "3a") return RandAugment::Set::k3a;
  return name == "3aw" ? RandAugment::Set::k3aWeighted : RandAugment::Set::kUsual;
}

Status ReadSection(absl::string_view section, absl::string_view key, absl::string_view value, RandAugment* policy) {
  if (key == "m") {
    DEIT_ASSIGN_OR_RETURN(policy->magnitude, Whole(section, value, 0, kMaxRandAugmentMagnitude));
  } else if (key == "n") {
    DEIT_ASSIGN_OR_RETURN(policy->layers, Whole(section, value, 0, kMaxRandAugmentLayers));
  } else if (key == "p") {
    DEIT_ASSIGN_OR_RETURN(policy->probability, Real(section, value, 1));
  } else if (key == "inc") {
    DEIT_ASSIGN_OR_RETURN(const int increasing, Whole(section, value, 0, std::numeric_limits<int>::max()));
    policy->increasing = increasing != 0;
  } else if (key == "mstd") {
    DEIT_ASSIGN_OR_RETURN(policy->magnitude_std, Real(section, value, 1e9));
    if (policy->magnitude_std > 100) policy->magnitude_std = std::numeric_limits<double>::infinity();
  } else if (key == "mmax") {
    DEIT_ASSIGN_OR_RETURN(policy->magnitude_max, Whole(section, value, 0, kMaxRandAugmentMagnitude));
    if (policy->magnitude_max == 0) policy->magnitude_max = 10;  // as timm
  } else {
    return Wrong(section, "unknown: want m, n, p, inc, mstd or mmax with a number, or t with the name of a set");
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<RandAugment> ParseRandAugment(absl::string_view text) {
  const std::vector<absl::string_view> sections = absl::StrSplit(text, '-');
  if (sections[0] != "rand") {
    return Wrong(text, "want RandAugment, such as rand-m9-mstd0.5-inc1 (AutoAugment and AugMix are not in this version)");
  }
  RandAugment policy;
  std::set<absl::string_view> seen;
  for (size_t i = 1; i < sections.size(); ++i) {
    const absl::string_view section = sections[i];
    const bool names_set = !section.empty() && section[0] == 't';
    const size_t digit = section.find_first_of("0123456789");
    const absl::string_view key = names_set ? "t" : section.substr(0, digit);
    if (!seen.insert(key).second) return Wrong(section, "\"", key, "\" is there twice");
    if (names_set) {
      policy.set = SetNamed(section.substr(1));
      continue;
    }
    DEIT_RETURN_IF_ERROR(ReadSection(section, key, digit == section.npos ? "" : section.substr(digit), &policy));
  }
  return policy;
}

}  // namespace deit::spec
