package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/botyard/botyard/bench/internal/echocall"
	"github.com/botyard/botyard/bench/internal/floor"
	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/library"
	"github.com/botyard/botyard/bench/internal/plugincall"
	"github.com/botyard/botyard/bench/internal/profile"
	"github.com/botyard/botyard/bench/internal/providercall"
)

// Roles of this program when it starts itself. The first argument of the program selects the role.
const (
	roleFloor    = "as-floor"
	roleEcho     = "as-echo-plugin"
	roleLibrary  = "as-library"
	roleBare     = "as-bare-server"
	roleProvider = "as-provider"
)

var roles map[string]func(context.Context, []string) error

func init() {
	roles = map[string]func(context.Context, []string) error{
		roleFloor:    asFloor,
		roleEcho:     func(context.Context, []string) error { echocall.Serve(); return nil },
		roleLibrary:  asLibrary,
		roleProvider: func(ctx context.Context, _ []string) error { return providercall.Serve(ctx) },
		roleBare:     func(ctx context.Context, args []string) error { return plugincall.ServeBare(ctx, args[0]) },
	}
}

// asFloor serves turns as the floor until ctx is done.
func asFloor(ctx context.Context, args []string) error {
	profile.Watch("floor")
	var o floor.Options
	if err := json.Unmarshal([]byte(args[0]), &o); err != nil {
		return err
	}
	return floor.Serve(ctx, o, tenantIDs(workTenants), os.Stdout)
}

// asLibrary measures the embedded host and prints the result as JSON.
func asLibrary(ctx context.Context, args []string) error {
	var o library.Options
	if err := json.Unmarshal([]byte(args[0]), &o); err != nil {
		return err
	}
	r, err := library.Measure(ctx, o)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

func tenantIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = hostproc.TenantID(i)
	}
	return ids
}

// startFloor starts this program as the floor. The caller stops the process.
func startFloor(o floor.Options, env ...string) (*hostproc.Process, error) {
	arg, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return hostproc.StartSelf(env, roleFloor, string(arg))
}
