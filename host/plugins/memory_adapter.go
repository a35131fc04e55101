package plugins

import (
	"context"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/memory"
)

// Memory returns the instance as a memory.Memory. The result also implements
// memory.Rememberer if the instance needs turns to remember, or if the plugin has the
// feature feature.Remember, and memory.Worker if it has the feature feature.Work too. The result also
// implements memory.Forgetter if it implements
// memory.Rememberer, or if the plugin has the feature feature.Forget.
func (i *Instance) Memory() memory.Memory {
	m := memoryCaller{i}
	info := i.sup.lastInfo()
	remembers := m.Needs().Remember || process.HasFeature(info, feature.Remember)
	switch {
	case remembers:
		// A memory that remembers must also be able to forget. Forget does nothing in a
		// plugin that has stored nothing.
		keeping := keepingMemory{m, rememberCaller{i}, forgetCaller{i}}
		if process.HasFeature(info, feature.Work) {
			return workingMemory{keeping, workCaller{i}}
		}
		return keeping
	case process.HasFeature(info, feature.Forget):
		return forgettingMemory{m, forgetCaller{i}}
	}
	return m
}

type (
	memoryCaller   struct{ i *Instance }
	rememberCaller struct{ i *Instance }
	forgetCaller   struct{ i *Instance }
	workCaller     struct{ i *Instance }

	keepingMemory struct {
		memoryCaller
		rememberCaller
		forgetCaller
	}
	workingMemory struct {
		keepingMemory
		workCaller
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
	_ memory.Worker     = workingMemory{}
)

// Needs implements memory.Memory. It makes no call, because the plugin states its needs
// when the instance is configured.
func (m memoryCaller) Needs() memory.Needs {
	if n := m.i.needs.Load(); n != nil {
		return *n
	}
	return memory.Needs{}
}

// Recall implements memory.Memory.
func (m memoryCaller) Recall(ctx context.Context, req *memory.RecallRequest) (*memory.Recalled, error) {
	return invoke(ctx, m.i, callOptions{tenant: req.Call.Tenant}, memory.NewClient, func(ctx context.Context, c *memory.Client) (*memory.Recalled, error) {
		return c.Recall(ctx, req)
	})
}

// Remember implements memory.Rememberer.
func (r rememberCaller) Remember(ctx context.Context, req *memory.RememberRequest) (int64, error) {
	return invoke(ctx, r.i, callOptions{tenant: req.Call.Tenant}, memory.NewClient, func(ctx context.Context, c *memory.Client) (int64, error) {
		return c.Remember(ctx, req)
	})
}

// Forget implements memory.Forgetter.
func (f forgetCaller) Forget(ctx context.Context, call sdk.Call) error {
	return f.i.call(ctx, callOptions{tenant: call.Tenant, ends: true}, func(ctx context.Context, t target) error {
		return memory.NewClient(t.conn, t.id).Forget(ctx, call)
	})
}

// Work implements memory.Worker.
func (w workCaller) Work(ctx context.Context, call sdk.Call, cursor []byte) (next []byte, more bool, err error) {
	err = w.i.call(ctx, callOptions{tenant: call.Tenant}, func(ctx context.Context, t target) (err error) {
		next, more, err = memory.NewClient(t.conn, t.id).Work(ctx, call, cursor)
		return err
	})
	return next, more, err
}
