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

// TotalVariable names the environment variable that sets the budget of one plugin process. Its
// value is the approximate number of bytes that the conversations of all tenants may take together.
const TotalVariable = "BOTYARD_STORAGE_MEMORY_BYTES"

const (
	defaultTotal = 1 << 30
	leastTotal   = 1 << 20
	// partOfMemory divides the memory that the process may use. The default budget is an eighth of
	// that memory, because conversations take more memory than the budget counts, and because a
	// plugin in a container collects garbage more and more often when it uses more than
	// sdk.PluginMemoryShare.
	partOfMemory = 8

	reservedPart    = 5    // a fifth of the total is reserved for small tenants
	smallTenantPart = 1024 // a tenant with less than 1/1024 of the total is small
	// freeForEach limits how much a large tenant gets. A tenant may grow as long as the free bytes
	// are at least freeForEach times the bytes that the tenant has. So one tenant gets at most a
	// ninth of the bytes that are not reserved. When ten tenants grow to their limit one after
	// another, nearly a third of those bytes stays free. The algorithm is the dynamic threshold of
	// shared packet buffers (Choudhury and Hahne, 1998), with alpha = 1/8.
	freeForEach = 8
)

// budget bounds the bytes that all Stores of a process take together. It is safe for concurrent
// use.
type budget struct {
	total int64

	mu   sync.Mutex
	used int64
	by   map[string]int64 // bytes by tenant id, summed over all incarnations and Stores
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

// admits reports whether the tenant may take n more bytes. The free bytes must be at least
// freeForEach times the bytes that the tenant would then have. A small tenant may also use the
// reserved part of the total. So a few large tenants leave room for all other tenants.
func (b *budget) admits(tenant string, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	has, used := b.by[tenant]+n, b.used+n
	return b.total-b.total/reservedPart-used >= freeForEach*has || has <= b.total/smallTenantPart && used <= b.total
}

// totalBytes returns the budget of the process in bytes. It parses text, the value of
// TotalVariable. If text is empty, the budget is an eighth of memory, and at most one gibibyte.
// memory is the number of bytes that the process may use, or 0 if that number is unknown.
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

// memory returns how many bytes this process may use. It is the smallest of the machine's memory
// and the memory limits of the process's control groups. memory returns 0 if it can read neither.
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
		group, ok := strings.CutPrefix(lines.Text(), "0::/") // cgroup version 2
		if !ok {
			top, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
			if _, group, ok = strings.Cut(lines.Text(), ":memory:/"); !ok {
				continue
			}
		}
		for group = path.Join(top, group); strings.HasPrefix(group, top); group = path.Dir(group) {
			limit, _ := fs.ReadFile(root, path.Join(group, file))
			// "max" means that there is no limit. It does not parse, so that n is 0.
			n, _ := strconv.ParseInt(strings.TrimSpace(string(limit)), 10, 64)
			note(n)
		}
	}
	return least
}
