#include "worker/train/report_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/numbers.h"
#include "common/text/table.h"

namespace deit::train {
namespace {

void Append(const text::Table& table, std::vector<std::string>* lines) {
  for (std::string& line : table.Lines({})) lines->push_back(std::move(line));
}

text::Table Accuracies(const EvaluationReport& report) {
  text::Table table({{"PREDICTOR"}, {"ACC1"}, {"ACC5"}, {"LOSS"}});
  for (size_t p = 0; p < report.predictors().size(); ++p) {
    table.AddRow({{report.predictors()[p]},
                  {absl::StrFormat("%.2f", report.Accuracy(p))},
                  {absl::StrFormat("%.2f", report.Accuracy5(p))},
                  {LossText(report.Loss(p))}});
  }
  return table;
}

text::Table Disagreements(const EvaluationReport& report) {
  std::vector<text::Column> columns = {{"DISAGREEMENT"}};
  for (const std::string& predictor : report.predictors()) columns.push_back({absl::AsciiStrToUpper(predictor)});
  text::Table table(columns);
  for (size_t a = 0; a < report.predictors().size(); ++a) {
    std::vector<text::Cell> row = {{report.predictors()[a]}};
    for (size_t b = 0; b < report.predictors().size(); ++b) {
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

v1::PredictorScores Scores(const EvaluationReport& report, size_t predictor) {
  v1::PredictorScores scores;
  scores.set_acc1(report.Accuracy(predictor));
  scores.set_acc5(report.Accuracy5(predictor));
  scores.set_loss(report.Loss(predictor));
  return scores;
}

google::protobuf::Struct DisagreementsOf(const EvaluationReport& report, size_t predictor) {
  google::protobuf::Struct shares;
  for (size_t other = 0; other < report.predictors().size(); ++other) {
    if (other == predictor) continue;
    (*shares.mutable_fields())[report.predictors()[other]].set_number_value(report.Disagreement(predictor, other));
  }
  return shares;
}

}  // namespace

std::vector<std::string> ReportLines(const EvaluationReport& report) {
  std::vector<std::string> lines;
  Append(Accuracies(report), &lines);
  if (report.predictors().size() > 1) Append(Disagreements(report), &lines);
  if (report.layers() > 0) Append(Cosines(report), &lines);
  return lines;
}

v1::EvaluationReport ReportMessage(const EvaluationReport& report) {
  v1::EvaluationReport message;
  message.set_images(report.images());
  for (size_t p = 0; p < report.predictors().size(); ++p) {
    (*message.mutable_predictors())[report.predictors()[p]] = Scores(report, p);
    (*message.mutable_disagreement())[report.predictors()[p]] = DisagreementsOf(report, p);
  }
  for (int64_t layer = 0; layer < report.layers(); ++layer) {
    message.mutable_token_cosine()->add_values()->set_number_value(report.Cosine(layer));
  }
  return message;
}

}  // namespace deit::train
