package floor

import (
	"context"
	"fmt"
	"io"

	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
)

// Serve registers the tenants, writes its address to out, and serves until ctx is done.
func Serve(ctx context.Context, o Options, tenants []string, out io.Writer) error {
	h, err := open(o)
	if err != nil {
		return err
	}
	for _, id := range tenants {
		if _, err := h.registry.Put(ctx, id, config.FromMap(id, nil), registry.PutOptions{}); err != nil {
			return err
		}
	}
	l, err := api.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	s := api.New(h, api.Options{})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	if _, err := fmt.Fprintln(out, "listening on http://"+l.Addr().String()); err != nil {
		return err
	}
	<-ctx.Done()
	end := context.WithoutCancel(ctx)
	_ = s.Drain(end)
	if err := <-served; err != nil {
		return err
	}
	if err := h.registry.Close(end); err != nil {
		return err
	}
	return h.manager.Close(end)
}
