// Collected errors of one job file, each with its location.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::spec {

// Where a value was written: a place in the job file, or the command line.
struct Place {
  int line = 0;  // from 1; 0: no line (the file as a whole, or the command line)
  int column = 0;
  bool command_line = false;
};

// Collects mistakes by field path ("train.batch_size"). Not thread-safe.
class Problems {
 public:
  // `file`: as the user typed it; empty: there is no job file.
  explicit Problems(std::string file) : file_(std::move(file)) {}

  // Remembers where a field (or group of fields) was written; the last one counts.
  void Locate(const std::string& path, Place place) { places_[path] = place; }

  // "PLACE: error: path: message", at the field's place, else its group's, else the file. Not told where the field or a group around
  // it has a mistake already: it may only follow from that.
  void Add(const std::string& path, absl::string_view message);
  // The same at a place of its own. An empty path is left out (syntax errors).
  void AddAt(Place place, const std::string& path, absl::string_view message);

  bool empty() const { return problems_.empty(); }

  // OK, or InvalidArgument with one line per mistake in the file's order, then the command line's, then those without a line;
  // exit code 64 (deit-coord: 7), printed as it is by LogFailure.
  Status ToStatus() const;

 private:
  struct Problem {
    Place place;
    std::string path;
    std::string message;
  };
  Place PlaceOf(std::string path) const;
  bool Knows(const std::string& path) const;

  std::string file_;
  std::map<std::string, Place> places_;
  std::vector<Problem> problems_;
};

}  // namespace deit::spec
