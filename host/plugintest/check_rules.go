package plugintest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	faultv1 "github.com/botyard/botyard/sdk/proto/botyard/fault/v1"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// checkConfigOf calls CheckConfig with a configuration. The error is errSkip if the plugin does not have
// the call.
func (p *process) checkConfigOf(ctx context.Context, cfg []byte) ([]*pluginv1.ConfigProblem, error) {
	resp, err := pluginv1.NewPluginServiceClient(p.conn).CheckConfig(ctx, &pluginv1.CheckConfigRequest{Config: cfg})
	if status.Code(err) == codes.Unimplemented {
		return nil, errSkip
	}
	return resp.GetProblems(), p.because(err)
}

func checkCheckConfig(ctx context.Context, b *bench) error {
	p, err := b.running(ctx)
	if err != nil {
		return err
	}
	schema, err := b.schema(ctx)
	if err != nil {
		return err
	}
	if problems, err := p.checkConfigOf(ctx, b.config); err != nil {
		return err
	} else if len(problems) > 0 {
		return fmt.Errorf("it finds a problem in the configuration that it takes: %s", problems[0].Message)
	}
	alone := map[string]variant{} // variants with a problem at the key that they change, by the key
	for _, v := range b.variants(schema, "") {
		at, err := p.problemPaths(ctx, schema, v)
		if err != nil {
			return err
		}
		if key := v.path.String(); at[key] {
			alone[key] = v
		}
	}
	// Two mistakes are both found, where each is found alone. One may hide another of the same block,
	// such as a text that cannot be parsed at all, so only keys of their own blocks are taken together.
	for one, first := range alone {
		for other, second := range alone {
			if one >= other || len(first.path) > 1 || len(second.path) > 1 {
				continue
			}
			both := b.with(first.path, first.value).with(second.path, second.value)
			if !schema.Accepts(both.config) {
				continue
			}
			at, err := p.problemPaths(ctx, schema, both)
			if err != nil {
				return err
			}
			if !at[one] || !at[other] {
				return fmt.Errorf("it finds a mistake in %s and one in %s, but not both at once", one, other)
			}
		}
	}
	return nil
}

// problemPaths returns the paths of the problems of a configuration. It returns an error if a problem
// does not keep the protocol.
func (p *process) problemPaths(ctx context.Context, schema *config.Schema, v variant) (map[string]bool, error) {
	problems, err := p.checkConfigOf(ctx, v.json())
	if err != nil {
		return nil, fmt.Errorf("CheckConfig of the configuration %s: %w", v.json(), err)
	}
	if len(problems) > sdk.MaxConfigProblems {
		return nil, fmt.Errorf("%d problems at once: at most %d are allowed", len(problems), sdk.MaxConfigProblems)
	}
	at := map[string]bool{}
	for _, problem := range problems {
		path := config.Path(problem.Path)
		switch {
		case strings.TrimSpace(problem.Message) == "":
			return nil, fmt.Errorf("a problem of the configuration %s has no message", v.json())
		case len(problem.Message) > fault.MaxText:
			return nil, fmt.Errorf("a message has %d bytes: at most %d are allowed", len(problem.Message), fault.MaxText)
		case !schema.Has(path, v.config):
			return nil, fmt.Errorf("a problem of the configuration %s is at %s, which its schema does not have: %s", v.json(), path, problem.Message)
		}
		at[path.String()] = true
	}
	return at, nil
}

func checkCheckConfigEffect(ctx context.Context, b *bench) error {
	p, err := b.start(ctx) // a new process, whose folders are empty
	if err != nil {
		return err
	}
	defer p.kill()
	schema, err := b.schema(ctx)
	if err != nil {
		return err
	}
	l, err := listenSilently()
	if err != nil {
		return err
	}
	defer l.close()
	before, err := filesOf(p)
	if err != nil {
		return err
	}
	for _, v := range append(b.variants(schema, l.address()), b.given()) {
		if _, err := p.checkConfigOf(ctx, v.json()); err != nil {
			return err
		}
		if l.accepted() > 0 {
			return fmt.Errorf("CheckConfig opens a connection to %s, which the configuration names at %s", l.address(), v.path)
		}
	}
	after, err := filesOf(p)
	if err != nil {
		return err
	}
	if before != after {
		return fmt.Errorf("CheckConfig changes files: the plugin's folders had %q, and have %q", before, after)
	}
	return nil
}

// filesOf lists the files of the folders that the process has for data and as its home.
func filesOf(p *process) (string, error) {
	var names []string
	for _, sub := range []string{"home", "data"} {
		err := filepath.WalkDir(filepath.Join(p.dir, sub), func(path string, _ os.DirEntry, err error) error {
			name, _ := filepath.Rel(p.dir, path) // both are absolute
			names = append(names, name)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return strings.Join(names, " "), nil
}

// checkPatience is how long the rules wait for a Check, which may ask an upstream.
const checkPatience = 3 * time.Second

// checkOf calls Check of an instance, for checkPatience at most.
func (p *process) checkOf(ctx context.Context, id string, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := pluginv1.NewPluginServiceClient(p.conn).Check(ctx, &pluginv1.CheckRequest{Instance: id})
	return err
}

func checkCheck(ctx context.Context, b *bench) error {
	p, err := b.running(ctx)
	if err != nil {
		return err
	}
	const id = "checked"
	if err := p.configure(ctx, b, id); err != nil {
		return err
	}
	err = p.checkOf(ctx, id, checkPatience)
	switch s, _ := status.FromError(err); {
	case s.Code() == codes.Unimplemented && !hasFault(s):
		return errSkip
	case err != nil && s.Code() != codes.DeadlineExceeded && !hasFault(s):
		return p.because(fmt.Errorf("a call of Check fails with the code %s and no Fault: %s", s.Code(), s.Message()))
	}
	for _, other := range []string{"never", ""} {
		if err := p.checkOf(ctx, other, checkPatience); !fault.Is(err, fault.UnknownInstance) {
			return p.because(fmt.Errorf("a Check of the instance %q, which it does not have, ends with: %v", other, err))
		}
	}
	return nil
}

// hasFault reports whether a status has a Fault of a known class, as each error of a plugin has.
func hasFault(s *status.Status) bool {
	for _, d := range s.Details() {
		if f, ok := d.(*faultv1.Fault); ok && f.Class != faultv1.Class_CLASS_UNSPECIFIED {
			return true
		}
	}
	return false
}

// checksAtOnce is how many checks whose deadline passes a plugin gets at once that takes any number.
const checksAtOnce = 8

func checkCheckDeadline(ctx context.Context, b *bench) error {
	p, err := b.running(ctx)
	if err != nil {
		return err
	}
	info, err := b.info(ctx)
	if err != nil {
		return err
	}
	schema, err := b.schema(ctx)
	if err != nil {
		return err
	}
	l, err := listenSilently()
	if err != nil {
		return err
	}
	defer l.close()
	n := checksAtOnce
	if limit := int(info.MaxConcurrentCalls); limit > 0 {
		n = min(n, limit)
	}
	for i, v := range append([]variant{b.given()}, b.endpoints(schema, l.address())...) {
		id := fmt.Sprint("late-", i)
		_, err := pluginv1.NewPluginServiceClient(p.conn).Configure(ctx, &pluginv1.ConfigureRequest{Instance: id, Config: v.json()})
		if err != nil {
			continue // a plugin may refuse what does not lead to its upstream
		}
		done := make(chan error, n)
		for range n {
			go func() { done <- p.checkOf(ctx, id, 300*time.Millisecond) }()
		}
		for range n {
			if s, _ := status.FromError(<-done); s.Code() == codes.Unimplemented && !hasFault(s) {
				return errors.Join(errSkip, p.release(ctx, id))
			}
		}
		after, cancel := context.WithTimeout(ctx, b.timeout/2)
		err = p.release(after, id)
		cancel()
		if err != nil {
			return p.because(fmt.Errorf("after %d calls of Check whose deadline has passed, Release of the instance fails, since they go on: %w", n, err))
		}
		if err := p.answers(ctx); err != nil {
			return fmt.Errorf("after %d calls of Check whose deadline has passed: %w", n, err)
		}
	}
	return nil
}

// schema returns the compiled schema of the plugin's configuration.
func (b *bench) schema(ctx context.Context) (*config.Schema, error) {
	info, err := b.info(ctx)
	if err != nil {
		return nil, err
	}
	text := info.ConfigSchema
	if len(text) == 0 {
		text = []byte(`{}`)
	}
	schema, err := config.CompileSchema(text)
	if err != nil {
		return nil, fmt.Errorf("config_schema: %w", err)
	}
	return schema, nil
}
