#!/bin/sh
# Sees to what the tests need beside Go: the binaries of a Postgres server, 14 or
# later, and of PgBouncer. Nothing is started here: tests start their own. With
# BOTYARD_TEST_POSTGRES_DSN they use that server, and none is needed.
set -eu

has_postgres() {
	command -v initdb >/dev/null 2>&1 && command -v postgres >/dev/null 2>&1 && return
	for dir in /usr/lib/postgresql/*/bin; do
		major=${dir#/usr/lib/postgresql/}
		[ -x "$dir/initdb" ] && [ "${major%%[!0-9]*}" -ge 14 ] 2>/dev/null && return
	done
	return 1
}

missing=""
[ -n "${BOTYARD_TEST_POSTGRES_DSN:-}" ] || has_postgres || missing="postgresql"
[ -n "${BOTYARD_TEST_POSTGRES_DSN:-}" ] || command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ] || missing="$missing pgbouncer"
[ -n "$missing" ] || exit 0

if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
	echo "installing for the tests:" $missing
	if [ ! -e /etc/postgresql-common ]; then
		# Only the binaries: no server of the system's own.
		mkdir /etc/postgresql-common
		echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
	fi
	export DEBIAN_FRONTEND=noninteractive
	log=$(mktemp)
	if apt-get update >"$log" 2>&1 && apt-get install -y --no-install-recommends $missing >>"$log" 2>&1; then
		rm -f "$log"
		exit 0
	fi
	tail -5 "$log" >&2
	rm -f "$log"
fi
echo "the tests need" $missing "(PostgreSQL 14 or later): install the Debian packages of these names, or what your system calls them;" >&2
echo "with BOTYARD_TEST_POSTGRES_DSN=postgres://... they use a server that is there" >&2
exit 1
