package echocall

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// payload is how many bytes a request and its response carry each.
const payload = 1 << 10

// Row is the cost of one call while the given number of callers call concurrently. Times are in
// microseconds.
type Row struct {
	Callers   int     `json:"callers"`
	PerSecond float64 `json:"per_second"`
	Micros    float64 `json:"us"`     // elapsed time divided by the calls of all callers
	CPU       float64 `json:"cpu_us"` // CPU time of a call in both processes together
}

// Measure measures calls of the plugin, with each number of callers in turn, for the given duration. The
// plugin is this program, started with args. Measure stops the plugin before it returns.
func Measure(args []string, callers []int, each time.Duration) ([]Row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: handshake, Plugins: plugin.PluginSet{setName: echoPlugin{}}, Cmd: cmd,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		return nil, err
	}
	raw, err := protocol.Dispense(setName)
	if err != nil {
		return nil, err
	}
	conn := raw.(*grpc.ClientConn) // echoPlugin.GRPCClient returns this type
	pids := map[string]int{"self": os.Getpid(), "plugin": cmd.Process.Pid}
	var rows []Row
	for _, n := range callers {
		if _, err := loop(conn, n, each/4); err != nil { // warms the connection
			return nil, err
		}
		before, err := hostproc.UsageOf(pids)
		if err != nil {
			return nil, err
		}
		start := time.Now()
		calls, err := loop(conn, n, each)
		if err != nil {
			return nil, err
		}
		took := time.Since(start)
		after, err := hostproc.UsageOf(pids)
		if err != nil {
			return nil, err
		}
		used := after.Since(before)
		rows = append(rows, Row{
			Callers: n, PerSecond: float64(calls) / took.Seconds(), Micros: micros(took) / float64(calls),
			CPU: micros(used["self"]+used["plugin"]) / float64(calls),
		})
	}
	return rows, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// loop calls the plugin from the given number of goroutines for the duration d. It returns the number of
// calls.
func loop(conn *grpc.ClientConn, callers int, d time.Duration) (int64, error) {
	var calls atomic.Int64
	errs := make([]error, callers)
	var all sync.WaitGroup
	ctx, cancel := context.WithTimeout(context.Background(), d+10*time.Second)
	defer cancel()
	start := time.Now()
	for i := range callers {
		all.Go(func() {
			in := wrapperspb.Bytes(make([]byte, payload))
			for time.Since(start) < d {
				if errs[i] = call(ctx, conn, in); errs[i] != nil {
					return
				}
				calls.Add(1)
			}
		})
	}
	all.Wait()
	return calls.Load(), errors.Join(errs...)
}
