package fairshare

import (
	"container/list"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Pace limits the time that the work of one tenant takes in the long run. It is a token bucket
// whose tokens are time: each tenant has a credit of time, work spends the credit, and a fraction
// of the elapsed time refills it. Check refuses a tenant that has overdrawn its credit. Running
// work is not stopped, so each slot of the tenant may overdraw the credit once. A nil Pace has no
// limit.
type Pace struct {
	credit time.Duration
	share  int

	mu sync.Mutex
	of map[string]*list.Element // the elements of accounts, by tenant
	// accounts has an *account for each tenant that lacked credit when its account was last
	// checked. Each Spend checks the accounts at the front of the list, and removes those with
	// their whole credit.
	accounts *list.List
}

// account says how much of its credit a tenant lacked at one point in time.
type account struct {
	tenant string
	lacks  time.Duration
	at     time.Time
}

// NewPace returns a Pace that gives each tenant the credit. The credit of a tenant is refilled with
// the elapsed time divided by parts.
func NewPace(credit time.Duration, parts int) *Pace {
	return &Pace{credit: credit, share: parts, of: map[string]*list.Element{}, accounts: list.New()}
}

// Spend subtracts the time took from the tenant's credit.
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
	// Each call adds at most one account and checks the two oldest accounts. So the list has few
	// accounts with their whole credit.
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

// lackingLocked returns how much credit the account lacks at the time now. Locked: mu is held.
func (p *Pace) lackingLocked(a *account, now time.Time) time.Duration {
	return max(0, a.lacks-now.Sub(a.at)/time.Duration(p.share))
}

// Check returns nil if the tenant has credit. Otherwise Check returns a fault.RateLimited error
// with the time after which the tenant has credit again.
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
