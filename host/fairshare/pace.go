package fairshare

import (
	"container/list"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Pace bounds the time that work for one tenant takes in the long run. It is a token bucket
// with time for tokens: each tenant has a credit of time, work spends it, and a part of the
// time that passes is added to it. A tenant that has overdrawn its credit has to come later.
// Work that runs is not stopped, so each slot of the tenant may overdraw the credit once. Nil
// bounds nothing.
type Pace struct {
	credit time.Duration
	share  int

	mu sync.Mutex
	of map[string]*list.Element // elements of accounts, by tenant
	// accounts has an *account for each tenant that lacked credit when it was last checked.
	// Spend checks the front ones, and removes those that have their whole credit again.
	accounts *list.List
}

// account says how much of its credit a tenant lacked at a time.
type account struct {
	tenant string
	lacks  time.Duration
	at     time.Time
}

// NewPace returns a pace. Each tenant has the given credit. A tenant that has spent credit
// gets back one unit for each parts units of time that pass.
func NewPace(credit time.Duration, parts int) *Pace {
	return &Pace{credit: credit, share: parts, of: map[string]*list.Element{}, accounts: list.New()}
}

// Spend takes so much time from the tenant's credit.
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
	// A call adds at most one account and checks two old ones. So only few accounts are kept
	// whose credit is whole.
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

// Check returns nil for a tenant that has credit, or else fault.RateLimited with the time
// after which it has credit again.
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
