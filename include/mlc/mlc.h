/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 *
 * The C API: the only binary interface of libmlc. Append-only.
 * Every function may be called from any thread; one object must not be used from two threads while one of them frees it.
 * Nothing prints, exits, aborts or throws. Functions that can fail return an mlc_error* (NULL: success) to be freed. */
#ifndef MLC_MLC_H
#define MLC_MLC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MLC_API __attribute__((visibility("default")))
#define MLC_ABI_VERSION 1

typedef enum mlc_dtype { MLC_FLOAT32 = 0, MLC_FLOAT64 = 1, MLC_INT32 = 2, MLC_INT64 = 3, MLC_BOOL = 4 } mlc_dtype;

#ifndef MLC_INFO_DEFINED /* the header of a compiled library defines the same two structs */
#define MLC_INFO_DEFINED
/* One buffer of f_run: row-major, no padding; bool is one byte. */
typedef struct mlc_buffer_info {
  const char *name;
  int32_t dtype; /* mlc_dtype */
  int32_t rank;
  const int64_t *shape;
} mlc_buffer_info;

/* What is known of a compiled function: f_info of a library, or mlc_function_info. */
typedef struct mlc_info {
  int32_t abi_version; /* MLC_ABI_VERSION */
  int32_t struct_size; /* sizeof(mlc_info) when it was made: fields are only ever appended */
  const char *name;    /* the symbol */
  int64_t n_in, n_out, n_random; /* floats of f(out, in[, random]) */
  int32_t n_inputs, n_outputs;   /* buffers of f_run */
  const mlc_buffer_info *inputs, *outputs;
  const char *model_hash;  /* 64 hex digits */
  const char *mlc_version;
  const char *fp;          /* "strict" or "fast" */
  const char *levels;      /* comma-separated CPU levels in this library */
  int64_t stack_bytes;     /* largest stack use of f, f_batch, f_run on any level */
  int64_t selftest_rows;   /* rows that f_selftest runs; on its stack it adds their outputs to stack_bytes */
  double selftest_tolerance; /* |y - expected| <= tolerance + tolerance * |expected| */
} mlc_info;
#endif

/* The functions of a compiled model. f and f_batch: floats; f_run: typed buffers in the order of mlc_info. */
typedef float *(*mlc_f)(float *out, const float *in);
typedef float *(*mlc_f_random)(float *out, const float *in, const float *random);
typedef void (*mlc_f_batch)(float *out, const float *in, size_t n);
typedef void (*mlc_f_batch_random)(float *out, const float *in, const float *random, size_t n);
typedef void (*mlc_f_run)(void *const *outputs, const void *const *inputs);

typedef struct mlc_error mlc_error;
MLC_API const char *mlc_error_message(const mlc_error *error); /* UTF-8, valid until freed */
MLC_API void mlc_error_free(mlc_error *error);

MLC_API const char *mlc_version(void);
/* JSON: [{"name": …, "type": "string|bool|int|map", "default": …, "help": …}, …] */
MLC_API const char *mlc_options_json(void);
/* JSON: names of supported operators, targets, stages. */
MLC_API const char *mlc_capabilities_json(void);

typedef struct mlc_options mlc_options;
MLC_API mlc_options *mlc_options_new(void);
MLC_API void mlc_options_free(mlc_options *options);
MLC_API mlc_error *mlc_options_set(mlc_options *options, const char *name, const char *value);
/* Fixes run-time input `name` to this value at compile time; the data are copied. */
MLC_API mlc_error *mlc_options_set_constant(mlc_options *options, const char *name, mlc_dtype dtype, const int64_t *shape,
                                            int32_t rank, const void *data);

/* A model read and checked. Immutable: may be used from many threads. `options` may be NULL everywhere. */
typedef struct mlc_model mlc_model;
MLC_API mlc_error *mlc_model_open(const char *path, const mlc_options *options, mlc_model **model);
/* Never touches the file system. `name` is used in messages and may be NULL. */
MLC_API mlc_error *mlc_model_parse(const void *bytes, size_t size, const char *name, const mlc_options *options,
                                   mlc_model **model);
MLC_API void mlc_model_free(mlc_model *model);
MLC_API int32_t mlc_model_inputs(const mlc_model *model, const mlc_buffer_info **inputs);   /* returns the count */
MLC_API int32_t mlc_model_outputs(const mlc_model *model, const mlc_buffer_info **outputs);
MLC_API const char *mlc_model_hash(const mlc_model *model);
/* Double-precision reference of one evaluation: float inputs and outputs are double arrays, integers int64, bool int64. */
MLC_API mlc_error *mlc_model_evaluate(const mlc_model *model, void *const *outputs, const void *const *inputs);

/* Bytes made by the compiler. */
typedef struct mlc_bytes mlc_bytes;
MLC_API const void *mlc_bytes_data(const mlc_bytes *bytes);
MLC_API size_t mlc_bytes_size(const mlc_bytes *bytes);
MLC_API void mlc_bytes_free(mlc_bytes *bytes);
/* stage: graph, ml, linalg, vector, llvm, asm, obj, so, header */
MLC_API mlc_error *mlc_emit(const mlc_model *model, const char *symbol, const char *stage, const mlc_options *options,
                            mlc_bytes **bytes);

/* A model compiled into this process. Calls of the entries are lock-free and thread-safe; the code lives until mlc_function_free. */
typedef struct mlc_function mlc_function;
MLC_API mlc_error *mlc_jit_compile(const mlc_model *model, const mlc_options *options, mlc_function **function);
MLC_API void mlc_function_free(mlc_function *function);
MLC_API const mlc_info *mlc_function_info(const mlc_function *function);
MLC_API void *mlc_function_entry(const mlc_function *function); /* mlc_f, or mlc_f_random if n_random > 0 */
MLC_API void *mlc_function_batch(const mlc_function *function); /* mlc_f_batch, or mlc_f_batch_random */
MLC_API mlc_f_run mlc_function_run(const mlc_function *function);
/* JSON: {"stages": {"parse": ms, …}, "code_bytes": …, "weight_bytes": …} */
MLC_API const char *mlc_function_report_json(const mlc_function *function);

/* Writes a library (.so) or object (.o), by the extension of `path`, with one function per name, and the header beside it. */
MLC_API mlc_error *mlc_aot_build(const mlc_model *const *models, const char *const *names, size_t count, const char *path,
                                 const mlc_options *options);

#ifdef __cplusplus
}
#endif
#endif
