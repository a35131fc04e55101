package sqlitestore

import "context"

// Check implements sdk.Checker. It takes the lock for writing and commits nothing. If the file does
// not exist yet, Check finds out whether it can be created, and does not create it.
func (s *Store) Check(ctx context.Context) error {
	var err error
	if isMissing(s.path) && !wasOpen(s.path) {
		err = tryCreate(s.path)
	} else {
		err = s.writer.do(ctx, func(*session) error { return nil })
	}
	if bad := pathFault(err); bad != nil {
		return bad
	}
	return s.classify(err)
}
