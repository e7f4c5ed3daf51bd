#include "launch/mpirun/failure_text.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace deit::launch {
namespace {

constexpr absl::string_view kSignal = "mpirun noticed that process rank ";
constexpr absl::string_view kExit = "Process name: [[";
constexpr absl::string_view kImproper = "mpirun has exited due to process rank ";

// The whole number at `at`.
std::optional<int> NumberAt(absl::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[end]))) ++end;
  int number = 0;
  if (!absl::SimpleAtoi(text.substr(at, end - at), &number)) return std::nullopt;
  return number;
}

// The number behind the first `mark` at or after `from`, blanks skipped.
std::optional<int> NumberBehind(absl::string_view text, absl::string_view mark, size_t from) {
  size_t at = text.find(mark, from);
  if (at == absl::string_view::npos) return std::nullopt;
  at += mark.size();
  while (at < text.size() && text[at] == ' ') ++at;
  return NumberAt(text, at);
}

std::optional<LaunchFailure> Signal(absl::string_view text, size_t at) {
  const auto rank = NumberAt(text, at + kSignal.size());
  const auto signal = NumberBehind(text, " exited on signal ", at);
  if (!rank || !signal) return std::nullopt;
  return LaunchFailure{.rank = *rank, .signal = signal, .exit_code = {}, .improper = false};
}

std::optional<LaunchFailure> Exit(absl::string_view text, size_t at) {
  const auto rank = NumberBehind(text, "],", at);
  const auto code = NumberBehind(text, "Exit code:", at);
  if (!rank || !code) return std::nullopt;
  return LaunchFailure{.rank = *rank, .signal = {}, .exit_code = code, .improper = false};
}

std::optional<LaunchFailure> Improper(absl::string_view text, size_t at) {
  const auto rank = NumberAt(text, at + kImproper.size());
  if (!rank) return std::nullopt;
  return LaunchFailure{.rank = *rank, .signal = {}, .exit_code = {}, .improper = true};
}

}  // namespace

std::optional<LaunchFailure> FindFailure(absl::string_view text) {
  const size_t signal = text.find(kSignal), exit = text.find(kExit), improper = text.find(kImproper);
  // Signal or exit code says more than "improperly", which mpirun may print too.
  const size_t first = std::min(signal, exit);
  if (first != absl::string_view::npos) return first == signal ? Signal(text, signal) : Exit(text, exit);
  return improper == absl::string_view::npos ? std::nullopt : Improper(text, improper);
}

}  // namespace deit::launch
