# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# LLVM, MLIR and lld as static archives. The distribution's CMake targets name the shared libLLVM, z3 and shared zstd;
# linked as they are, one gets LLVM twice. This file takes those names out: in the end only libc and libm are needed.

find_program(MLC_LLVM_CONFIG NAMES llvm-config-22 llvm-config)
mark_as_advanced(MLC_LLVM_CONFIG)
if(MLC_LLVM_CONFIG AND NOT MLIR_DIR)
  execute_process(COMMAND "${MLC_LLVM_CONFIG}" --prefix OUTPUT_VARIABLE MLC_LLVM_PREFIX OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
find_package(MLIR 22.1 REQUIRED CONFIG HINTS "${MLC_LLVM_PREFIX}/lib/cmake/mlir")
find_package(LLD REQUIRED CONFIG HINTS "${LLVM_INSTALL_PREFIX}/lib/cmake/lld")
list(APPEND CMAKE_MODULE_PATH "${LLVM_CMAKE_DIR}" "${MLIR_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)
message(STATUS "MLIR ${LLVM_PACKAGE_VERSION} in ${LLVM_INSTALL_PREFIX}")

find_library(MLC_Z_ARCHIVE libz.a REQUIRED)
find_library(MLC_ZSTD_ARCHIVE libzstd.a REQUIRED)
mark_as_advanced(MLC_Z_ARCHIVE MLC_ZSTD_ARCHIVE)

# What a library of MLIR or lld takes from libLLVM, where that is more than LLVMSupport.
set(llvm_of_MLIRLLVMDialect LLVMCore LLVMAsmParser)
set(llvm_of_MLIRTargetLLVMIRExport LLVMCore LLVMFrontendOpenMP LLVMTransformUtils)
set(llvm_of_MLIRRemarkStreamer LLVMRemarks)
set(llvm_of_lldELF LLVMLTO LLVMDTLTO LLVMOption LLVMObject LLVMDebugInfoDWARF LLVMBitWriter)

# Takes shared libraries out of the interfaces of imported targets and puts archives in their place.
function(mlc_strip_shared)
  foreach(lib IN LISTS ARGN)
    if(TARGET ${lib})
      get_target_property(deps ${lib} INTERFACE_LINK_LIBRARIES)
      if(deps)
        if("LLVM" IN_LIST deps)
          list(APPEND deps LLVMSupport ${llvm_of_${lib}})
        endif()
        list(REMOVE_ITEM deps LLVM ZLIB::ZLIB zstd::libzstd_shared)
        set_property(TARGET ${lib} PROPERTY INTERFACE_LINK_LIBRARIES "${deps}")
      endif()
    endif()
  endforeach()
endfunction()
mlc_strip_shared(${MLIR_EXPORTED_TARGETS} ${LLD_EXPORTED_TARGETS} ${LLVM_AVAILABLE_LIBS})
set_property(TARGET LLVMSupport PROPERTY INTERFACE_LINK_LIBRARIES
             "dl;m;${MLC_Z_ARCHIVE};${MLC_ZSTD_ARCHIVE};LLVMDemangle")
if(TARGET LLVMExtensions) # names Polly, which no package holds
  set_property(TARGET LLVMExtensions PROPERTY INTERFACE_LINK_LIBRARIES "LLVMSupport")
endif()

# lld of the same LLVM links everything: ten binaries with LLVM inside in seconds.
if(EXISTS "${LLVM_TOOLS_BINARY_DIR}/ld.lld")
  add_link_options("-B${LLVM_TOOLS_BINARY_DIR}" -fuse-ld=lld -Wl,--gc-sections)
endif()
