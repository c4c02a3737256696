#!/bin/sh
# The database's first start makes its cluster, whole or not at all; each start serves it. Told as the official image is:
# POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, PGDATA.
set -eu
umask 077
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD:?lab compose makes it}"
    fresh="$PGDATA.new"
    rm -rf "$fresh"
    printf '%s\n' "$POSTGRES_PASSWORD" > /tmp/password
    initdb --pgdata "$fresh" --username "$POSTGRES_USER" --pwfile /tmp/password --encoding UTF8 --locale C.UTF-8 \
        --auth-local scram-sha-256 --auth-host scram-sha-256 > /tmp/initdb.log || { cat /tmp/initdb.log; exit 1; }
    rm /tmp/password
    echo 'host all all all scram-sha-256' >> "$fresh/pg_hba.conf"
    if [ "$POSTGRES_DB" != postgres ]; then
        echo "CREATE DATABASE \"$POSTGRES_DB\"" | postgres --single -D "$fresh" postgres > /dev/null
    fi
    mv "$fresh" "$PGDATA"
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/run/postgresql "$@"
