# kwota.m4 - the warnings kwota is built with, and the Slurm it is built for

# AX_KWOTA_WARNINGS
# WARN_CFLAGS for all code, ENERGY_CFLAGS in addition where energy is computed;
# errors when --enable-werror is given (CI gives it).
AC_DEFUN([AX_KWOTA_WARNINGS], [
  AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [treat compiler warnings as errors])],
    [], [enable_werror=no])
  WARN_CFLAGS="-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wformat=2"
  ENERGY_CFLAGS="-Wconversion"
  AS_IF([test "x$enable_werror" = xyes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
  AC_SUBST([WARN_CFLAGS])
  AC_SUBST([ENERGY_CFLAGS])
])

# AX_KWOTA_SQLITE_SESSION
# The SQLite that is there can record what a transaction changes (policy/replica.h);
# its header declares that only to who asks.
AC_DEFUN([AX_KWOTA_SQLITE_SESSION], [
  kwota_save_LIBS=$LIBS
  LIBS="$LIBS $SQLITE_LIBS"
  AC_CHECK_FUNC([sqlite3session_create], [],
    [AC_MSG_ERROR([this SQLite is built without its session extension (SQLITE_ENABLE_SESSION and SQLITE_ENABLE_PREUPDATE_HOOK), which a ledger in MariaDB needs])])
  LIBS=$kwota_save_LIBS
  SQLITE_CFLAGS="$SQLITE_CFLAGS -DSQLITE_ENABLE_SESSION -DSQLITE_ENABLE_PREUPDATE_HOOK"
])

# AX_KWOTA_SLURM
# Finds Slurm's public headers, library, version and plugin directory; checks that
# --with-slurm-src is the source of that very version (job_record_t moves between
# micro releases).
AC_DEFUN([AX_KWOTA_SLURM], [
  AC_ARG_WITH([slurm],
    [AS_HELP_STRING([--with-slurm=PREFIX], [where Slurm is installed @<:@/usr@:>@])],
    [], [with_slurm=/usr])
  AC_ARG_WITH([slurm-src],
    [AS_HELP_STRING([--with-slurm-src=DIR],
      [source tree of the same Slurm version; jobcomp_kwota.so needs it before Slurm 26.05])],
    [], [with_slurm_src=no])
  AC_ARG_WITH([slurm-plugindir],
    [AS_HELP_STRING([--with-slurm-plugindir=DIR], [Slurm's plugin directory])],
    [], [with_slurm_plugindir=])

  SLURM_CPPFLAGS=
  SLURM_LIBS=-lslurm
  AS_IF([test "x$with_slurm" != x/usr],
    [SLURM_CPPFLAGS="-I$with_slurm/include"
     SLURM_LIBS="-L$with_slurm/lib -lslurm"])

  kwota_save_CPPFLAGS=$CPPFLAGS
  CPPFLAGS="$CPPFLAGS $SLURM_CPPFLAGS"
  AC_CHECK_HEADERS([slurm/slurm.h slurm/spank.h], [],
    [AC_MSG_ERROR([Slurm's headers are not under $with_slurm/include: install libslurm-dev or give --with-slurm=PREFIX])],
    [AC_INCLUDES_DEFAULT
#include <slurm/slurm.h>])
  CPPFLAGS=$kwota_save_CPPFLAGS

  AC_MSG_CHECKING([for Slurm's version])
  cat >conftest.c <<'EOF'
#include <slurm/slurm_version.h>
kwota_version SLURM_VERSION_NUMBER
EOF
  kwota_number=$($CPP $CPPFLAGS $SLURM_CPPFLAGS -P conftest.c 2>/dev/null | tr -d '\n' | $SED -n 's/.*kwota_version *//p')
  rm -f conftest.c
  AS_IF([test -z "$kwota_number"],
    [AC_MSG_ERROR([cannot read SLURM_VERSION_NUMBER from slurm/slurm_version.h])])
  kwota_number=$((kwota_number))
  SLURM_VERSION=$(printf '%02d.%02d.%d' $(((kwota_number >> 16) & 255)) $(((kwota_number >> 8) & 255)) $((kwota_number & 255)))
  AC_MSG_RESULT([$SLURM_VERSION])
  AC_SUBST([SLURM_VERSION])
  AC_DEFINE_UNQUOTED([KWOTA_SLURM_VERSION], ["$SLURM_VERSION"], [the Slurm version the plugins are built for])

  AC_MSG_CHECKING([for Slurm's plugin directory])
  AS_IF([test -n "$with_slurm_plugindir"], [slurmplugindir=$with_slurm_plugindir],
    [slurmplugindir=
     for kwota_dir in "$with_slurm"/lib/*/slurm-wlm "$with_slurm"/lib64/slurm "$with_slurm"/lib/slurm; do
       AS_IF([test -f "$kwota_dir/job_submit_require_timelimit.so" || test -f "$kwota_dir/select_cons_tres.so"],
         [slurmplugindir=$kwota_dir; break])
     done
     AS_IF([test -z "$slurmplugindir"], [slurmplugindir='${libdir}/slurm'])])
  AC_MSG_RESULT([$slurmplugindir])
  AC_SUBST([slurmplugindir])

  # libslurm.so hides what Slurm's own plugins call where a connection fails, and a program
  # that comes there ends ("undefined symbol"). Slurm's programs have all of it from this.
  AC_MSG_CHECKING([for libslurmfull.so])
  kwota_full=no
  for kwota_dir in "$with_slurm"/lib/*/slurm-wlm "$with_slurm"/lib64/slurm "$with_slurm"/lib/slurm; do
    AS_IF([test -f "$kwota_dir/libslurmfull.so"],
      [kwota_full=$kwota_dir/libslurmfull.so
       SLURM_LIBS="-Wl,-rpath,$kwota_dir $kwota_full $SLURM_LIBS"
       break])
  done
  AC_MSG_RESULT([$kwota_full])
  AS_IF([test "x$kwota_full" = xno],
    [AC_MSG_WARN([without libslurmfull.so kwotad ends, and has to be started again, when it loses slurmdbd in mid-sentence])])

  AS_IF([test "x$with_slurm_src" != xno], [
    AC_MSG_CHECKING([whether $with_slurm_src is Slurm $SLURM_VERSION])
    AS_IF([test ! -f "$with_slurm_src/META"],
      [AC_MSG_ERROR([$with_slurm_src has no META file: give --with-slurm-src the top of a Slurm source tree])])
    kwota_src_version=$($SED -n 's/^ *Version:@<:@ 	@:>@*//p' "$with_slurm_src/META" | head -n 1)
    AS_IF([test "x$kwota_src_version" != "x$SLURM_VERSION"],
      [AC_MSG_ERROR([$with_slurm_src is Slurm $kwota_src_version but $SLURM_VERSION is installed: job_record_t differs between them. Get the source of $SLURM_VERSION, or leave --with-slurm-src out and use jobcomp/script])])
    AC_MSG_RESULT([yes])
    SLURM_SRC=$(cd "$with_slurm_src" && pwd)
  ])
  dnl From 26.05 what jobcomp_kwota.so needs of a job's record is public.
  kwota_jobcomp=$with_slurm_src
  AS_IF([test $kwota_number -ge $(((26 << 16) | (5 << 8)))], [kwota_jobcomp=public])
  AS_IF([test "x$kwota_jobcomp" = xno],
    [AC_MSG_WARN([jobcomp_kwota.so is left out: it needs the source of Slurm $SLURM_VERSION (--with-slurm-src=DIR). Set JobCompType=jobcomp/script and JobCompLoc to the kwota-ended that is installed])])
  AM_CONDITIONAL([HAVE_JOBCOMP], [test "x$kwota_jobcomp" != xno])
  AC_SUBST([SLURM_SRC])
  AC_SUBST([SLURM_CPPFLAGS])
  AC_SUBST([SLURM_LIBS])
  AM_CONDITIONAL([HAVE_SLURM_SRC], [test "x$with_slurm_src" != xno])
])
