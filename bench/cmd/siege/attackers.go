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

// hostileDatabases is how many tenants have a hostile database server.
const hostileDatabases = 4

// registerHostile has the operator register hostile tenants, not knowing whom.
func registerHostile(ctx context.Context, addr string, s *servers) error {
	c := newClient(addr)
	var errs []error
	put := func(tenant string, settings object) { errs = append(errs, c.mustPut(ctx, tenant, settings)) }
	for _, how := range hostile.Replies {
		put("hostile-"+how, object{"llm": object{"provider": "ollama", "model": "m", "base_url": "http://" + s.ollama + "/" + how, "parallel": 100}})
	}
	for i := range hostileDatabases {
		// What the server says at that moment may have it refused.
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

// warmHostile has each hostile tenant begin a turn, so that what a tenant has anyway, such as
// a bot and its instances, is there before anything is counted.
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

// hostileTenants are those that use a plugin of their own.
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

// attackers is the process that attacks.
type attackers struct{ cmd *exec.Cmd }

// startAttack starts it. It takes the time of the machine that the host leaves: see elsewhere.
func startAttack(_ context.Context, addr, only string, seed uint64) (*attackers, error) {
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
	return &attackers{cmd}, nil
}

// end has them leave, and returns what they found wrong.
func (a *attackers) end() error {
	_ = a.cmd.Process.Signal(syscall.SIGTERM)
	if err := a.cmd.Wait(); err != nil {
		return fmt.Errorf("the attackers: %w", err)
	}
	return nil
}

// assault is one way to attack, by several at once.
type assault struct {
	name  string
	crowd int
	rest  time.Duration // between two of the same attacker
	do    func(context.Context, *attacker)
}

// attacker is one of the crowd of an assault.
type attacker struct {
	client
	me    int
	rand  *rand.Rand
	count func(status int, body []byte, err error)
}

// attack runs all assaults until ctx ends, and prints what they were answered.
func attack(ctx context.Context, addr, only string, seed uint64) error {
	var everybody sync.WaitGroup
	var mu sync.Mutex
	answers := map[string]map[int]int{}
	var wrong atomic.Int64
	for _, a := range assaults {
		if only != "" && a.name != only {
			continue
		}
		answers[a.name] = map[int]int{}
		for me := range a.crowd {
			c := newClient(addr)
			everybody.Go(func() {
				who := &attacker{client: c, me: me, rand: rand.New(rand.NewPCG(seed, uint64(me)))}
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
				// Each has a pace of its own, as callers from many places have.
				for rest := rand.N(a.rest); ; rest = a.rest/2 + rand.N(a.rest) {
					select {
					case <-ctx.Done():
						return
					case <-time.After(rest):
					}
					once, cancel := context.WithTimeout(ctx, time.Minute)
					a.do(once, who)
					cancel()
				}
			})
		}
	}
	everybody.Wait()
	for _, a := range assaults {
		if n := answers[a.name]; n != nil {
			fmt.Printf("  %-22s answered %v (0: not at all)\n", a.name, n)
		}
	}
	if n := wrong.Load(); n > 0 {
		return fmt.Errorf("%d answers say that the host did not know what to do", n)
	}
	return nil
}
