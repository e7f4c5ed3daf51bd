#include "common/base/status.h"
#include "common/dataset/idx_file.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

// As images (rank 3) and as labels (rank 1), plain and, by the magic number of gzip, compressed.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const deit::testing::TempFolder folder;
  const std::string path = folder / "x-ubyte";
  deit::testing::WriteFile(path, deit::testing::Content(data, size));
  for (const size_t rank : {size_t{1}, size_t{3}}) {
    const auto dims = deit::dataset::ReadIdxDims(path, rank);
    const auto file = deit::dataset::ReadIdxFile(path, rank, 0);
    if (!file.ok()) continue;
    DEIT_CHECK(dims.ok() && file->dims == *dims, "what can be read has dimensions");
    size_t values = 1;
    for (const int64_t dim : file->dims) values *= static_cast<size_t>(dim);
    DEIT_CHECK(file->values.size() == values, "values=", file->values.size());
  }
  return 0;
}
