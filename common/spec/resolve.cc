#include "common/spec/resolve.h"

#include <algorithm>
#include <array>

#include "common/files/absolute_path.h"
#include "common/models/model_catalog.h"
#include "common/spec/fields.h"

namespace deit::spec {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

using Channels = std::array<float, 3>;
struct PixelStatistics {
  Channels rgb_mean, rgb_std;
  float gray_mean, gray_std;
};

// Means and standard deviations of pixels in [0, 1].
PixelStatistics DefaultStatistics(v1::DataSpec::Format format) {
  switch (format) {
    case v1::DataSpec::IDX:  // of Fashion-MNIST's training images
      return {{0.2860f, 0.2860f, 0.2860f}, {0.3530f, 0.3530f, 0.3530f}, 0.2860f, 0.3530f};
    case v1::DataSpec::CIFAR:  // as DeiT
    case v1::DataSpec::TAR:
    case v1::DataSpec::IMAGE_FOLDER:  // of ImageNet; gray: the channels' mean
      return {{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}, 0.449f, 0.226f};
    case v1::DataSpec::SYNTHETIC: break;
  }
  return {{0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}, 0.5f, 0.5f};
}

using Floats = google::protobuf::RepeatedField<float>;

void RepeatSingle(int channels, Floats* values) {
  const float first = values->Get(0);
  if (values->size() == 1) values->Resize(channels, first);
}

// One value per channel: the user's (a single one applies to all), else the default. Another number of values is left for validation
// to refuse.
void FillChannels(const Channels& rgb, float gray, int channels, Floats* values) {
  if (values->empty() && channels == 3) values->Add(rgb.begin(), rgb.end());
  if (values->empty()) values->Add(gray);
  RepeatSingle(channels, values);
}

void ResolveModelAt(const std::string& path, v1::ModelSpec* model, Problems* problems) {
  const StatusOr<v1::ModelSpec> resolved = models::ResolveModel(*model);
  if (resolved.ok()) {
    *model = *resolved;
    return;
  }
  const std::string message(resolved.status().message());
  const size_t colon = message.find(": ");
  problems->Add(JoinFieldPath(path, message.substr(0, colon)), message.substr(colon + 2));
}

void ResolveToken(const v1::JobSpec& spec, v1::ModelSpec* student) {
  const models::CatalogEntry* entry = models::FindModel(student->name());
  if (entry == nullptr || !models::IsVitPytorch(entry->family) || student->has_distillation_token()) return;
  student->set_distillation_token(spec.distillation().type() != v1::DistillationSpec::NONE);
}

void RemoveTeacher(v1::JobSpec* spec) {
  spec->clear_teacher();
  spec->mutable_teacher()->set_schedule(v1::TeacherSpec::NONE);
}

void ResolveTeacher(v1::JobSpec* spec, Problems* problems) {
  if (!WantsTeacher(*spec)) return RemoveTeacher(spec);
  const v1::ModelSpec& student = spec->model();
  v1::TeacherSpec* teacher = spec->mutable_teacher();
  v1::ModelSpec* model = teacher->mutable_model();
  if (!model->has_num_classes()) model->set_num_classes(student.num_classes());
  if (!model->has_img_size()) model->set_img_size(student.img_size());
  if (!model->has_in_chans()) model->set_in_chans(student.in_chans());
  ResolveModelAt("teacher.model", model, problems);
  if (teacher->schedule() == v1::TeacherSpec::AUTO) teacher->set_schedule(v1::TeacherSpec::INLINE);
  if (teacher->record() == v1::TeacherSpec::DEFAULT) {
    const bool soft = spec->distillation().type() == v1::DistillationSpec::SOFT;
    teacher->set_record(soft ? v1::TeacherSpec::DENSE_FP32 : v1::TeacherSpec::ARGMAX);
  }
  if (!teacher->has_topk()) teacher->set_topk(std::min(teacher->topk(), student.num_classes()));
  for (auto* values : {teacher->mutable_mean(), teacher->mutable_std()}) {
    if (!values->empty()) RepeatSingle(student.in_chans(), values);
  }
}

void ResolveData(v1::JobSpec* spec) {
  v1::DataSpec* data = spec->mutable_data();
  if (!data->has_seed()) data->set_seed(spec->train().seed());
  const PixelStatistics statistics = DefaultStatistics(data->format());
  FillChannels(statistics.rgb_mean, statistics.gray_mean, spec->model().in_chans(), data->mutable_mean());
  FillChannels(statistics.rgb_std, statistics.gray_std, spec->model().in_chans(), data->mutable_std());
  if (spec->augment().crop() == v1::AugmentSpec::DEFAULT) {
    spec->mutable_augment()->set_crop(UsesResizedCrop(*spec) ? v1::AugmentSpec::RESIZED : v1::AugmentSpec::PADDED);
  }
}

void SetDefault(Message* message, const FieldDescriptor* field) {
  const Reflection* reflection = message->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: return reflection->SetInt32(message, field, field->default_value_int32());
    case FieldDescriptor::CPPTYPE_INT64: return reflection->SetInt64(message, field, field->default_value_int64());
    case FieldDescriptor::CPPTYPE_UINT32: return reflection->SetUInt32(message, field, field->default_value_uint32());
    case FieldDescriptor::CPPTYPE_UINT64: return reflection->SetUInt64(message, field, field->default_value_uint64());
    case FieldDescriptor::CPPTYPE_DOUBLE: return reflection->SetDouble(message, field, field->default_value_double());
    case FieldDescriptor::CPPTYPE_FLOAT: return reflection->SetFloat(message, field, field->default_value_float());
    case FieldDescriptor::CPPTYPE_BOOL: return reflection->SetBool(message, field, field->default_value_bool());
    case FieldDescriptor::CPPTYPE_ENUM: return reflection->SetEnum(message, field, field->default_value_enum());
    case FieldDescriptor::CPPTYPE_STRING: return reflection->SetString(message, field, field->default_value_string());
    case FieldDescriptor::CPPTYPE_MESSAGE: return;
  }
}

// Writes out the schema's defaults. Models and the teacher are complete already: what they lack is not theirs.
void WriteDefaults(Message* message) {
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->field(i);
    const Reflection* reflection = message->GetReflection();
    const bool complete = field->message_type() == v1::ModelSpec::descriptor();
    if (field->is_repeated() || complete) continue;
    if (field->message_type() != nullptr) WriteDefaults(reflection->MutableMessage(message, field));
    else if (field->has_default_value() && !reflection->HasField(*message, field)) SetDefault(message, field);
  }
}

}  // namespace

bool UsesResizedCrop(const v1::JobSpec& spec) {
  const v1::DataSpec::Format format = spec.data().format();
  return format == v1::DataSpec::IMAGE_FOLDER || format == v1::DataSpec::TAR ||
         (format == v1::DataSpec::CIFAR && spec.model().img_size() > 32);
}

bool WantsTeacher(const v1::JobSpec& spec) {
  const v1::TeacherSpec& teacher = spec.teacher();
  return teacher.schedule() != v1::TeacherSpec::NONE && (teacher.has_model() || teacher.has_weights());
}

void Resolve(const ResolveContext& context, v1::JobSpec* spec, Problems* problems) {
  if (spec->name().empty()) spec->set_name(context.default_name);
  if (spec->run_dir().empty()) spec->set_run_dir(files::AbsolutePath(context.working_folder, "runs/" + spec->name()));
  ResolveToken(*spec, spec->mutable_model());
  ResolveModelAt("model", spec->mutable_model(), problems);
  ResolveTeacher(spec, problems);
  ResolveData(spec);
  if (!spec->schedule().has_warmup_epochs()) {
    spec->mutable_schedule()->set_warmup_epochs(std::min(spec->schedule().warmup_epochs(), spec->train().epochs() / 10.0));
  }
  if (spec->optimizer().opt() == "lamb" && !spec->optimizer().has_clip_grad()) spec->mutable_optimizer()->set_clip_grad(1);
  WriteDefaults(spec);
  if (spec->teacher().schedule() == v1::TeacherSpec::NONE) RemoveTeacher(spec);  // its defaults say nothing
}

}  // namespace deit::spec
