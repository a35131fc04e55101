package bare

// The statements of storage-postgres in its schema's default name, which a test
// compares with what the plugin sends.
const (
	setting = `select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true), pg_catalog.set_config('role', $1, true),
		pg_catalog.set_config('botyard.tenant', $2, true), pg_catalog.set_config('statement_timeout', $3, true)`
	begin = `select * from "botyard".begin_1($1::text, $2::text, $3::text, $4::json, $5::json, $6::int, $7::text, ` +
		`$8::interval, $9::text, $10::bytea, $11::text)`
	commit = `select * from "botyard".commit_1($1::text, $2::text, $3::bigint, $4::bigint, $5::text, $6::text, $7::json, ` +
		`$8::int, $9::json, $10::json)`
)

// role and timeout are what the plugin sets where the login is a superuser and the
// configuration says nothing.
const (
	role    = "botyard_app"
	timeout = "10001" // ms
	lease   = 30      // seconds
)
