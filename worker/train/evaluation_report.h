// The figures of the DeiT paper about a distilled model (arXiv 2012.12877, tables 3 and 4, section 5.2): accuracy of each head, of
// both together and of the teacher, how often two of them disagree, and the similarity of class and distillation token after every
// layer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace deit::train {

// How many classes come before `label` in a row of `classes` logits: the higher ones, and equal ones of a lower index. A logit that is no
// number comes before every label, and all come before a label whose logit is none.
int64_t RankOf(const float* logits, int64_t classes, int64_t label);

// -log of the softmax of `logits` at `label`.
double CrossEntropy(const float* logits, int64_t classes, int64_t label);

// Sums over images. All are integers (losses and cosines in units of 2^-24, cut at +-2^10: room for 2^29 images), so they do not depend on
// who counted which image, nor on the order. Not thread-safe.
class EvaluationReport {
 public:
  EvaluationReport() = default;
  // `predictors`: names of what predicts a class for each image, such as a head. `layers`: after how many layers two tokens are
  // compared, 0 for a model with one token.
  EvaluationReport(std::vector<std::string> predictors, int64_t layers);

  const std::vector<std::string>& predictors() const { return predictors_; }
  int64_t layers() const { return layers_; }

  // One image: each predictor's row of `classes` logits, in the order of predictors().
  void Add(const std::vector<const float*>& logits, int64_t classes, int64_t label);
  // One image after one layer.
  void AddCosine(int64_t layer, double cosine);

  // Percent, and means over images(); 0 of no images.
  int64_t images() const { return sums_[0]; }
  double Accuracy(size_t predictor) const { return Mean(100 * sums_[First(predictor)]); }
  double Accuracy5(size_t predictor) const { return Mean(100 * sums_[First(predictor) + 1]); }
  double Loss(size_t predictor) const;
  double Disagreement(size_t a, size_t b) const;  // share of the images for which they name different classes (the first on ties)
  double Cosine(int64_t layer) const;

  // Everything that adds up, for adding that of other workers.
  std::vector<int64_t>& sums() { return sums_; }

 private:
  size_t First(size_t predictor) const { return 1 + 3 * predictor; }  // correct, correct among five, loss
  size_t Pair(size_t a, size_t b) const;
  size_t Layer(int64_t layer) const;
  double Mean(int64_t sum) const;

  std::vector<std::string> predictors_;
  int64_t layers_ = 0;
  std::vector<int64_t> sums_ = {0};
};

}  // namespace deit::train
