-- Two roles: one owns the tables and migrates, the other is the application. Run once, as PostgreSQL's superuser:
--   psql -v owner_password=… -v application_password=… -f deploy/roles.sql
-- Run it on a database of before, too: what the application's role owned then becomes the owner's.
\set ON_ERROR_STOP on
\if :{?owner} \else \set owner gauntlet_owner \endif
\if :{?application} \else \set application gauntlet \endif
\if :{?database} \else \set database gauntlet \endif

SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') AS missing \gset
\if :missing
CREATE ROLE :"owner";
\endif
SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'application') AS missing \gset
\if :missing
CREATE ROLE :"application";
\endif
ALTER ROLE :"owner" WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'owner_password';
ALTER ROLE :"application" WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'application_password';
REVOKE :"owner" FROM :"application";

SELECT NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') AS missing \gset
\if :missing
CREATE DATABASE :"database" OWNER :"owner";
\endif
ALTER DATABASE :"database" OWNER TO :"owner";
\connect :"database"
REASSIGN OWNED BY :"application" TO :"owner";
ALTER SCHEMA public OWNER TO :"owner";
