#include "common/control/admission.h"

#include <gtest/gtest.h>

namespace deit::control {
namespace {

const AdmissionRules kRules = {
    .job = "0badf00d",
    .token = "not looked at",
    .launches = {{3, {.role = v1::Role::STUDENT, .workers = 2}}, {4, {.role = v1::Role::TEACHER, .workers = 4}}}};

v1::Hello Student() {
  v1::Hello hello;
  hello.set_job("0badf00d");
  hello.set_launch(3);
  hello.set_role(v1::Role::STUDENT);
  hello.set_rank(1);
  hello.set_worker(1);
  hello.set_workers(2);
  return hello;
}

std::string Rejected(const v1::Hello& hello, const AdmissionRules& rules = kRules) {
  const auto rejection = CheckAdmission(rules, hello);
  return rejection ? Describe(*rejection) : "";
}

TEST(AdmissionTest, AdmitsTheWorkersOfSeveralLaunches) {
  EXPECT_EQ(Rejected(Student()), "");
  v1::Hello teacher = Student();
  teacher.set_launch(4);
  teacher.set_role(v1::Role::TEACHER);
  teacher.set_workers(4);
  teacher.set_rank(3);
  EXPECT_EQ(Rejected(teacher), "");
}

TEST(AdmissionTest, RejectsAnotherJob) {
  v1::Hello hello = Student();
  hello.set_job("0badf00e");
  EXPECT_EQ(Rejected(hello), "another job: this is job 0badf00d");
}

TEST(AdmissionTest, RejectsALaunchThatIsNotAdmitted) {
  v1::Hello hello = Student();
  hello.set_launch(2);
  EXPECT_EQ(Rejected(hello), "another launch: this worker is of launch 2, admitted: launches 3, 4");
  AdmissionRules rules = kRules;
  rules.launches.erase(3);
  EXPECT_EQ(Rejected(Student(), rules), "another launch: this worker is of launch 3, admitted: launch 4");
  rules.launches.clear();
  EXPECT_EQ(Rejected(Student(), rules), "another launch: this worker is of launch 3, admitted: no launch");
}

TEST(AdmissionTest, RejectsAnotherRole) {
  v1::Hello hello = Student();
  hello.set_role(v1::Role::TEACHER);
  EXPECT_EQ(Rejected(hello), "another role: this worker is a teacher, launch 3 is of role student");
  hello.clear_role();
  EXPECT_EQ(CheckAdmission(kRules, hello)->cause, RejectionCause::kOtherRole);
}

TEST(AdmissionTest, RejectsAnotherNumberOfWorkers) {
  v1::Hello hello = Student();
  for (const int workers : {0, 1, 3}) {
    hello.set_workers(workers);
    EXPECT_EQ(CheckAdmission(kRules, hello)->cause, RejectionCause::kOtherWorkerCount) << workers;
  }
  EXPECT_EQ(Rejected(hello), "another number of workers: this worker counts 3, launch 3 has 2");
}

TEST(AdmissionTest, RejectsNumbersOutsideTheLaunch) {
  for (const int number : {-1, 2}) {
    v1::Hello hello = Student();
    hello.set_rank(number);
    EXPECT_EQ(CheckAdmission(kRules, hello)->cause, RejectionCause::kMalformed) << number;
    hello = Student();
    hello.set_worker(number);
    EXPECT_EQ(CheckAdmission(kRules, hello)->cause, RejectionCause::kMalformed) << number;
  }
}

}  // namespace
}  // namespace deit::control
