#include "worker/train/report_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/numbers.h"
#include "common/json/json_text.h"
#include "common/text/table.h"

namespace deit::train {
namespace {

void Append(const text::Table& table, std::vector<std::string>* lines) {
  for (std::string& line : table.Lines({})) lines->push_back(std::move(line));
}

text::Table Accuracies(const EvaluationReport& report) {
  text::Table table({{"VOICE"}, {"ACC1"}, {"ACC5"}, {"LOSS"}});
  for (size_t v = 0; v < report.voices().size(); ++v) {
    table.AddRow({{report.voices()[v]},
                  {absl::StrFormat("%.2f", report.Accuracy(v))},
                  {absl::StrFormat("%.2f", report.Accuracy5(v))},
                  {LossText(report.Loss(v))}});
  }
  return table;
}

text::Table Disagreements(const EvaluationReport& report) {
  std::vector<text::Column> columns = {{"DISAGREEMENT"}};
  for (const std::string& voice : report.voices()) columns.push_back({absl::AsciiStrToUpper(voice)});
  text::Table table(columns);
  for (size_t a = 0; a < report.voices().size(); ++a) {
    std::vector<text::Cell> row = {{report.voices()[a]}};
    for (size_t b = 0; b < report.voices().size(); ++b) {
      row.push_back({a == b ? "" : absl::StrFormat("%.4f", report.Disagreement(a, b))});
    }
    table.AddRow(std::move(row));
  }
  return table;
}

text::Table Cosines(const EvaluationReport& report) {
  text::Table table({{"LAYER"}, {"COSINE OF BOTH TOKENS"}});
  for (int64_t layer = 0; layer < report.layers(); ++layer) {
    table.AddRow({{absl::StrCat(layer)}, {absl::StrFormat("%.4f", report.Cosine(layer))}});
  }
  return table;
}

std::string Member(absl::string_view name, absl::string_view value) { return absl::StrCat(json::JsonQuote(name), ": ", value); }

std::string Object(const std::vector<std::string>& members) { return absl::StrCat("{", absl::StrJoin(members, ", "), "}"); }

std::vector<std::string> Scores(const EvaluationReport& report, size_t voice) {
  return {Member("acc1", RoundTripText(report.Accuracy(voice))), Member("acc5", RoundTripText(report.Accuracy5(voice))),
          Member("loss", RoundTripText(report.Loss(voice)))};
}

std::string DisagreementsOf(const EvaluationReport& report, size_t voice) {
  std::vector<std::string> members;
  for (size_t other = 0; other < report.voices().size(); ++other) {
    if (other != voice) members.push_back(Member(report.voices()[other], RoundTripText(report.Disagreement(voice, other))));
  }
  return Object(members);
}

}  // namespace

std::vector<std::string> ReportLines(const EvaluationReport& report) {
  std::vector<std::string> lines;
  Append(Accuracies(report), &lines);
  if (report.voices().size() > 1) Append(Disagreements(report), &lines);
  if (report.layers() > 0) Append(Cosines(report), &lines);
  return lines;
}

std::string ReportJson(const EvaluationReport& report) {
  std::vector<std::string> voices, disagreements, cosines;
  for (size_t v = 0; v < report.voices().size(); ++v) {
    voices.push_back(Member(report.voices()[v], Object(Scores(report, v))));
    disagreements.push_back(Member(report.voices()[v], DisagreementsOf(report, v)));
  }
  for (int64_t layer = 0; layer < report.layers(); ++layer) cosines.push_back(RoundTripText(report.Cosine(layer)));
  std::vector<std::string> members = {Member("images", absl::StrCat(report.images())), Member("voices", Object(voices)),
                                      Member("disagreement", Object(disagreements))};
  if (!cosines.empty()) members.push_back(Member("token_cosine", absl::StrCat("[", absl::StrJoin(cosines, ", "), "]")));
  return Object(members);
}

}  // namespace deit::train
