package bare

// The statements of storage-postgres in its schema's default name, which a test
// compares with what the plugin sends.
const (
	setting = `select set_config('role', $1, true), set_config('botyard.tenant', $2, true), set_config('statement_timeout', $3, true)`
	begin   = `select * from "botyard".begin_1($1, $2, $3, $4::json, $5::json, $6, $7, $8, $9, $10, $11)`
	commit  = `select * from "botyard".commit_1($1, $2, $3, $4, $5, $6, $7::json, $8, $9::json, $10::json)`
)

// role and timeout are what the plugin sets where the login is a superuser and the
// configuration says nothing.
const (
	role    = "botyard_app"
	timeout = "10001" // ms
	lease   = 30      // seconds
)
