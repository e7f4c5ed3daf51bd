#include "common/base/numbers.h"

#include <charconv>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_format.h"

namespace deit {
namespace {

// nan, inf and -inf have no digits to choose; empty for ordinary numbers.
std::string NonFiniteText(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return "";
}

}  // namespace

std::string DurationText(absl::Duration duration) {
  if (duration < absl::ZeroDuration() || duration == absl::InfiniteDuration()) return "-";
  const double seconds = absl::ToDoubleSeconds(duration);
  if (seconds < 0.9995) return absl::StrFormat("%.0fms", seconds * 1e3);
  if (seconds < 9.95) return absl::StrFormat("%.1fs", seconds);
  if (seconds < 59.5) return absl::StrFormat("%.0fs", seconds);
  const int64_t minutes = absl::ToInt64Minutes(duration + absl::Milliseconds(500));
  if (minutes < 60) return absl::StrFormat("%dm", minutes);
  if (minutes < 24 * 60) return absl::StrFormat("%dh%02dm", minutes / 60, minutes % 60);
  return absl::StrFormat("%dd%02dh", minutes / (24 * 60), minutes / 60 % 24);
}

std::string LossText(double loss) {
  if (std::string text = NonFiniteText(loss); !text.empty()) return text;
  return absl::StrFormat("%#.4g", loss);
}

std::string AccuracyText(double percent) {
  if (std::string text = NonFiniteText(percent); !text.empty()) return text;
  return absl::StrFormat("%.1f", percent);
}

std::string LearningRateText(double lr) {
  if (std::string text = NonFiniteText(lr); !text.empty()) return text;
  return lr == 0 ? "0" : absl::StrFormat("%.1e", lr);
}

std::string RateText(double per_second) {
  if (std::string text = NonFiniteText(per_second); !text.empty()) return text;
  return absl::StrFormat("%.*f", per_second < 9.95 ? 1 : 0, per_second);
}

std::string StepSecondsText(double seconds) {
  if (std::string text = NonFiniteText(seconds); !text.empty()) return text;
  if (seconds >= 9.995) return absl::StrFormat("%.1f", seconds);
  if (seconds >= 0.0995) return absl::StrFormat("%.2f", seconds);
  return absl::StrFormat("%.*f", seconds >= 0.00995 ? 3 : 4, seconds);
}

std::string BytesText(double bytes) {
  if (std::string text = NonFiniteText(bytes); !text.empty()) return text;
  if (bytes < 1024) return absl::StrFormat("%.0fB", bytes);
  const char* units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  size_t unit = 0;
  for (bytes /= 1024; bytes >= 1023.95 && unit + 1 < std::size(units); ++unit) bytes /= 1024;
  return absl::StrFormat("%.1f%s", bytes, units[unit]);
}

std::string RoundTripText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char text[32];
  const auto result = std::to_chars(text, text + sizeof(text), value);
  return std::string(text, result.ptr);
}

}  // namespace deit
