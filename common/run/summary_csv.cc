#include "common/run/summary_csv.h"

#include <cstdint>
#include <fstream>

#include "absl/strings/numbers.h"
#include "common/base/log.h"
#include "common/base/numbers.h"
#include "common/files/file_system.h"
#include "common/run/cut_back.h"

namespace deit::run {
namespace {

constexpr char kHeader[] = "epoch,train_loss,eval_loss,eval_top1,eval_top5,lr";

std::string Cell(const std::optional<double>& value) { return value ? RoundTripText(*value) : ""; }

// Empty without a whole one.
std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) && !file.eof() ? line : "";
}

}  // namespace

StatusOr<SummaryCsv> SummaryCsv::Open(const std::string& path, int first_epoch) {
  const auto stays = [first_epoch](absl::string_view line) {
    int epoch = 0;
    return line == kHeader || (absl::SimpleAtoi(line.substr(0, line.find(',')), &epoch) && epoch < first_epoch);
  };
  std::string header = FirstLine(path);
  if (!header.empty() && header != kHeader) {
    LogWarning(absl::StrCat(path, ": has other columns than this version writes: set aside as ", path, ".old"));
    DEIT_RETURN_IF_ERROR(files::FileSystem::Posix().Rename(path, path + ".old"));
  }
  DEIT_RETURN_IF_ERROR(CutBackLines(path, stays).status());
  header = FirstLine(path);
  DEIT_ASSIGN_OR_RETURN(AppendFile file, AppendFile::Open(path));
  if (header.empty()) DEIT_RETURN_IF_ERROR(file.Append(absl::StrCat(kHeader, "\n")));
  return SummaryCsv(std::move(file));
}

Status SummaryCsv::Append(const EpochRow& row) {
  return file_.Append(absl::StrCat(row.epoch, ",", Cell(row.train_loss), ",", Cell(row.eval_loss), ",", Cell(row.eval_top1), ",",
                                   Cell(row.eval_top5), ",", RoundTripText(row.lr), "\n"));
}

}  // namespace deit::run
