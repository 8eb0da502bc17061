// What operations of this project have in common: inputs, outputs, errors, registration.
//
// They are registered by TensorFlow's C interface for kernels, which needs no C++ library
// of TensorFlow's at hand and compiles in seconds.

#ifndef DOTMOTION_OPERATION_H_
#define DOTMOTION_OPERATION_H_

#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <type_traits>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_datatype.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace dotmotion {

// A failed call of TensorFlow's.
struct Failure : std::exception {
  explicit Failure(TF_Code code, std::string message) : code(code), message(message) {}

  TF_Code code;
  std::string message;
};

// Runs with a status, and throws if it is not OK after it.
template <class Call>
void Checked(const Call& call) {
  TF_Status* status = TF_NewStatus();
  call(status);
  const TF_Code code = TF_GetCode(status);
  const std::string message = TF_Message(status);
  TF_DeleteStatus(status);
  if (code != TF_OK) throw Failure(code, message);
}

template <class Value>
constexpr TF_DataType DataType() {
  static_assert(sizeof(Value) <= 8, "no element of a tensor");
  if (std::is_floating_point<Value>::value) return TF_FLOAT;
  if (sizeof(Value) == 1) return TF_UINT8;
  return sizeof(Value) == 4 ? TF_INT32 : TF_INT64;
}

// The inputs and outputs of one run of an operation.
class Run {
 public:
  explicit Run(TF_OpKernelContext* context) : context_(context) {}
  Run(const Run&) = delete;
  ~Run() {
    for (TF_Tensor* tensor : tensors_) TF_DeleteTensor(tensor);
  }

  // Input `number`, which has to have as many dimensions.
  template <class Value = float>
  const Value* Input(int number, int dimensions, std::vector<int64_t>* shape = nullptr) {
    TF_Tensor* tensor = nullptr;
    Checked([&](TF_Status* status) { TF_GetInput(context_, number, &tensor, status); });
    tensors_.push_back(tensor);
    if (TF_NumDims(tensor) != dimensions) {
      throw Failure(TF_INVALID_ARGUMENT, "input " + std::to_string(number) + " has " +
                                             std::to_string(TF_NumDims(tensor)) +
                                             " dimensions, expected " +
                                             std::to_string(dimensions));
    }
    std::vector<int64_t> found;
    for (int d = 0; d < dimensions; ++d) found.push_back(TF_Dim(tensor, d));
    if (shape) *shape = found;
    return static_cast<const Value*>(TF_TensorData(tensor));
  }

  // Input `number`, which has to have this shape.
  template <class Value = float>
  const Value* InputOf(int number, const std::vector<int64_t>& expected) {
    std::vector<int64_t> found;
    const Value* data = Input<Value>(number, expected.size(), &found);
    if (found != expected) {
      throw Failure(TF_INVALID_ARGUMENT, "input " + std::to_string(number) + " has shape " +
                                             Text(found) + ", expected " + Text(expected));
    }
    return data;
  }

  // The same, or null if the input has no values.
  const float* InputOrNull(int number, const std::vector<int64_t>& expected) {
    TF_Tensor* tensor = nullptr;
    Checked([&](TF_Status* status) { TF_GetInput(context_, number, &tensor, status); });
    const bool none = TF_TensorElementCount(tensor) == 0;
    TF_DeleteTensor(tensor);
    return none ? nullptr : InputOf(number, expected);
  }

  template <class Value = float>
  Value* Output(int number, const std::vector<int64_t>& shape, bool zero = false) {
    size_t bytes = sizeof(Value);
    for (int64_t size : shape) bytes *= size;
    TF_Tensor* tensor = nullptr;
    Checked([&](TF_Status* status) {
      tensor = TF_AllocateOutput(context_, number, DataType<Value>(), shape.data(),
                                 shape.size(), bytes, status);
    });
    tensors_.push_back(tensor);
    Value* data = static_cast<Value*>(TF_TensorData(tensor));
    if (zero && bytes) std::memset(data, 0, bytes);
    return data;
  }

 private:
  static std::string Text(const std::vector<int64_t>& shape) {
    std::string text = "[";
    for (int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
    return text + "]";
  }

  TF_OpKernelContext* const context_;
  std::vector<TF_Tensor*> tensors_;
};

// The attributes of a node in a graph, all of which are integers.
class Attributes {
 public:
  explicit Attributes(TF_OpKernelConstruction* construction) : construction_(construction) {}

  int Get(const char* name) const {
    int32_t value = 0;
    Checked([&](TF_Status* status) {
      TF_OpKernelConstruction_GetAttrInt32(construction_, name, &value, status);
    });
    return value;
  }

 private:
  TF_OpKernelConstruction* const construction_;
};

template <class Kernel>
void* Create(TF_OpKernelConstruction* construction) {
  try {
    return new Kernel(Attributes(construction));
  } catch (const Failure& failure) {
    TF_Status* status = TF_NewStatus();
    TF_SetStatus(status, failure.code, failure.message.c_str());
    TF_OpKernelConstruction_Failure(construction, status);
    TF_DeleteStatus(status);
    return nullptr;
  }
}

template <class Kernel>
void Compute(void* kernel, TF_OpKernelContext* context) {
  TF_Code code = TF_OK;
  std::string message;
  try {
    Run run(context);
    static_cast<const Kernel*>(kernel)->Compute(run);
  } catch (const Failure& failure) {
    code = failure.code;
    message = failure.message;
  } catch (const std::bad_alloc&) {
    code = TF_RESOURCE_EXHAUSTED;
    message = "not enough memory";
  }
  if (code == TF_OK) return;
  TF_Status* status = TF_NewStatus();
  TF_SetStatus(status, code, message.c_str());
  TF_OpKernelContext_Failure(context, status);
  TF_DeleteStatus(status);
}

template <class Kernel>
void Delete(void* kernel) {
  delete static_cast<Kernel*>(kernel);
}

// Shapes are set in Python, where the layers know them.
inline void UnknownShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

template <class Kernel>
bool Register(const char* name, const std::vector<const char*>& inputs,
              const std::vector<const char*>& outputs,
              const std::vector<const char*>& attributes) {
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(definition, input);
  for (const char* output : outputs) TF_OpDefinitionBuilderAddOutput(definition, output);
  for (const char* attribute : attributes) TF_OpDefinitionBuilderAddAttr(definition, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, &UnknownShape);
  TF_Status* status = TF_NewStatus();
  TF_RegisterOpDefinition(definition, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_KernelBuilder* builder =
        TF_NewKernelBuilder(name, "CPU", &Create<Kernel>, &Compute<Kernel>, &Delete<Kernel>);
    TF_RegisterKernelBuilder(name, builder, status);
  }
  const bool registered = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return registered;
}

}  // namespace dotmotion

#endif  // DOTMOTION_OPERATION_H_
