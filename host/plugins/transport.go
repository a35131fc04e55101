package plugins

import (
	"context"
	"errors"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// transport are the sizes of a connection, and what is done with each call on it.
func (p *process) transport() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(sdk.MaxAnswerBytes), grpc.MaxCallSendMsgSize(sdk.MaxMessageBytes)),
		grpc.WithInitialWindowSize(sdk.StreamWindowBytes), grpc.WithInitialConnWindowSize(sdk.ConnWindowBytes),
		grpc.WithChainUnaryInterceptor(p.ownUnary, markUnary), grpc.WithChainStreamInterceptor(p.noteConn, p.ownStream, markStream),
	}
}

// ownUnary tells an error that gRPC made for what it is: see blame.
func (p *process) ownUnary(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return p.blame(method, req, invoke(ctx, method, req, reply, conn, opts...))
}

// ownStream does so for streams.
func (p *process) ownStream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, stream grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := stream(ctx, desc, conn, method, opts...)
	if err != nil {
		return s, p.blame(method, nil, err)
	}
	return &blamedStream{ClientStream: s, process: p, method: method}, nil
}

// blamedStream is a stream whose errors are told for what they are.
type blamedStream struct {
	grpc.ClientStream
	process *process
	method  string
}

// SendMsg implements [grpc.ClientStream].
func (s *blamedStream) SendMsg(m any) error {
	return s.process.blame(s.method, m, s.ClientStream.SendMsg(m))
}

// RecvMsg implements [grpc.ClientStream].
func (s *blamedStream) RecvMsg(m any) error {
	return s.process.blame(s.method, nil, s.ClientStream.RecvMsg(m))
}

// blame says whose fault an error is that gRPC made itself, and that has no detail of
// ours: the host's if its request is too large or cannot be encoded, else the plugin's.
// The request decides, and not the error's text. All other errors stay as they are.
func (p *process) blame(method string, req any, err error) error {
	s, ok := status.FromError(err)
	if err == nil || !ok || len(s.Proto().GetDetails()) > 0 || !strings.HasPrefix(method, "/botyard.") {
		return err
	}
	name := method[strings.LastIndexByte(method, '/')+1:]
	request, _ := req.(proto.Message)
	var e *fault.Error
	switch s.Code() {
	case codes.ResourceExhausted:
		e = fault.New(fault.Internal, "the answer of the %s to %s is larger than what carries it, or the plugin takes smaller requests than it should: %s",
			p.bin.Ref, name, s.Message()).By(fault.PartyPlugin)
		if size := proto.Size(request); size > sdk.MaxMessageBytes {
			e = fault.New(fault.Internal, "the request %s of the host has %d bytes, and at most %d are carried", name, size, sdk.MaxMessageBytes)
		}
		err = errors.Join(fault.ErrTooLarge, err)
	case codes.Internal:
		if _, wrong := proto.Marshal(request); wrong != nil {
			e = fault.New(fault.Internal, "the request %s of the host cannot be encoded: %w", name, wrong)
			break
		}
		e = fault.New(fault.Internal, "the %s answered %s with what gRPC does not take: %s", p.bin.Ref, name, s.Message()).By(fault.PartyPlugin)
	case codes.Unimplemented:
		e = fault.New(fault.Internal, "the %s does not serve %s: %s", p.bin.Ref, name, s.Message()).By(fault.PartyPlugin)
	default:
		return err
	}
	e.Err = err
	if e.Party == fault.PartyPlugin { // and some of its words
		return e.From(fault.OriginPlugin)
	}
	return e
}
