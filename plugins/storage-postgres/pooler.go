package pgstore

import (
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// stateProtocol is what PgBouncer before 1.19 answers to whoever it does not let in,
// for whatever reason; a server means that its client talks nonsense.
const stateProtocol = "08P01"

// refusals are the reasons by a piece of PgBouncer's sentence, which has no other mark
// and one language. Some are the server's, handed on.
var refusals = []struct{ sentence, state string }{
	{"password authentication failed", stateBadPassword},
	{"SASL authentication failed", stateBadPassword},
	{"SCRAM authentication failed", stateBadPassword},
	{"no such database", stateNoDatabase},
	{"no such user", stateBadLogin},
	{" authentication failed", stateBadLogin}, // trust, certificate, PAM
	{"login rejected", stateBadLogin},
}

// stateOf is the SQLSTATE of the error, or the one that a server would have answered in
// the pooler's place.
func stateOf(pg *pgconn.PgError) string {
	if pg.Code != stateProtocol {
		return pg.Code
	}
	for _, r := range refusals {
		if strings.Contains(pg.Message, r.sentence) {
			return r.state
		}
	}
	if strings.HasPrefix(pg.Message, "database ") && strings.HasSuffix(pg.Message, " does not exist") {
		return stateNoDatabase
	}
	return pg.Code
}
