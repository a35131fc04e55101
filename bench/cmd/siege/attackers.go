package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/botyard/botyard/bench/internal/hostile"
)

// hostileDatabases is the number of tenants whose storage is the hostile database server.
const hostileDatabases = 4

// registerHostile registers the hostile tenants over the admin API.
func registerHostile(ctx context.Context, addr string, s *servers) error {
	c := newClient(addr)
	var errs []error
	put := func(tenant string, settings object) { errs = append(errs, c.mustPut(ctx, tenant, settings)) }
	for _, how := range hostile.Replies {
		put("hostile-"+how, object{"llm": object{"provider": "ollama", "model": "m", "base_url": "http://" + s.ollama + "/" + how, "parallel": 100}})
	}
	for i := range hostileDatabases {
		// The host tries new database settings before it accepts them. The hostile server may make this
		// trial fail, so the registration is repeated.
		for range 5 {
			if err := c.mustPut(ctx, fmt.Sprintf("hostile-database-%d", i), object{"conversation_storage": object{
				"backend": "postgres", "pool_size": 10 + i, "connection": object{"password": "hostile"},
				"dsn": "postgres://hostile@" + s.postgres + "/hostile?sslmode=prefer"}}); err == nil {
				break
			}
		}
	}
	put("hostile-reader", object{})
	put("hostile-editor", object{})
	put("hostile-importer", object{})
	put("hostile-hang", object{"llm": object{"hang_after_tokens": 1}})
	put("hostile-crash", object{"llm": object{"crash_after_tokens": 1}})
	return errors.Join(errs...)
}

// warmHostile starts a turn of each hostile tenant and ignores how the turn ends. The tenants then have
// their bots and plugin instances before leaks are first measured.
func warmHostile(ctx context.Context, addr string) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	c := newClient(addr)
	var all sync.WaitGroup
	for _, tenant := range hostileTenants() {
		all.Go(func() {
			_, _, _ = c.do(ctx, http.MethodPost, "/api/v1/chat", tenant, "application/json", encode(object{"conversation_id": "warm", "message": "hello"}), nil)
		})
	}
	all.Wait()
}

// hostileTenants returns the ids of all hostile tenants but hostile-crash, whose turns crash the plugin.
func hostileTenants() []string {
	out := []string{"hostile-reader", "hostile-editor", "hostile-importer", "hostile-hang"}
	for _, how := range hostile.Replies {
		out = append(out, "hostile-"+how)
	}
	for i := range hostileDatabases {
		out = append(out, fmt.Sprintf("hostile-database-%d", i))
	}
	return out
}

// attackProcess is the process in which all attackers run.
type attackProcess struct{ cmd *exec.Cmd }

// startAttackProcess starts this program again, with the flag --attack. The caller stops the process.
func startAttackProcess(_ context.Context, addr, only string, seed uint64) (*attackProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "--attack", addr, "--only", only, "--seed", fmt.Sprint(seed))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &attackProcess{cmd}, nil
}

// stop stops the process. It returns an error if the host answered an attacker with status 500.
func (a *attackProcess) stop() error {
	_ = a.cmd.Process.Signal(syscall.SIGTERM)
	if err := a.cmd.Wait(); err != nil {
		return fmt.Errorf("the attackers: %w", err)
	}
	return nil
}

// attack is one kind of attack. Several attackers run it concurrently.
type attack struct {
	name      string
	attackers int
	pause     time.Duration // mean pause between two runs of one attacker
	run       func(context.Context, *attacker)
}

// attacker is one of the concurrent attackers of an attack. Only one goroutine uses it.
type attacker struct {
	client
	index int
	rand  *rand.Rand
	count func(status int, body []byte, err error)
}

// runAttacks runs all attacks until ctx is done, or only the attack that the parameter only names. It then
// prints how often each attack got each HTTP status. It returns an error if the host answered with status
// 500.
func runAttacks(ctx context.Context, addr, only string, seed uint64) error {
	var everybody sync.WaitGroup
	var mu sync.Mutex
	answers := map[string]map[int]int{}
	var wrong atomic.Int64
	for _, a := range attacks {
		if only != "" && a.name != only {
			continue
		}
		answers[a.name] = map[int]int{}
		for index := range a.attackers {
			c := newClient(addr)
			everybody.Go(func() {
				who := &attacker{client: c, index: index, rand: rand.New(rand.NewPCG(seed, uint64(index)))}
				who.count = func(status int, body []byte, err error) {
					if ctx.Err() != nil {
						return
					}
					mu.Lock()
					answers[a.name][status]++
					mu.Unlock()
					if status == http.StatusInternalServerError {
						if wrong.Add(1) <= 5 {
							fmt.Fprintf(os.Stderr, "%s was answered %d %.400s\n", a.name, status, body)
						}
					}
				}
				// Random pauses spread the attackers over time.
				for pause := rand.N(a.pause); ; pause = a.pause/2 + rand.N(a.pause) {
					select {
					case <-ctx.Done():
						return
					case <-time.After(pause):
					}
					once, cancel := context.WithTimeout(ctx, time.Minute)
					a.run(once, who)
					cancel()
				}
			})
		}
	}
	everybody.Wait()
	for _, a := range attacks {
		if n := answers[a.name]; n != nil {
			fmt.Printf("  %-22s answered %v (0: not at all)\n", a.name, n)
		}
	}
	if n := wrong.Load(); n > 0 {
		return fmt.Errorf("%d answers say that the host did not know what to do", n)
	}
	return nil
}
