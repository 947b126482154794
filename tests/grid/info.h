/* Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * What programs that open a library by its path read of its f_info. */
#ifndef MLC_GRID_INFO_H
#define MLC_GRID_INFO_H

typedef struct mlc_info { /* the first fields, which never change */
  int abi_version, struct_size;
  const char *name;
  long n_in, n_out;
} mlc_info;

#endif
