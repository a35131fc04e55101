package fairshare

// Share is the part of a [Pool] that one request has. It is used by one goroutine at a time.
type Share struct {
	pool   *Pool
	name   string
	amount int64
}

// Amount returns how much the share is; 0 for nil.
func (s *Share) Amount() int64 {
	if s == nil {
		return 0
	}
	return s.amount
}

// Grow makes the share larger by more. It does not wait. If the bounds do not allow it, the
// error is fault.RateLimited.
func (s *Share) Grow(more int64) error {
	b := s.pool.bounds()
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	t := s.pool.tenantLocked(s.name)
	defer s.pool.forgetIdleLocked(s.name, t)
	if !s.pool.fitsLocked(t, more, b) {
		return s.pool.refusalLocked(t, more, b)
	}
	s.pool.takeLocked(t, more)
	s.amount += more
	return nil
}

// Shrink makes the share as small as to. If it is not larger than that, nothing changes.
func (s *Share) Shrink(to int64) {
	if s == nil || to >= s.amount {
		return
	}
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.pool.returnLocked(s.name, s.pool.tenantLocked(s.name), s.amount-to)
	s.amount = to
}

// Release returns the share to the pool. A second Release, or that of a nil Share, does
// nothing.
func (s *Share) Release() { s.Shrink(0) }
