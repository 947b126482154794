! Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
! Calls a compiled model from Fortran.
program main
  use, intrinsic :: iso_c_binding, only: c_float, c_ptr, c_size_t
  use net_model
  implicit none
  real(c_float) :: in(3, 2), out(2), batch(2, 2)
  type(c_ptr) :: address
  integer :: i

  in = reshape([0.5, -1.0, 2.0, 1.0, 1.0, 1.0], [3, 2])
  if (net_selftest() /= 0) error stop "self-test failed"
  call net_batch(batch, in, 2_c_size_t)
  do i = 1, 2
    address = net(out, in(:, i))
    print "(f8.6, 1x, f8.6)", out
    if (any(out /= batch(:, i))) error stop "f and f_batch differ"
  end do
end program
