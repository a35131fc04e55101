package plugins

import (
	"context"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// probe asks the process again and again whether it is well, and kills it when it
// does not answer twice in a row: a hung plugin is one that crashed. It returns
// when the process has ended.
func (p *process) probe() {
	next := time.NewTimer(p.timing.probeEvery)
	defer next.Stop()
	misses := 0
	for {
		select {
		case <-p.exited:
			return
		case <-next.C:
		case <-p.suspect:
		}
		p.keepFolder()
		if p.answers() {
			misses = 0
			next.Reset(p.timing.probeEvery)
			continue
		}
		if misses++; misses == 2 {
			p.kill("it did not answer health probes")
			return
		}
		next.Reset(p.timing.probeAgain)
	}
}

// doubt asks for a probe at once.
func (p *process) doubt() {
	select {
	case p.suspect <- struct{}{}:
	default: // asked for already
	}
}

// answers makes one probe. An error that the plugin itself gave, such as that it
// does not serve the health service, is an answer.
func (p *process) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), p.timing.probeDeadline)
	defer cancel()
	resp, err := grpc_health_v1.NewHealthClient(p.conn).Check(ctx,
		&grpc_health_v1.HealthCheckRequest{Service: plugin.GRPCServiceName})
	switch status.Code(err) {
	case codes.OK:
		return resp.Status != grpc_health_v1.HealthCheckResponse_NOT_SERVING
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return false
	default:
		return true
	}
}
