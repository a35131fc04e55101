package services

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/loglimit"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	hostv1 "github.com/botyard/botyard/sdk/proto/botyard/host/v1"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/tap"
)

// methods maps each method of HostService to the name of the host service that it belongs to.
var methods = map[string]string{
	hostv1.HostService_Embed_FullMethodName:    sdk.HostEmbed,
	hostv1.HostService_Generate_FullMethodName: sdk.HostGenerate,
}

// None stands for the host service of a callback whose method the host does not have.
const None = "none"

// Names lists the names of the host services, and None.
var Names = [...]string{sdk.HostEmbed, sdk.HostGenerate, None}

// Known reports whether the host has a host service of that name.
func Known(service string) bool { return service == sdk.HostEmbed || service == sdk.HostGenerate }

// Options says whom a Server serves. All fields are required. The functions are called concurrently.
type Options struct {
	// Path is where the socket is made. Nothing exists there.
	Path string
	// Services are the names of the host services that the plugin asked for.
	Services []string
	// Owns reports whether the process with that id belongs to the plugin.
	Owns func(pid int) bool
	// Ended is called with the end of each callback, refused ones too. service is one of Names. err is
	// nil if the callback succeeded. Ended must not wait.
	Ended func(service string, err error)
	Log   hclog.Logger
}

// Server serves one plugin process. Its methods are safe for concurrent use.
type Server struct {
	hostv1.UnimplementedHostServiceServer
	o        Options
	grpc     *grpc.Server
	refusals loglimit.Limiter
	served   sync.WaitGroup

	mu    sync.Mutex
	calls map[string]*tokenCall // by token
	open  map[string]int        // callbacks that have not ended, by tenant
}

// Listen makes the socket and serves on it until Close.
func Listen(o Options) (*Server, error) {
	l, err := listen(o.Path)
	if err != nil {
		return nil, fmt.Errorf("the socket of the host services: %w", err)
	}
	s := &Server{o: o, calls: map[string]*tokenCall{}, open: map[string]int{}}
	l.owns, l.refused = o.Owns, s.refused
	s.grpc = grpc.NewServer(
		grpc.InTapHandle(s.tap),
		grpc.MaxConcurrentStreams(bounds.CallbackStreams),
		grpc.MaxRecvMsgSize(bounds.CallbackBytes),
		grpc.MaxSendMsgSize(sdk.MaxHostAnswerBytes),
		grpc.MaxHeaderListSize(bounds.CallbackHeaderBytes),
		grpc.ConnectionTimeout(10*time.Second),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
			defer func() { err = s.ended(info.FullMethod, recover(), err) }()
			return next(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
			defer func() { err = s.ended(info.FullMethod, recover(), err) }()
			return next(srv, stream)
		}),
	)
	hostv1.RegisterHostServiceServer(s.grpc, s)
	s.served.Go(func() { _ = s.grpc.Serve(l) }) // Serve returns an error when Close stops the server
	return s, nil
}

// Close closes the socket and all connections, and cancels all callbacks. It returns when the
// handlers have returned.
func (s *Server) Close() {
	s.grpc.Stop()
	s.served.Wait()
}

// ended counts a callback whose handler returned err or panicked, and returns its error as a status.
func (s *Server) ended(method string, panicked any, err error) error {
	if panicked != nil {
		s.o.Log.Error("panic in a host service", "value", fmt.Sprint(panicked), "stack", string(debug.Stack()))
		err = fault.New(fault.Internal, "the host service failed").By(fault.PartyHost)
	}
	s.o.Ended(methods[method], err)
	return fault.ToStatus(err)
}

// refused logs that something of the process was refused. The reasons are texts of this package, so that
// there are few.
func (s *Server) refused(reason string) {
	if leftOut, due := s.refusals.Due(reason); due {
		s.o.Log.Warn("a host service refused the plugin", "reason", reason, "left_out", leftOut)
	}
}

// callKey is the key of the tokenCall in the context of a callback.
type callKey struct{}

// tap decides by the headers of a callback whether its message is read. The returned context ends
// with the call of the host. gRPC calls tap on the goroutine that reads the connection, so that tap
// must not wait.
func (s *Server) tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	c, err := s.authorize(info)
	if err != nil {
		s.o.Ended(cmp.Or(methods[info.FullMethodName], None), err)
		s.refused(fault.Of(err).Message)
		return nil, fault.ToStatus(err)
	}
	ctx, cancel := context.WithCancel(context.WithValue(ctx, callKey{}, c))
	stop := context.AfterFunc(c.ctx, cancel)
	context.AfterFunc(ctx, func() { // the stream has ended, or the call has
		stop()
		cancel()
		s.leave(c)
	})
	return ctx, nil
}

func (s *Server) authorize(info *tap.Info) (*tokenCall, error) {
	service, known := methods[info.FullMethodName]
	if !known {
		return nil, fault.New(fault.Invalid, "the host has no such method").By(fault.PartyPlugin)
	}
	token := ""
	if tokens := info.Header.Get(sdk.CallTokenMetadata); len(tokens) == 1 {
		token = tokens[0]
	}
	if !slices.Contains(s.o.Services, service) {
		return nil, fault.New(fault.Forbidden, "the plugin's GetInfo does not name the host service %q", service).By(fault.PartyPlugin)
	}
	return s.enter(token)
}
