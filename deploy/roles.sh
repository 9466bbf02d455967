#!/bin/sh
# Runs once, when the database is made: the owner migrates, the application only gets what migrations grant it.
set -eu
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -v app="$APP_DB_PASSWORD" -v owner="$OWNER_DB_PASSWORD" <<'SQL'
CREATE ROLE arrears_owner LOGIN PASSWORD :'owner';
CREATE ROLE arrears_app LOGIN PASSWORD :'app';
CREATE DATABASE arrears OWNER arrears_owner;
SQL
