// Number formatting for progress lines, tables and messages, and round-trip text of doubles for files. A missing value is "-", never 0; NaN
// is "nan", infinities are "inf" and "-inf".
#pragma once

#include <string>

#include "absl/time/time.h"

namespace deit {

// "450ms", "6.2s", "38s", "38m", "1h02m", "3d04h": one or two units, rounded down from minutes on. "-" for a negative or infinite one.
std::string DurationText(absl::Duration duration);

// Four significant digits: "3.214", "12.35", "0.01235", "1.235e-05".
std::string LossText(double loss);

// Percent with one decimal: "61.2".
std::string AccuracyText(double percent);

// "4.9e-04"; exactly zero is "0".
std::string LearningRateText(double lr);

// A rate of things per second: "812" from 10 on, "3.4" below.
std::string RateText(double per_second);

// Seconds of one step with about two significant digits: "12.3", "0.31", "0.0042".
std::string StepSecondsText(double seconds);

// "512B", "1.5KiB", "23.6MiB", "3.1GiB".
std::string BytesText(double bytes);

// The shortest text that reads back as exactly `value` ("0.1", "1e-09", "3"); "NaN", "Infinity", "-Infinity" otherwise.
std::string RoundTripText(double value);

}  // namespace deit
