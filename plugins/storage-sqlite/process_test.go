package sqlitestore

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// childEnv names the environment variable that makes the test binary run as a child process. Its
// value is the task of the child: serve, write or hold. The variable childEnv+"_DIR" names the
// folder of the database.
const childEnv = "SQLITESTORE_TEST_CHILD"

func TestMain(m *testing.M) {
	dir := os.Getenv(childEnv + "_DIR")
	switch os.Getenv(childEnv) {
	case "":
		goleak.VerifyTestMain(m)
	case "serve":
		childServe(dir)
	case "write":
		childWrite(dir)
	case "hold":
		childHold(dir)
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child starts a child process with the given task, and returns the process and a scanner of its
// standard output. The cleanup of the test kills the process.
func child(t *testing.T, what, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+what, childEnv+"_DIR="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe() // the child exits when this pipe closes
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}

// childServe serves the plugin on a Unix socket. It prints the path of the socket in its first line
// of output. It returns when its standard input closes.
func childServe(dir string) {
	server := grpc.NewServer(sdk.ServerOptions(hclog.NewNullLogger())...)
	p := Plugin()
	p.Backend.Register(server)
	_, err := p.Backend.Configure(context.Background(), "i", []byte(`{}`), sdk.Env{Log: hclog.NewNullLogger(), DataDir: dir})
	fail(err)
	sockets, err := os.MkdirTemp("", "sq")
	fail(err)
	defer os.RemoveAll(sockets)
	listener, err := net.Listen("unix", filepath.Join(sockets, "s"))
	fail(err)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		server.Stop()
	}()
	fmt.Println(listener.Addr())
	fail(server.Serve(listener))
	fail(p.Backend.Close())
}

// childWrite runs turns in 16 conversations concurrently. It prints a line for each turn whose
// Commit has succeeded.
func childWrite(dir string) {
	s, err := Open(Config{Path: "botyard.db"}, sdk.Env{DataDir: dir})
	fail(err)
	var out sync.Mutex
	for i := range 16 {
		go func() {
			c := sdk.Call{Tenant: "t", Conversation: fmt.Sprintf("c%d", i), User: "u"}
			for {
				res, err := s.Begin(context.Background(), &storage.BeginRequest{Call: c, Holder: fmt.Sprint(os.Getpid()),
					Lease: time.Millisecond, Messages: storage.EncodeMessages(chat.Text(chat.User, "hi"))})
				fail(err)
				if res.Started == nil {
					time.Sleep(time.Millisecond) // the turn of an earlier child that was killed still has its lease
					continue
				}
				n, err := s.Commit(context.Background(), &storage.CommitRequest{Call: c, Fence: res.Started.Fence,
					State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, fmt.Sprint("end of ", res.Started.Sequence)))})
				fail(err)
				out.Lock()
				fmt.Println(c.Conversation, n, res.Started.Sequence)
				out.Unlock()
			}
		}()
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// childHold locks the database until its standard input closes, like a shell with an open
// transaction.
func childHold(dir string) {
	w, err := connect(filepath.Join(dir, "botyard.db"), writerPragmas)
	fail(err)
	// The Store of the test may have the database locked for a moment.
	fail(retryBusy(func() error {
		_, err := w.exec("BEGIN IMMEDIATE")
		return err
	}))
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// client has all interfaces that an instance of the plugin serves.
type client struct {
	*storage.Client
	*storage.TenantStoreClient
	conn *grpc.ClientConn
}

func (c client) Close() error { return c.conn.Close() }

// served starts a child process that serves the file in dir. The returned function connects to that
// child.
func served(t *testing.T, dir string) func(context.Context) (storage.Storage, error) {
	t.Helper()
	_, out := child(t, "serve", dir)
	if !out.Scan() {
		t.Fatal("the child did not say its socket")
	}
	socket := out.Text()
	return func(context.Context) (storage.Storage, error) {
		conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(sdk.MaxMessageBytes), grpc.MaxCallSendMsgSize(sdk.MaxMessageBytes)))
		return client{storage.NewClient(conn, "i"), storage.NewTenantStoreClient(conn, "i"), conn}, err
	}
}
