// Text and JSON of an evaluation report.
#pragma once

#include <string>
#include <vector>

#include "worker/train/evaluation_report.h"

namespace deit::train {

// Three tables, the last one of models with two tokens only: accuracy and loss of each voice; of each two voices the share of the images for
// which they name different classes; the tokens' cosine similarity after the embedding (layer 0) and each block.
std::vector<std::string> ReportLines(const EvaluationReport& report);

// One object in one line (docs/formats.md). Numbers read back exactly.
std::string ReportJson(const EvaluationReport& report);

}  // namespace deit::train
