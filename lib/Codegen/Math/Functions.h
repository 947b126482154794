// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// All scalar functions, each one template over the number type: run by Native, written as MLIR by Emit.
#pragma once

#include "ErrorFunction.h"
#include "Exponential.h"
#include "Hyperbolic.h"
#include "InverseTrigonometric.h"
#include "Logarithm.h"
#include "Power.h"
#include "Sigmoidal.h"
#include "Trigonometric.h"
