#include "worker/preview/preview_writer.h"

#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/files/operations.h"
#include "worker/tasks/job_setup.h"
#include "worker/tasks/tasks.h"

namespace deit::tasks {

Status Preview(const Options& options) {
  if (options.output.empty()) {
    return WithHint(absl::InvalidArgumentError("--output: missing: the folder to write to"),
                    "deit-worker --task=preview --config=FILE --steps=0:1 --output=preview");
  }
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec spec, LoadJob(options));
  DEIT_ASSIGN_OR_RETURN(const JobData data, OpenData(spec));
  const preview::PreviewOptions range{options.first_step, options.end_step, options.output};
  DEIT_RETURN_IF_ERROR(preview::WritePreview(files::FileSystem::Posix(), spec, *data.train, *data.train_views, *data.sampler, range));
  LogInfo(absl::StrCat("preview: ", (range.end - range.begin) * static_cast<uint64_t>(spec.train().batch_size()), " views in ",
                       options.output));
  return absl::OkStatus();
}

}  // namespace deit::tasks
