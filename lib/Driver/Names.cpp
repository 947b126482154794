// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The symbols a compiled model takes, and which names a user may choose.

#include "mlc/Driver/Names.h"
#include "mlc/Support/Error.h"
#include <map>
#include <set>
#include <string_view>

using namespace mlc;

namespace {

constexpr size_t kMaxNameLength = 128;

/// A symbol of these names would not parse in the header, or would take the place of a function the host calls.
constexpr std::string_view kReserved =
    // Keywords of C23 and C++23.
    " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl "
    "concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default "
    "delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline int long "
    "mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register "
    "reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct switch "
    "template this thread_local throw true try typedef typeid typename typeof typeof_unqual union unsigned using "
    "virtual void volatile wchar_t while xor xor_eq "
    // Types and macros of the headers ours includes, and of the start-up code.
    "size_t ptrdiff_t max_align_t nullptr_t offsetof NULL int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t "
    "uint64_t intptr_t uintptr_t intmax_t uintmax_t main environ errno linux unix "
    // libm.
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 exp10 expm1 fabs fdim floor "
    "fma fmax fmin fmod frexp hypot ilogb j0 j1 jn ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround "
    "modf nan nearbyint nextafter nexttoward pow remainder remquo rint round scalbln scalbn signgam sin sincos sinh "
    "sqrt tan tanh tgamma trunc y0 y1 yn gamma drem significand scalb "
    // stdlib.h, stdio.h, string.h, ctype.h, time.h, signal.h, setjmp.h, locale.h, wchar.h.
    "abort abs aligned_alloc at_quick_exit atexit atof atoi atol atoll bsearch calloc div exit free getenv labs ldiv "
    "llabs lldiv malloc mblen mbstowcs mbtowc qsort quick_exit rand realloc srand strtod strtof strtol strtold strtoll "
    "strtoul strtoull system wcstombs wctomb clearerr fclose feof ferror fflush fgetc fgetpos fgets fopen fprintf fputc "
    "fputs fread freopen fscanf fseek fsetpos ftell fwrite getc getchar gets perror printf putc putchar puts remove "
    "rename rewind scanf setbuf setvbuf snprintf sprintf sscanf stdin stdout stderr tmpfile tmpnam ungetc vfprintf "
    "vfscanf vprintf vscanf vsnprintf vsprintf vsscanf memccpy memchr memcmp memcpy memmem memmove mempcpy memset "
    "strcat strchr strcmp strcoll strcpy strcspn strdup strerror strlen strncat strncmp strncpy strndup strpbrk "
    "strrchr strspn strstr strtok strxfrm isalnum isalpha isblank iscntrl isdigit isgraph islower isprint ispunct "
    "isspace isupper isxdigit tolower toupper asctime clock ctime difftime gmtime localtime mktime strftime time "
    "timespec_get raise signal setjmp longjmp localeconv setlocale btowc wcslen wmemcpy feclearexcept fegetenv "
    "fegetround feholdexcept feraiseexcept fesetenv fesetround fetestexcept feupdateenv imaxabs imaxdiv strtoimax "
    // POSIX.
    "accept access alarm bind brk chdir chmod chown chroot close closedir connect creat daemon dlclose dlerror dlopen "
    "dlsym dup dup2 dup3 execl execle execlp execv execve execvp fchmod fcntl fdopen fileno fork fstat fsync ftruncate "
    "getcwd getegid geteuid getgid getopt getpid getppid getuid index ioctl kill link listen lseek lstat mkdir mkfifo "
    "mlock mmap mprotect msync munmap nice open openat opendir pause pclose pipe poll popen pread pwrite read readdir "
    "readlink realpath recv rindex rmdir sbrk select send setenv setsid shutdown sigaction sleep socket stat symlink "
    "sync syscall sysconf truncate umask unlink usleep vfork wait waitpid write yield send sendto recvfrom random "
    "srandom bcmp bcopy bzero ffs "
    // Macros of the C library's headers. With a common ending or beginning: isLibraryMacro.
    "BUFSIZ CHAR_BIT CLOCKS_PER_SEC DECIMAL_DIG EOF EXIT_FAILURE EXIT_SUCCESS FILENAME_MAX HUGE_VAL HUGE_VALF HUGE_VALL "
    "I INFINITY L_tmpnam MATH_ERREXCEPT MATH_ERRNO MB_CUR_MAX MB_LEN_MAX NAN NSIG PIPE_BUF P_tmpdir RAND_MAX SEEK_CUR "
    "SEEK_END SEEK_SET SIG_BLOCK SIG_DFL SIG_ERR SIG_IGN SIG_SETMASK SIG_UNBLOCK STDERR_FILENO STDIN_FILENO "
    "STDOUT_FILENO TIME_UTC WEOF F_OK R_OK W_OK X_OK WNOHANG BIG_ENDIAN BYTE_ORDER LITTLE_ENDIAN M_1_PI M_2_PI "
    "M_2_SQRTPI M_E M_LN10 M_LN2 M_LOG10E M_LOG2E M_PI M_PI_2 M_PI_4 M_SQRT1_2 M_SQRT2 alloca assert fpclassify "
    "isascii iseqsig isfinite isgreater isgreaterequal isinf isless islessequal islessgreater isnan isnormal "
    "issignaling issubnormal isunordered iszero math_errhandling signbit sigsetjmp toascii unreachable va_arg va_copy "
    "va_end va_start complex sigmask sa_handler sa_sigaction st_atime st_ctime st_mtime be16toh be32toh be64toh htobe16 "
    "htobe32 htobe64 htole16 htole32 htole64 le16toh le32toh le64toh si_addr si_pid si_status si_uid si_value E2BIG EACCES EADDRINUSE EAGAIN EALREADY EBADF EBADMSG EBUSY ECANCELED ECHILD "
    "ECONNREFUSED ECONNRESET EDEADLK EDOM EEXIST EFAULT EFBIG EILSEQ EINPROGRESS EINTR EINVAL EIO EISCONN EISDIR ELOOP "
    "EMFILE EMLINK EMSGSIZE ENAMETOOLONG ENFILE ENOBUFS ENODATA ENODEV ENOENT ENOEXEC ENOLCK ENOLINK ENOMEM ENOMSG "
    "ENOSPC ENOSYS ENOTCONN ENOTDIR ENOTEMPTY ENOTSOCK ENOTSUP ENOTTY ENXIO EOPNOTSUPP EOVERFLOW EPERM EPIPE EPROTO "
    "ERANGE EROFS ESPIPE ESRCH ESTALE ETIME ETIMEDOUT ETXTBSY EWOULDBLOCK EXDEV SIGABRT SIGALRM SIGBUS SIGCHLD SIGCONT "
    "SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGKILL SIGPIPE SIGPOLL SIGPROF SIGQUIT SIGSEGV SIGSTOP SIGSYS SIGTERM SIGTRAP "
    "SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ ";

bool startsWith(std::string_view name, std::string_view start) { return name.substr(0, start.size()) == start; }
bool endsWith(std::string_view name, std::string_view end) {
  return name.size() > end.size() && name.substr(name.size() - end.size()) == end;
}

/// INT8_MAX, UINT64_C, FLT_EPSILON, FE_INVALID, PRId64: macros of limits.h, stdint.h, float.h, fenv.h, math.h,
/// locale.h and inttypes.h that a list would never have all of. All-capital names may still end in anything else.
bool isLibraryMacro(std::string_view name) {
  for (std::string_view start : {"PRI", "SCN"}) // one letter for the conversion, then the width
    if (startsWith(name, start) && name.size() > 4 && std::string_view("diouxX").find(name[3]) != std::string_view::npos)
      return true;
  for (char c : name)
    if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_')
      return false;
  for (std::string_view start : {"FLT_", "DBL_", "LDBL_", "FE_", "FP_", "LC_"})
    if (startsWith(name, start))
      return true;
  bool isInteger = startsWith(name, "INT") || startsWith(name, "UINT");
  return endsWith(name, "_MAX") || endsWith(name, "_MIN") || endsWith(name, "_WIDTH") || (isInteger && endsWith(name, "_C"));
}

bool isReserved(const std::string &name) {
  static const std::set<std::string_view> words = [] {
    std::set<std::string_view> all;
    for (size_t begin = kReserved.find_first_not_of(' '); begin != std::string_view::npos;) {
      size_t end = kReserved.find(' ', begin);
      all.insert(kReserved.substr(begin, end - begin));
      begin = kReserved.find_first_not_of(' ', end);
    }
    return all;
  }();
  if (words.count(name))
    return true;
  // libm's float and long double twins: expf, expl.
  if (name.size() > 2 && (name.back() == 'f' || name.back() == 'l') && words.count(name.substr(0, name.size() - 1)))
    return true;
  return startsWith(name, "mlc_") || startsWith(name, "MLC_") || isLibraryMacro(name);
}

bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }

bool isIdentifier(const std::string &name) {
  if (name.empty() || name.size() > kMaxNameLength || !isLetter(name[0]))
    return false;
  for (char c : name)
    if (!isLetter(c) && !isDigit(c))
      return false;
  return true;
}

bool isImplementationName(const std::string &name) {
  return name.size() > 1 && name[0] == '_' && (name[1] == '_' || (name[1] >= 'A' && name[1] <= 'Z'));
}

} // namespace

std::vector<std::string> mlc::exportsOf(const std::string &name) {
  return {name, name + "_batch", name + "_run", name + "_info", name + "_selftest"};
}

void mlc::checkName(const std::string &name) {
  if (!isIdentifier(name))
    fail("'", printable(name), "' cannot name a function: letters, digits and '_' are allowed, not a digit first, at most ",
         kMaxNameLength, " characters");
  if (isImplementationName(name) || name == "_init" || name == "_fini" || name == "_start")
    fail("'", name, "' cannot name a function: names that begin so are reserved for the C implementation");
  for (const std::string &symbol : exportsOf(name))
    if (isReserved(symbol))
      fail("'", name, "' cannot name a function: '", symbol,
           "' is a word of C or C++, a name of the C library, or one of mlc's own; choose another with name=model");
}

void mlc::checkNames(const std::vector<std::string> &names) {
  if (names.empty())
    fail("no model given");
  std::map<std::string, std::string> owner;
  for (const std::string &name : names) {
    checkName(name);
    for (const std::string &symbol : exportsOf(name)) {
      auto [entry, isNew] = owner.emplace(symbol, name);
      if (isNew)
        continue;
      if (entry->second == name)
        fail("two models are named '", name, "'; give them different names with name=model");
      fail("models '", entry->second, "' and '", name, "' would both define the symbol '", symbol,
           "'; choose another name with name=model");
    }
  }
}
