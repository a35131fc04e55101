package fairshare

// Share is the part of a [Pool] that one request has. Only one goroutine may use a Share at a time.
type Share struct {
	pool   *Pool
	name   string
	amount int64
}

// Amount returns the size of the share, which is 0 for a nil Share.
func (s *Share) Amount() int64 {
	if s == nil {
		return 0
	}
	return s.amount
}

// Grow adds the amount more to the share. It does not wait. If the limits of the pool do not allow
// the larger share, Grow returns a fault.RateLimited error.
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

// Shrink reduces the amount of the share to the amount to. It does nothing if the share is not
// larger.
func (s *Share) Shrink(to int64) {
	if s == nil || to >= s.amount {
		return
	}
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.pool.returnLocked(s.name, s.pool.tenantLocked(s.name), s.amount-to)
	s.amount = to
}

// Release returns the share to the pool. It does nothing for a nil Share or a share that is already
// released.
func (s *Share) Release() { s.Shrink(0) }
