// Lists of values for fields of google.protobuf.ListValue.
#pragma once

#include <google/protobuf/struct.pb.h>

namespace deit::api {

template <typename Numbers>
google::protobuf::ListValue NumberList(const Numbers& numbers) {
  google::protobuf::ListValue list;
  for (const auto number : numbers) list.add_values()->set_number_value(static_cast<double>(number));
  return list;
}

}  // namespace deit::api
