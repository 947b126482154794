! Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
! What net.h says, for Fortran.
module net_model
  use, intrinsic :: iso_c_binding, only: c_float, c_int, c_ptr, c_size_t
  implicit none

  interface
    ! One row: 3 floats in, 2 out; returns the address of out.
    function net(out, in) bind(c, name="net") result(address)
      import :: c_float, c_ptr
      real(c_float), intent(out) :: out(2)
      real(c_float), intent(in) :: in(3)
      type(c_ptr) :: address
    end function

    ! n rows, one after the other: columns of a Fortran array.
    subroutine net_batch(out, in, n) bind(c, name="net_batch")
      import :: c_float, c_size_t
      integer(c_size_t), value :: n
      real(c_float), intent(out) :: out(2, n)
      real(c_float), intent(in) :: in(3, n)
    end subroutine

    function net_selftest() bind(c, name="net_selftest") result(wrong)
      import :: c_int
      integer(c_int) :: wrong
    end function
  end interface
end module
