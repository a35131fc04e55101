package plugins

import (
	"context"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/memory"
)

// Capabilities of memory plugins.
const (
	capRemember = "remember"
	capForget   = "forget"
)

// Memory gives the instance as what chooses context. It is a memory.Rememberer
// when it asks for that, and a memory.Forgetter when it is a Rememberer or has the
// capability "forget".
func (i *Instance) Memory() memory.Memory {
	m := memoryCaller{i}
	info := i.sup.lastInfo()
	remembers := m.Needs().Remember || process.HasCapability(info, capRemember)
	switch {
	case remembers:
		// What remembers must forget: a memory that has nothing to drop says so at once.
		return keepingMemory{m, rememberCaller{i}, forgetCaller{i}}
	case process.HasCapability(info, capForget):
		return forgettingMemory{m, forgetCaller{i}}
	}
	return m
}

type (
	memoryCaller   struct{ i *Instance }
	rememberCaller struct{ i *Instance }
	forgetCaller   struct{ i *Instance }

	keepingMemory struct {
		memoryCaller
		rememberCaller
		forgetCaller
	}
	forgettingMemory struct {
		memoryCaller
		forgetCaller
	}
)

var (
	_ memory.Memory     = memoryCaller{}
	_ memory.Rememberer = keepingMemory{}
	_ memory.Forgetter  = keepingMemory{}
	_ memory.Forgetter  = forgettingMemory{}
)

// Needs implements memory.Memory, from what the plugin said as it was configured.
func (m memoryCaller) Needs() memory.Needs {
	if n := m.i.needs.Load(); n != nil {
		return *n
	}
	return memory.Needs{}
}

// Recall implements memory.Memory.
func (m memoryCaller) Recall(ctx context.Context, req *memory.RecallRequest) ([]chat.Message, error) {
	var out []chat.Message
	err := m.i.do(ctx, callOptions{tenant: req.Call.Tenant}, func(ctx context.Context, t target) (err error) {
		out, err = memory.NewClient(t.conn, t.id).Recall(ctx, req)
		return err
	})
	return out, err
}

// Remember implements memory.Rememberer.
func (r rememberCaller) Remember(ctx context.Context, call sdk.Call, turns []memory.Turn) error {
	return r.i.do(ctx, callOptions{tenant: call.Tenant}, func(ctx context.Context, t target) error {
		return memory.NewClient(t.conn, t.id).Remember(ctx, call, turns)
	})
}

// Forget implements memory.Forgetter.
func (f forgetCaller) Forget(ctx context.Context, call sdk.Call) error {
	return f.i.do(ctx, callOptions{tenant: call.Tenant, ends: true}, func(ctx context.Context, t target) error {
		return memory.NewClient(t.conn, t.id).Forget(ctx, call)
	})
}
