package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/botyard/botyard/bench/internal/hostile"
	"github.com/botyard/botyard/bench/internal/hostproc"
)

// servers is the process in which the hostile servers run.
type servers struct {
	*hostproc.Process
	ollama, postgres string // addresses as host:port
}

// startServers starts the process of the hostile servers. The caller stops the process.
func startServers() (*servers, error) {
	p, err := hostproc.StartSelf(nil, "--serve")
	if err != nil {
		return nil, err
	}
	ollama, postgres, _ := strings.Cut(p.Addr, " ")
	return &servers{p, ollama, postgres}, nil
}

// serve runs the hostile servers in this process until ctx is done. It prints their addresses.
func serve(ctx context.Context) error {
	ollama, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	postgres, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s %s\n", ollama.Addr(), postgres.Addr())
	go func() { _ = hostile.Ollama(ollama) }()
	go func() { _ = hostile.Postgres(postgres) }()
	<-ctx.Done()
	return nil
}
