package sdk

import (
	"fmt"
	"os"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// The names of the host services that a plugin may need. The names index and keyvalues are reserved.
const (
	HostEmbed    = "embed"    // embeds texts by a nested plugin with the role embedding
	HostGenerate = "generate" // generates text by a nested plugin with the role llm
)

// HostServices names the host services that the plugin needs. A plugin gets no others.
func HostServices(names ...string) Option {
	return func(i *Info) { i.HostServices = append(i.HostServices, names...) }
}

// hostConn is the connection to the host's services. All instances of the process share it. It is
// opened at its first use, and closed by the end of the process.
var hostConn = sync.OnceValue(func() *grpc.ClientConn {
	path := os.Getenv(HostSocketEnv)
	if path == "" {
		return nil
	}
	conn, err := grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDisableServiceConfig(), grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(MaxHostAnswerBytes), grpc.ForceCodecV2(newCodec())))
	if err != nil {
		fmt.Fprintln(os.Stderr, err) // the path of the host's socket is no address
		return nil
	}
	return conn
})

// hostFor returns the connection to the host's services for Env.Host. It is nil for a plugin that
// needs no host services, and without a host.
func hostFor(i Info) grpc.ClientConnInterface {
	if len(i.HostServices) == 0 {
		return nil
	}
	if conn := hostConn(); conn != nil {
		return conn
	}
	return nil
}
