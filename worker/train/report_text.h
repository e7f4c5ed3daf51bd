// An evaluation's report, as tables and as a message.
#pragma once

#include <string>
#include <vector>

#include "proto/evaluation.pb.h"
#include "worker/train/evaluation_report.h"

namespace deit::train {

// Three tables, the last one of models with two tokens only: accuracy and loss of each predictor; of each two predictors the share
// of the images for which they name different classes; the tokens' cosine similarity after the embedding (layer 0) and each block.
std::vector<std::string> ReportLines(const EvaluationReport& report);

// For --json (docs/formats.md).
v1::EvaluationReport ReportMessage(const EvaluationReport& report);

}  // namespace deit::train
