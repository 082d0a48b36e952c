/* The part of TensorFlow's C API that the ops use, declared here: TensorFlow-Java brings the library
   and no headers. Everything is exported by libtensorflow_framework, of TensorFlow 2.18. */
#ifndef FADAM_TENSORFLOW_H
#define FADAM_TENSORFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct TF_Status TF_Status;
typedef struct TF_Tensor TF_Tensor;
typedef struct TF_KernelBuilder TF_KernelBuilder;
typedef struct TF_OpKernelConstruction TF_OpKernelConstruction;
typedef struct TF_OpKernelContext TF_OpKernelContext;
typedef struct TF_OpDefinitionBuilder TF_OpDefinitionBuilder;
typedef struct TF_ShapeInferenceContext TF_ShapeInferenceContext;
typedef struct TF_ShapeHandle TF_ShapeHandle;
typedef struct TF_VariableInputLockHolder TF_VariableInputLockHolder;

typedef struct {
  const void *data;
  size_t length;
  void (*data_deallocator)(void *data, size_t length);
} TF_Buffer;

typedef enum {
  TF_FLOAT = 1,
  TF_DOUBLE = 2,
  TF_INT64 = 9,
  TF_BOOL = 10,
  TF_BFLOAT16 = 14,
  TF_HALF = 19
} TF_DataType;

typedef enum {
  TF_OK = 0,
  TF_INVALID_ARGUMENT = 3,
  TF_RESOURCE_EXHAUSTED = 8,
  TF_FAILED_PRECONDITION = 9
} TF_Code;

typedef void (*tensor_copy)(TF_OpKernelContext *context, TF_Tensor *source, TF_Tensor *target);

TF_Status *TF_NewStatus(void);
void TF_DeleteStatus(TF_Status *status);
void TF_SetStatus(TF_Status *status, TF_Code code, const char *message);
TF_Code TF_GetCode(const TF_Status *status);

TF_Buffer *TF_NewBuffer(void);
void TF_DeleteBuffer(TF_Buffer *buffer);

void TF_DeleteTensor(TF_Tensor *tensor);
TF_DataType TF_TensorType(const TF_Tensor *tensor);
int TF_NumDims(const TF_Tensor *tensor);
int64_t TF_Dim(const TF_Tensor *tensor, int index);
int64_t TF_TensorElementCount(const TF_Tensor *tensor);
size_t TF_TensorByteSize(const TF_Tensor *tensor);
void *TF_TensorData(const TF_Tensor *tensor);

TF_OpDefinitionBuilder *TF_NewOpDefinitionBuilder(const char *name);
void TF_RegisterOpDefinition(TF_OpDefinitionBuilder *builder, TF_Status *status);
void TF_OpDefinitionBuilderAddAttr(TF_OpDefinitionBuilder *builder, const char *specification);
void TF_OpDefinitionBuilderAddInput(TF_OpDefinitionBuilder *builder, const char *specification);
void TF_OpDefinitionBuilderSetIsStateful(TF_OpDefinitionBuilder *builder, bool stateful);
void TF_OpDefinitionBuilderSetShapeInferenceFunction(
    TF_OpDefinitionBuilder *builder,
    void (*infer)(TF_ShapeInferenceContext *context, TF_Status *status));

int64_t TF_ShapeInferenceContextNumInputs(TF_ShapeInferenceContext *context);
TF_ShapeHandle *TF_NewShapeHandle(void);
void TF_DeleteShapeHandle(TF_ShapeHandle *handle);
void TF_ShapeInferenceContextGetInput(TF_ShapeInferenceContext *context, int index,
                                      TF_ShapeHandle *handle, TF_Status *status);
void TF_ShapeInferenceContextWithRank(TF_ShapeInferenceContext *context, TF_ShapeHandle *handle,
                                      int64_t rank, TF_ShapeHandle *result, TF_Status *status);
void TF_ShapeInferenceContext_GetAttrType(TF_ShapeInferenceContext *context, const char *name,
                                          TF_DataType *value, TF_Status *status);

TF_KernelBuilder *TF_NewKernelBuilder(const char *op, const char *device,
                                      void *(*create)(TF_OpKernelConstruction *construction),
                                      void (*compute)(void *kernel, TF_OpKernelContext *context),
                                      void (*destroy)(void *kernel));
void TF_RegisterKernelBuilder(const char *name, TF_KernelBuilder *builder, TF_Status *status);

void TF_OpKernelConstruction_Failure(TF_OpKernelConstruction *construction, TF_Status *status);
void TF_OpKernelConstruction_GetAttrInt64(TF_OpKernelConstruction *construction, const char *name,
                                          int64_t *value, TF_Status *status);
void TF_OpKernelConstruction_GetAttrType(TF_OpKernelConstruction *construction, const char *name,
                                         TF_DataType *value, TF_Status *status);
void TF_OpKernelConstruction_GetAttrBool(TF_OpKernelConstruction *construction, const char *name,
                                         unsigned char *value, TF_Status *status);
void TF_OpKernelConstruction_GetAttrSize(TF_OpKernelConstruction *construction, const char *name,
                                         int32_t *list_size, int32_t *total_size,
                                         TF_Status *status);
void TF_OpKernelConstruction_GetAttrString(TF_OpKernelConstruction *construction, const char *name,
                                           char *value, size_t most, TF_Status *status);

int TF_NumInputs(TF_OpKernelContext *context);
void TF_GetInput(TF_OpKernelContext *context, int index, TF_Tensor **tensor, TF_Status *status);
void TF_OpKernelContext_Failure(TF_OpKernelContext *context, TF_Status *status);
void TF_GetSerializedConfigProto(TF_OpKernelContext *context, TF_Buffer *config,
                                 TF_Status *status);

/* The copy deletes both tensors that it is given: nobody else does. */
void TF_MaybeLockVariableInputMutexesInOrder(TF_OpKernelContext *context, bool lock, bool sparse,
                                             const int *inputs, size_t count, tensor_copy copy,
                                             TF_VariableInputLockHolder **holder,
                                             TF_Status *status);
void TF_ReleaseVariableInputLockHolder(TF_VariableInputLockHolder *holder);
void TF_GetInputTensorFromVariable(TF_OpKernelContext *context, int index, bool lock_held,
                                   bool is_variant, bool sparse, tensor_copy copy,
                                   TF_Tensor **tensor, TF_Status *status);

#endif
