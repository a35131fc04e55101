package slots

import (
	"container/list"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Pace bounds the time that work for one tenant takes in the long run. Each tenant has a
// credit of time. Work uses it up, and it comes back by a share of the time that passes.
// A tenant that has overdrawn its credit is asked to come later: work that has begun is
// never stopped, so the credit may be overdrawn by one piece of work for each slot of
// the tenant. It is used concurrently. Nil bounds nothing.
//
// The form is that of a token bucket, with time for tokens.
type Pace struct {
	credit time.Duration
	share  int

	mu sync.Mutex
	of map[string]*list.Element // of *account, in accounts; none has its whole credit
	// accounts are those that lack credit. Those at the front are looked at first when it is
	// time to forget those that have their whole credit again.
	accounts *list.List
}

// account is what a tenant lacked of its credit at a time.
type account struct {
	tenant string
	lacks  time.Duration
	at     time.Time
}

// NewPace makes a Pace: each tenant has the credit, and gets a part of the time that passes
// back, one of so many parts.
func NewPace(credit time.Duration, parts int) *Pace {
	return &Pace{credit: credit, share: parts, of: map[string]*list.Element{}, accounts: list.New()}
}

// Spend takes the time from the tenant's credit.
func (p *Pace) Spend(tenant string, took time.Duration) {
	if p == nil || took <= 0 {
		return
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.of[tenant]
	if e == nil {
		e = p.accounts.PushBack(&account{tenant: tenant, at: now})
		p.of[tenant] = e
	}
	a := e.Value.(*account)
	a.lacks, a.at = p.lackingLocked(a, now)+took, now
	// Two are looked at for each that may have come: so no more are kept than lack credit,
	// and few more.
	for range 2 {
		oldest := p.accounts.Front()
		if a := oldest.Value.(*account); p.lackingLocked(a, now) == 0 {
			p.accounts.Remove(oldest)
			delete(p.of, a.tenant)
		} else {
			p.accounts.MoveToBack(oldest)
		}
		if p.accounts.Len() == 0 {
			return
		}
	}
}

// lackingLocked returns what the account lacks now. Locked: mu is held.
func (p *Pace) lackingLocked(a *account, now time.Time) time.Duration {
	return max(0, a.lacks-now.Sub(a.at)/time.Duration(p.share))
}

// Check returns nil for a tenant that has credit, else fault.RateLimited with the time
// after which it has.
func (p *Pace) Check(tenant string) error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.of[tenant]
	if e == nil {
		return nil
	}
	over := p.lackingLocked(e.Value.(*account), time.Now()) - p.credit
	if over <= 0 {
		return nil
	}
	return fault.New(fault.RateLimited, "the tenant's settings have taken more time to read and check than one tenant's may; send the next request about them when the time to wait is over").After(over * time.Duration(p.share))
}
