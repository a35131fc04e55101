package plugincall

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	echo "github.com/botyard/botyard/plugins/llm-echo"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/llm"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// ServeBare serves the plugin echo on a unix socket with a plain gRPC server, until ctx is done. It is the
// main function of the process that the calls through the manager are compared with.
func ServeBare(ctx context.Context, socket string) error {
	runtime.GOMAXPROCS(1) // as the SDK sets it for a plugin
	sdk.TuneMemory(sdk.PluginMemoryShare)
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	sdk.Register(server, echo.Plugin(), hclog.NewNullLogger())
	go func() {
		<-ctx.Done()
		server.Stop()
	}()
	return server.Serve(l)
}

// bare is the process of ServeBare.
type bare struct {
	cmd    *exec.Cmd
	conn   *grpc.ClientConn
	client *llm.Client
}

// startBare starts this program with the arguments and the path of a socket, and configures an instance.
// The caller stops it.
func startBare(ctx context.Context, args []string, dir string) (*bare, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "bare.sock")
	b := &bare{cmd: exec.Command(self, append(args, socket)...)}
	b.cmd.Stderr = os.Stderr
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	if b.conn, err = grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		b.stop()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	_, err = pluginv1.NewPluginServiceClient(b.conn).Configure(ctx,
		&pluginv1.ConfigureRequest{Instance: "i", Config: []byte("{}")}, grpc.WaitForReady(true))
	if err != nil {
		b.stop()
		return nil, fmt.Errorf("configuring the bare server: %w", err)
	}
	b.client = llm.NewClient(b.conn, "i")
	return b, nil
}

// stop ends the process.
func (b *bare) stop() {
	if b.conn != nil {
		_ = b.conn.Close()
	}
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait() // the error says that the process was killed
}
