#include "common/metrics/summary_csv.h"

#include <cstdint>
#include <fstream>

#include "absl/strings/numbers.h"
#include "common/base/log.h"
#include "common/base/numbers.h"
#include "common/files/file_system.h"
#include "common/metrics/cut_back.h"

namespace deit::metrics {
namespace {

constexpr char kColumns[] = "epoch,train_loss,eval_loss,eval_top1,eval_top5,lr";
constexpr char kColumnsOfEma[] = ",eval_ema_loss,eval_ema_top1,eval_ema_top5";

std::string Cell(const std::optional<double>& value) { return value ? RoundTripText(*value) : ""; }

std::string Cells(const EvaluationCells& cells) { return absl::StrCat(Cell(cells.loss), ",", Cell(cells.top1), ",", Cell(cells.top5)); }

// Empty without a whole one.
std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) && !file.eof() ? line : "";
}

}  // namespace

StatusOr<SummaryCsv> SummaryCsv::Open(const std::string& path, int first_epoch, bool with_ema) {
  const std::string wanted = absl::StrCat(kColumns, with_ema ? kColumnsOfEma : "");
  const auto stays = [&](absl::string_view line) {
    int epoch = 0;
    return line == wanted || (absl::SimpleAtoi(line.substr(0, line.find(',')), &epoch) && epoch < first_epoch);
  };
  std::string header = FirstLine(path);
  if (!header.empty() && header != wanted) {
    LogWarning(absl::StrCat(path, ": has other columns than this job writes: set aside as ", path, ".old"));
    DEIT_RETURN_IF_ERROR(files::FileSystem::Posix().Rename(path, path + ".old"));
  }
  DEIT_RETURN_IF_ERROR(CutBackLines(path, stays).status());
  header = FirstLine(path);
  DEIT_ASSIGN_OR_RETURN(AppendFile file, AppendFile::Open(path));
  if (header.empty()) DEIT_RETURN_IF_ERROR(file.Append(absl::StrCat(wanted, "\n")));
  return SummaryCsv(std::move(file), with_ema);
}

Status SummaryCsv::Append(const EpochRow& row) {
  const std::string of_ema = with_ema_ ? absl::StrCat(",", Cells(row.eval_ema)) : "";
  return file_.Append(absl::StrCat(row.epoch, ",", Cell(row.train_loss), ",", Cells(row.eval), ",", RoundTripText(row.lr), of_ema, "\n"));
}

}  // namespace deit::metrics
