package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/llm"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"
)

// startBadly does what the process does wrong at its start, as the mark says. It returns if
// the process shall serve.
func startBadly() {
	switch mark {
	case "preamble": // writes much that is not the handshake, in many lines
		var lines strings.Builder
		lines.WriteString("the first line\n")
		for n := range 10_000 {
			fmt.Fprintln(&lines, "line", n, "of the preamble")
		}
		fmt.Print(lines.String())
		select {}
	case "oldcore": // speaks another version of go-plugin's handshake
		fmt.Println("9|1|unix|" + filepath.Join(os.TempDir(), "none.sock") + "|grpc|")
		select {}
	case "oldframing": // speaks another version of the protocol beneath the services
		fmt.Println("1|9|unix|" + filepath.Join(os.TempDir(), "none.sock") + "|grpc|")
		select {}
	case "cookie": // expects the cookie of another kind of host
		fmt.Fprintln(os.Stderr, "this plugin wants another cookie than", os.Getenv(sdk.Handshake.MagicCookieKey))
		os.Exit(1)
	case "forkexit": // leaves a process that holds the pipes, and exits
		left := exec.Command("/bin/sleep", "300")
		left.Stdin, left.Stdout, left.Stderr = os.Stdin, os.Stdout, os.Stderr
		left.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := left.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Fprintln(os.Stderr, "went into the background")
		os.Exit(0)
	case "oddlog": // writes a line that is almost a log entry of hclog
		fmt.Fprintln(os.Stderr, `{"@message":1}`)
	}
}

// chatBadly makes a call go wrong as its first word says. known is false if the word is
// not one of those.
func chatBadly(word string, emit func(llm.Delta) error) (reply string, known bool, err error) {
	switch word {
	case "hang": // does not notice that the call is canceled
		select {}
	case "half-hang":
		_ = emit(llm.Text("half a reply"))
		select {}
	case "half-crash":
		_ = emit(llm.Text("half a reply"))
		time.Sleep(100 * time.Millisecond) // the piece is on its way
		fmt.Fprintln(os.Stderr, "crashed in the middle")
		os.Exit(8)
	case "hungry":
		return "", true, eatMemory()
	case "babble-on":
		for err == nil {
			err = emit(llm.Text("and so on "))
		}
		return "", true, err
	case "flood":
		for n := range 50_000 {
			fmt.Fprintln(realStderr, "flood", n)
		}
		return "flooded", true, nil
	case "intrude":
		reply, err := intrude()
		return reply, true, err
	}
	return "", false, nil
}

// eatMemory allocates until the process has no more memory. The process sets the limit
// itself, in the place of a container's limit.
func eatMemory() error {
	limit := syscall.Rlimit{Cur: 4 << 30, Max: 4 << 30}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		return err
	}
	for eaten := [][]byte{}; ; {
		// The bytes are not written to, so the machine gives no memory for them.
		eaten = append(eaten, make([]byte, 64<<20))
		runtime.KeepAlive(eaten)
	}
}

// intrude calls the other plugins of the host through their sockets, without the secrets
// that the host gave them. It returns how many sockets there were, and the code of each
// answer.
func intrude() (string, error) {
	own, err := filepath.EvalSymlinks(os.TempDir())
	if err != nil {
		return "", err
	}
	var said []string
	err = filepath.WalkDir(filepath.Dir(own), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Type()&os.ModeSocket == 0 || strings.HasPrefix(path, own+"/") {
			return err
		}
		conn, err := grpc.NewClient("passthrough:///other", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return net.Dial("unix", path) }))
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, err = pluginv1.NewPluginServiceClient(conn).GetInfo(ctx, &pluginv1.GetInfoRequest{})
		said = append(said, status.Code(err).String())
		return errors.Join(conn.Close())
	})
	return fmt.Sprintf("%d others: %s", len(said), strings.Join(said, " ")), err
}

// rawBackend is a backend whose Chat sends messages that the SDK would not let through.
type rawBackend struct{ sdk.Backend }

// Register implements sdk.Backend.
func (rawBackend) Register(server *grpc.Server) {
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "botyard.llm.v1.LLMService", HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{StreamName: "Chat", ServerStreams: true, Handler: chatRaw}},
	}, nil)
}

// chatRaw answers with messages that have no known field. The request's text says how many
// messages, and of which size.
func chatRaw(_ any, stream grpc.ServerStream) error {
	in := new(emptypb.Empty)
	if err := stream.RecvMsg(in); err != nil {
		return err
	}
	request := in.ProtoReflect().GetUnknown()
	message := func(size int) *emptypb.Empty {
		out := new(emptypb.Empty)
		out.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 15_000, protowire.BytesType), make([]byte, size)))
		return out
	}
	switch {
	case bytes.Contains(request, []byte("huge")):
		return stream.SendMsg(message(100 << 20))
	case bytes.Contains(request, []byte("endless")):
		for next := message(10); ; {
			if err := stream.SendMsg(next); err != nil {
				return err
			}
		}
	}
	return nil
}
