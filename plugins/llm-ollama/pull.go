package ollama

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/ollama/ollama/api"
)

// A call that needs a model waits for pullPatience while the server pulls it. Then the call fails, and the
// error asks for a retry after pullRetry. When a pull has failed, the calls of an instance fail with the same
// error for pullAgain, and start no other pull of the model.
const (
	pullPatience = 10 * time.Second
	pullRetry    = 15 * time.Second
	pullAgain    = time.Minute
)

// modelKey is the configuration key of the model that chats.
const modelKey = "model"

// pulls are the pulls of this process.
var pulls = pullSet{running: map[pullKey]*pull{}}

// pullSet has the pulls that are under way, at most one for each key. A pull goes on when the call that
// began it has ended, and ends when all instances that want the model are closed.
type pullSet struct {
	mu      sync.Mutex
	running map[pullKey]*pull
}

// pullKey is what decides how a pull ends. So no instance gets the error of another's settings, such as of
// an API key that the server does not accept.
type pullKey struct {
	upstream string // the server and the model
	apiKey   string
	egress   string // the policy of the dialer
	timeout  time.Duration
}

func (m *Model) pullKey(model string) pullKey {
	return pullKey{upstreamOf(m.base, model), m.apiKey, m.dialer.Policy().String(), m.pullTimeout}
}

// pull is a request to a server to download a model.
type pull struct {
	key    pullKey
	cancel context.CancelFunc
	users  map[*Model]bool // instances that want the model; guarded by the mutex of the set
	done   chan struct{}   // closed when the pull has ended
	err    *fault.Error    // why the pull failed, or nil; valid when done is closed
}

// join returns the pull of the model with the settings of the instance. It begins one if none is under way.
func (s *pullSet) join(m *Model, model string) *pull {
	key := m.pullKey(model)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.running[key]
	if p == nil {
		ctx, cancel := context.WithTimeout(context.Background(), m.pullTimeout)
		p = &pull{key: key, cancel: cancel, users: map[*Model]bool{}, done: make(chan struct{})}
		s.running[key] = p
		go func() {
			defer close(p.done)
			p.err = m.pullModel(ctx, model)
			cancel()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.removeLocked(p)
		}()
	}
	p.users[m] = true
	return p
}

// removeLocked removes a pull, unless another pull of the same model has taken its place. Locked: s.mu
// is held.
func (s *pullSet) removeLocked(p *pull) {
	if s.running[p.key] == p {
		delete(s.running, p.key)
	}
}

// runs reports whether the pull that join would return is under way.
func (s *pullSet) runs(m *Model, model string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[m.pullKey(model)] != nil
}

// leave removes m from the instances that want models. It cancels the pulls that no other instance
// wants, and waits until they have ended.
func (s *pullSet) leave(m *Model) {
	var unwanted []*pull
	s.mu.Lock()
	for _, p := range s.running {
		if delete(p.users, m); len(p.users) == 0 {
			unwanted = append(unwanted, p)
			s.removeLocked(p)
			p.cancel()
		}
	}
	s.mu.Unlock()
	for _, p := range unwanted {
		<-p.done
	}
}

// missingModels has the pulls of an instance that failed. Any number of goroutines may use it.
type missingModels struct {
	patience time.Duration // how long a call waits for a pull
	mu       sync.Mutex
	failed   map[string]failedPull // by the name of the model; at most the two models of the instance
}

type failedPull struct {
	err   *fault.Error
	again time.Time // until then, calls fail with err
}

// lacks reports whether a call failed because the server does not have the model of the configuration
// key, and whether the configuration lets the server pull it.
func (m *Model) lacks(err error, key string) bool {
	var f *fault.Error
	return m.pull && errors.As(err, &f) && f.Class == fault.NotFound && slices.Equal(f.Path, fault.Path{key})
}

// fetch lets the server pull the model of the configuration key. It returns nil when the server has the
// model. It returns fault.RateLimited if the pull takes longer than a call waits, and another error if
// the pull failed or ctx ended.
func (m *Model) fetch(ctx context.Context, model, key string) error {
	if err := m.missing.lately(model); err != nil {
		return err
	}
	p := pulls.join(m, model)
	patience := time.NewTimer(m.missing.patience)
	defer patience.Stop()
	select {
	case <-p.done:
	case <-ctx.Done():
		return fault.Of(ctx.Err())
	case <-patience.C:
		return fault.New(fault.RateLimited, "the Ollama server at %s is pulling the model %s, which takes a while", m.address(), model).
			By(fault.PartyProvider).After(pullRetry)
	}
	if p.err == nil {
		return nil
	}
	failed := *p.err
	if slices.Equal(failed.Path, fault.Path{modelKey}) { // the model may have another key here than where the pull began
		failed.Path = fault.Path{key}
	}
	m.missing.fail(model, &failed)
	return &failed
}

// lately returns the error of a pull of the model that failed less than pullAgain ago, or nil.
func (k *missingModels) lately(model string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f, ok := k.failed[model]; ok && time.Now().Before(f.again) {
		return f.err
	}
	return nil
}

// fail notes that a pull of the model failed.
func (k *missingModels) fail(model string, err *fault.Error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed == nil {
		k.failed = map[string]failedPull{}
	}
	k.failed[model] = failedPull{err, time.Now().Add(pullAgain)}
}

// pullModel asks the server to pull a model, and waits until the server has it. It blames modelKey for the
// model, whichever key an instance has it at. It has connections of its
// own, because the instance may be closed before the pull ends.
func (m *Model) pullModel(ctx context.Context, model string) *fault.Error {
	t := newTransport(m.base, m.apiKey, m.dialer)
	defer t.close()
	called, seen := withExchange(ctx, m.streamed())
	defer seen.bounds.release()
	complete := false
	err := m.post(called, &http.Client{Transport: t, CheckRedirect: refuseRedirect}, "/api/pull", &api.PullRequest{Model: model}, func(line []byte) error {
		var got struct {
			api.ProgressResponse
			errorLine
		}
		if err := json.Unmarshal(line, &got); err != nil {
			return errors.New(string(line))
		}
		if got.Error != "" {
			return errors.New(got.Error)
		}
		complete = got.Status == "success"
		return nil
	})
	switch {
	case err == nil && complete:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fault.New(fault.ProviderFailed, "the Ollama server at %s did not pull the model %s within %s; raise pull_timeout, or run there: ollama pull %s",
			m.address(), model, m.pullTimeout, model)
	case ctx.Err() != nil:
		return fault.New(fault.ProviderFailed, "pulling the model %s was given up, because its configuration ended", model)
	case err != nil && isUnknownModel(messageOf(err)):
		return fault.New(fault.NotFound, "the Ollama server at %s finds no model %s to pull: %s", m.address(), model, m.said(messageOf(err))).
			At(modelKey).By(fault.PartyTenant)
	}
	f := *m.failure(err, seen, model, modelKey, ofTheAPI)
	f.Message = "cannot pull the model " + model + ": " + f.Message
	return &f
}

// isUnknownModel reports whether a pull failed because the registry does not have the model. The
// message is then "pull model manifest: file does not exist".
func isUnknownModel(said string) bool {
	return strings.Contains(said, "manifest") && (strings.Contains(said, "does not exist") || strings.Contains(said, "not found"))
}
