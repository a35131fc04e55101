package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/botyard/botyard/bench/internal/hostile"
	"github.com/botyard/botyard/bench/internal/hostproc"
)

// servers are the hostile ones, in a process of their own.
type servers struct {
	*hostproc.Process
	ollama, postgres string // host:port
}

func startServers() (*servers, error) {
	p, err := hostproc.Child(nil, "--serve")
	if err != nil {
		return nil, err
	}
	ollama, postgres, _ := strings.Cut(p.Addr, " ")
	return &servers{p, ollama, postgres}, nil
}

// serve is what that process does, until ctx ends.
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
