#include "common/models/activation_size.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "common/models/model_catalog.h"
#include "common/models/model_tensors.h"
#include "common/models/network.h"
#include "common/models/transformer_tensors.h"

namespace deit::models {
namespace {

constexpr int64_t kFloat = 4;  // bytes

int64_t Elements(const Step& step) { return step.outputs * std::max<int64_t>({step.side * step.side, step.tokens, 1}); }

// The results of a network's steps as NetworkModel (worker/nn) keeps them: some steps write into their input's memory.
class Results {
 public:
  Results(const Network& network, int64_t compute, bool training)
      : network_(network), compute_(compute), training_(training), last_reader_(network.size(), -1), width_(network.size()),
        memory_(network.size()) {
    for (size_t s = 0; s < network.size(); ++s) {
      for (const int source : {network[s].input, network[s].other}) {
        if (source != kImage) last_reader_[Index(source)] = static_cast<int>(s);
      }
    }
    for (size_t s = 0; s < network.size(); ++s) {
      width_[s] = WidthOf(network[s]);
      memory_[s] = InPlace(s) ? memory_[Index(network[s].input)] : s;
    }
  }

  static size_t Index(int step) { return static_cast<size_t>(step); }
  bool IsLastReader(size_t step, int source) const { return source != kImage && last_reader_[Index(source)] == static_cast<int>(step); }
  int64_t width(int step) const { return step == kImage ? kFloat : width_[Index(step)]; }  // bytes of an element
  size_t memory(size_t step) const { return memory_[step]; }                               // the step that made it
  int64_t bytes(size_t step) const { return Elements(network_[step]) * width_[step]; }

 private:
  int64_t WidthOf(const Step& step) const {
    switch (step.op) {
      case Op::kConvolution:
      case Op::kLinear:
      case Op::kRelu:
      case Op::kSilu:
      case Op::kAttention:
      case Op::kMeanPool: return compute_;
      case Op::kBatchNorm: return training_ ? kFloat : width(step.input);
      case Op::kLayerNorm:
      case Op::kPrepend:
      case Op::kAppend:
      case Op::kPositions:
      case Op::kNystromAttention: return kFloat;
      case Op::kAdd: return std::max(width(step.input), width(step.other));
      case Op::kMaxPool:
      case Op::kGate:
      case Op::kPatches:
      case Op::kUnfold:
      case Op::kGrid:
      case Op::kGelu:
      case Op::kFirst:
      case Op::kLast: return width(step.input);
    }
    return kFloat;
  }

  bool InPlace(size_t s) const {
    const Step& step = network_[s];
    if (step.input == kImage) return false;
    if (step.op == Op::kFirst || step.op == Op::kLast || (step.training_only && !training_)) return true;  // a view, or the input itself
    const bool may = step.op == Op::kRelu || (step.op == Op::kSilu && !training_) || step.op == Op::kAdd;
    return may && IsLastReader(s, step.input) && width_[s] == width(step.input);
  }

  const Network& network_;
  const int64_t compute_;
  const bool training_;
  std::vector<int> last_reader_;
  std::vector<int64_t> width_;
  std::vector<size_t> memory_;
};

// What a step needs besides its input and its result, in elements.
int64_t Scratch(const Step& step) {
  const int64_t scores = step.heads * step.tokens;
  if (step.op == Op::kAttention) return 2 * scores * step.tokens + 4 * step.tokens * step.outputs;
  if (step.op == Op::kNystromAttention) return 5 * scores * step.landmarks + 6 * step.tokens * step.outputs;
  return step.op == Op::kUnfold ? Elements(step) : 0;
}

int64_t Alive(const Network& network, int64_t pixels) {
  const Results results(network, kFloat, false);
  std::vector<int64_t> held(network.size(), 0);  // by the step that made the memory
  int64_t live = pixels * kFloat, most = live;
  for (size_t s = 0; s < network.size(); ++s) {
    const Step& step = network[s];
    if (results.memory(s) == s) live += held[s] = results.bytes(s);
    most = std::max(most, live + Scratch(step) * kFloat);
    for (const int source : {step.input, step.other}) {
      if (!results.IsLastReader(s, source)) continue;
      const size_t made = results.memory(Results::Index(source));
      if (made != results.memory(s)) live -= std::exchange(held[made], 0);
    }
  }
  return most;
}

// Whether autograd keeps the input of such a step.
bool KeepsInput(Op op) {
  switch (op) {
    case Op::kConvolution:
    case Op::kBatchNorm:
    case Op::kSilu:
    case Op::kMaxPool:
    case Op::kGate:
    case Op::kLinear:
    case Op::kLayerNorm:
    case Op::kGelu:
    case Op::kAttention:
    case Op::kNystromAttention: return true;
    default: return false;
  }
}

int64_t Kept(const Network& network, int64_t pixels, int64_t compute) {
  const Results results(network, compute, true);
  std::set<size_t> kept;  // results, by the step that made their memory
  int64_t bytes = pixels * kFloat;
  for (size_t s = 0; s < network.size(); ++s) {
    const Step& step = network[s];
    const int64_t inputs = step.input == kImage ? pixels : Elements(network[Results::Index(step.input)]);
    const bool computes = step.op == Op::kConvolution || step.op == Op::kLinear;
    const int64_t wanted = computes ? compute : step.op == Op::kBatchNorm || step.op == Op::kLayerNorm ? kFloat : results.width(step.input);
    if (KeepsInput(step.op)) {
      if (wanted != results.width(step.input)) bytes += inputs * wanted;  // a copy in another precision
      else if (step.input != kImage) kept.insert(results.memory(Results::Index(step.input)));
    }
    if (step.op == Op::kRelu) {
      if (compute == kFloat) kept.insert(results.memory(s));
      else bytes += Elements(step) * kFloat;
    }
    if (step.op == Op::kBatchNorm) bytes += Elements(step) * kFloat;  // as measured (LibTorch 2.14), besides its input
    if (step.op == Op::kMaxPool) bytes += Elements(step) * 8;         // positions
    if (step.op == Op::kAttention) bytes += (step.heads * step.tokens * step.tokens + step.tokens * step.outputs) * compute;
    if (step.op == Op::kNystromAttention) bytes += Scratch(step) * kFloat;
  }
  for (const size_t s : kept) bytes += results.bytes(s);
  return bytes;
}

// Of worker/nn/vit.cc and transformer_block.cc.
ActivationSize OfTransformer(const TransformerSizes& sizes, int64_t compute) {
  const int64_t tokens = sizes.tokens(), rows = tokens * sizes.width, hidden = tokens * sizes.hidden;
  const int64_t scores = sizes.heads * tokens * tokens, patches = sizes.patches() * (sizes.patch_size() + 2 * sizes.width);
  // The last block needs keys and values of all tokens, and little else.
  const auto block = [&](int64_t c) { return (6 * rows + 2 * hidden + scores) * c + 2 * rows * kFloat; };  // what stays for backward
  const auto work = [&](int64_t c) { return 5 * rows * c; };                                               // forward's operands
  const int64_t gradients = (hidden + scores + 5 * rows) * compute + 3 * rows * kFloat;
  const auto outside = [&](int64_t c) { return patches * c + rows * kFloat; };
  return {.evaluation = block(kFloat) + work(kFloat) + outside(kFloat),
          .training = (sizes.depth - 1) * block(compute) + 3 * rows * compute + work(compute) + gradients + outside(compute)};
}

}  // namespace

ActivationSize ActivationsOf(const v1::ModelSpec& resolved, v1::Precision precision) {
  const int64_t compute = precision == v1::BF16 ? 2 : kFloat;
  const Network network = NetworkOf(resolved);
  if (network.empty()) return OfTransformer(TransformerSizesOf(resolved), compute);
  const int64_t pixels = int64_t{resolved.in_chans()} * resolved.img_size() * resolved.img_size();
  return {.evaluation = Alive(network, pixels), .training = Kept(network, pixels, compute)};
}

int64_t ImagesPerPass(const v1::ModelSpec& resolved) {
  const Network network = NetworkOf(resolved);
  const bool together = std::any_of(network.begin(), network.end(), [](const Step& step) { return step.op == Op::kNystromAttention; });
  if (together) return std::numeric_limits<int64_t>::max();
  return std::clamp<int64_t>(kPassBytes / ActivationsOf(resolved, v1::FP32).evaluation, 1, kMostImagesPerPass);
}

}  // namespace deit::models
