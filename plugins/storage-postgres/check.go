package pgstore

import (
	"context"
	"errors"

	"github.com/botyard/botyard/sdk/fault"
)

// Check implements sdk.Checker. It logs in, and reads the schema version and whether this plugin may
// use the tables. It changes nothing: a database without tables, or with older ones, is no mistake,
// because the next call brings them up to date.
func (s *Store) Check(ctx context.Context) error {
	st, _, err := s.inspect(ctx)
	if known := (*fault.Error)(nil); err != nil && ctx.Err() == nil && !errors.As(err, &known) {
		st, _, err = s.inspect(ctx) // the connection of the first attempt may have been lost before
	}
	if err == nil {
		return s.checkUsable(st)
	}
	if e := s.cfg.configFault(err); e != nil && ctx.Err() == nil {
		if class := classify(ctx, err).Class; class == fault.Unauthenticated || class == fault.Forbidden {
			e.Class = class
		}
		return e
	}
	return s.fail(ctx, err)
}
