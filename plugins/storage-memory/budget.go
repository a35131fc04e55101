package memstore

import (
	"bufio"
	"bytes"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/botyard/botyard/sdk/fault"
)

// TotalVariable is the environment variable for the budget of one process of the plugin: about how
// many bytes the conversations of all tenants may take together.
const TotalVariable = "BOTYARD_STORAGE_MEMORY_BYTES"

const (
	defaultTotal = 1 << 30
	leastTotal   = 1 << 20
	// partOfMemory makes the default budget an eighth of the memory that the process may use.
	// It is no larger because conversations take more bytes than are counted. Also, a plugin in
	// a container collects garbage more and more often beyond sdk.PluginMemoryShare.
	partOfMemory = 8

	reservedPart    = 5    // a fifth of the total is reserved for small tenants
	smallTenantPart = 1024 // a tenant with less than a 1024th of the total is small
	// freeForEach decides when a tenant gets more: while the free bytes are at least this many
	// times the bytes that the tenant has. So one tenant gets at most a ninth of what is not
	// reserved. When ten tenants take as much as they can, one after the other, nearly a third
	// stays free. This is the dynamic threshold of shared packet buffers (Choudhury and Hahne,
	// 1998), with alpha an eighth.
	freeForEach = 8
)

// budget bounds the bytes that all stores of a process keep together.
type budget struct {
	total int64

	mu   sync.Mutex
	used int64
	by   map[string]int64 // by tenant, over all its incarnations and stores
}

func newBudget(total int64) *budget { return &budget{total: total, by: map[string]int64{}} }

func (b *budget) change(tenant string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used += n
	if b.by[tenant] += n; b.by[tenant] <= 0 {
		delete(b.by, tenant)
	}
}

// admits reports whether the tenant may have n bytes more. The free bytes must be at least
// freeForEach times the bytes that the tenant would then have. A part of the total is reserved for
// small tenants. So a few large tenants leave room for all others.
func (b *budget) admits(tenant string, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	has, used := b.by[tenant]+n, b.used+n
	return b.total-b.total/reservedPart-used >= freeForEach*has || has <= b.total/smallTenantPart && used <= b.total
}

// account counts the bytes of the budget that one incarnation of a tenant takes. The tenant's lock
// guards it.
type account struct {
	budget *budget
	tenant string
	used   int64
	closed bool
}

func (a *account) change(n int64) {
	if a == nil || a.closed {
		return
	}
	a.used += n
	a.budget.change(a.tenant, n)
}

// close releases everything. Later changes are not counted.
func (a *account) close() {
	if a == nil || a.closed {
		return
	}
	a.budget.change(a.tenant, -a.used)
	a.used, a.closed = 0, true
}

// change counts n bytes more, or fewer if negative. Locked: mu is held.
func (t *tenant) change(n int64) {
	t.bytes += n
	t.account.change(n)
}

// checkRoom returns an error if the tenant may not have n bytes more. Locked: the tenant's mu is
// held.
func (s *Store) checkRoom(t *tenant, n int64) error {
	if t.bytes >= s.maxBytes {
		return fault.New(fault.QuotaExhausted, "the tenant's conversations take up the %d bytes that max_bytes allows", s.maxBytes)
	}
	if !s.budget.admits(t.account.tenant, n) {
		return fault.New(fault.QuotaExhausted,
			"the memory for conversations is nearly used up: one tenant gets more only while eight times as much is free as it has, and all tenants together have %d bytes; the variable %s of the host sets more",
			s.budget.total, TotalVariable).By(fault.PartyHost)
	}
	return nil
}

// totalBytes parses the value of TotalVariable. If it is empty, the total is an eighth of the
// memory, and at most a gigabyte. memory is 0 when it is not known.
func totalBytes(text string, memory int64) (int64, error) {
	if text == "" {
		if memory <= 0 {
			return defaultTotal, nil
		}
		return max(min(memory/partOfMemory, defaultTotal), leastTotal), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < leastTotal {
		return 0, fault.New(fault.Invalid, "the variable %s is no number of bytes of at least %d: set it for the host, or take it out of plugin.storage.memory.env",
			TotalVariable, leastTotal).By(fault.PartyHost)
	}
	return n, nil
}

// memory returns how many bytes this process may use: the least of the limits of its control groups
// and the machine's memory. It returns 0 when none is known.
func memory(root fs.FS) int64 {
	var least int64
	note := func(n int64) {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	text, _ := fs.ReadFile(root, "proc/meminfo")
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "MemTotal:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			note(kib << 10)
		}
	}
	text, _ = fs.ReadFile(root, "proc/self/cgroup")
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		top, file := "sys/fs/cgroup", "memory.max"
		group, ok := strings.CutPrefix(lines.Text(), "0::/") // version 2
		if !ok {
			top, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
			if _, group, ok = strings.Cut(lines.Text(), ":memory:/"); !ok {
				continue
			}
		}
		for group = path.Join(top, group); strings.HasPrefix(group, top); group = path.Dir(group) {
			limit, _ := fs.ReadFile(root, path.Join(group, file))
			n, _ := strconv.ParseInt(strings.TrimSpace(string(limit)), 10, 64) // "max" means no limit, and gives 0
			note(n)
		}
	}
	return least
}
