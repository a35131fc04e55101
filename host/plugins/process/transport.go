package process

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// dialOptions returns the options of a connection to the plugin: size limits, and the
// interceptors of every call.
func (p *Process) dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(maxAnswerBytes(p.Binary.Kind)), grpc.MaxCallSendMsgSize(sdk.MaxMessageBytes)),
		grpc.WithInitialWindowSize(sdk.StreamWindowBytes), grpc.WithInitialConnWindowSize(sdk.ConnWindowBytes),
		grpc.WithUnaryInterceptor(p.callUnary), grpc.WithStreamInterceptor(p.callStream),
	}
}

// withSecret returns ctx with the secret of the process as the only metadata of a call. Each
// call carries it, health probes too. gRPC has credentials for this purpose, but they cost
// several allocations for each call.
func (p *Process) withSecret(ctx context.Context) context.Context {
	return metadata.NewOutgoingContext(ctx, p.secretMetadata)
}

// maxAnswerBytes returns the size of the largest message that the host takes from a plugin of
// the kind. Only a storage may have something that is larger than what is sent to it: turns of
// an earlier version. Each size differs from the size of the largest request, so that the
// message of grpc-go, which names the size, says whether host or plugin refused a message.
func maxAnswerBytes(kind string) int {
	if kind == "llm" || kind == "memory" {
		return sdk.MaxMessageBytes + 1<<20
	}
	return sdk.MaxAnswerBytes
}

// callUnary is the client interceptor of unary calls. It applies checkFeatures to the request,
// and attribute to the error. It is one interceptor, because a chain of them costs
// allocations for each call.
func (p *Process) callUnary(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if err := p.checkFeatures(method, req); err != nil {
		return err
	}
	return p.attribute(method, req, observeUnary(p.withSecret(ctx), method, req, reply, conn, invoke, opts...))
}

// callStream is the client interceptor of streams. It applies checkFeatures to requests, and
// attribute to errors.
func (p *Process) callStream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, stream grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	p.noteConn(conn, method)
	s, err := observeStream(p.withSecret(ctx), desc, conn, method, stream, opts...)
	if err != nil {
		return s, p.attribute(method, nil, err)
	}
	return &attributedStream{ClientStream: s, process: p, method: method}, nil
}

// attributedStream is a stream that applies checkFeatures to each request, and attribute to
// each error.
type attributedStream struct {
	grpc.ClientStream
	process *Process
	method  string
}

// SendMsg implements [grpc.ClientStream].
func (s *attributedStream) SendMsg(m any) error {
	if err := s.process.checkFeatures(s.method, m); err != nil {
		return err
	}
	return s.process.attribute(s.method, m, s.ClientStream.SendMsg(m))
}

// RecvMsg implements [grpc.ClientStream].
func (s *attributedStream) RecvMsg(m any) error {
	return s.process.attribute(s.method, nil, s.ClientStream.RecvMsg(m))
}

// checkFeatures returns an error if the request needs a feature that the plugin does not
// have. A plugin without a feature would ignore the fields of the feature, so that the host
// must not send the request.
func (p *Process) checkFeatures(method string, req any) error {
	err := p.features.Check(method, req)
	if err == nil {
		return nil
	}
	e := *fault.Of(err)
	e.Message = fmt.Sprintf("the %s %s", p.Binary.Ref, e.Message)
	return &e
}

// attribute returns an error that names the plugin, the method and the party at fault. It
// changes only errors that a gRPC library created, which have no details of the plugin
// protocol. The host is at fault if its request is too large or cannot be encoded, and
// attribute examines the request to decide this. Package fault reads all other errors.
// attribute returns errors of a lost connection unchanged, and those of a call that was
// canceled or late.
func (p *Process) attribute(method string, req any, err error) error {
	s, ok := status.FromError(err)
	if err == nil || !ok || len(s.Proto().GetDetails()) > 0 || !strings.HasPrefix(method, "/botyard.") {
		return err
	}
	name := method[strings.LastIndexByte(method, '/')+1:]
	request, _ := req.(proto.Message)
	switch s.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Unavailable:
		return err
	case codes.ResourceExhausted:
		if size := proto.Size(request); size > sdk.MaxMessageBytes {
			e := fault.New(fault.Internal, "the request %s of the host has %d bytes, and at most %d are carried", name, size, sdk.MaxMessageBytes)
			e.Err = errors.Join(fault.ErrRequestTooLarge, err)
			return e
		}
		if strings.HasSuffix(s.Message(), fmt.Sprintf("vs. %d)", maxAnswerBytes(p.Binary.Kind))) { // the host's library refused the answer, and has the words of the plugin's
			e := fault.New(fault.Internal, "the answer of the %s to %s is larger than the host takes: %s", p.Binary.Ref, name, s.Message()).By(fault.PartyPlugin)
			e.Err = errors.Join(fault.ErrAnswerTooLarge, err)
			return e.From(fault.OriginPlugin)
		}
	case codes.Internal:
		if _, wrong := proto.Marshal(request); wrong != nil {
			e := fault.New(fault.Internal, "the request %s of the host cannot be encoded: %w", name, wrong)
			e.Err = err
			return e
		}
	}
	e := *fault.Of(err)
	e.Message = fmt.Sprintf("the %s failed at %s: %s", p.Binary.Ref, name, e.Message)
	return &e
}

// noteConn records a connection of go-plugin, so that cleanUp can close it. method is the method
// of a stream on the connection. If a process ends after its handshake and before the host is
// connected, go-plugin abandons its connection, opens a second connection to end the
// process, and abandons that too. It closes neither connection. But go-plugin first opens a
// stream of its own on each connection, and noteConn sees this stream.
func (p *Process) noteConn(conn *grpc.ClientConn, method string) {
	if !strings.HasPrefix(method, "/plugin.") {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.conns, conn) {
		p.conns = append(p.conns, conn)
	}
}
