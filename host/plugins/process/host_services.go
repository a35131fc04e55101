package process

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/botyard/botyard/host/plugins/services"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/llm"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
)

// hostSocketName is the name of the socket of the host services within a process's private folder.
const hostSocketName = "host.sock"

// roleServices maps each role of a nested plugin to the host service that calls it.
var roleServices = map[string]string{llm.RoleEmbedding: sdk.HostEmbed, llm.RoleLLM: sdk.HostGenerate}

// hostSocket returns the path of the socket of the host services.
func (p *Process) hostSocket() string { return filepath.Join(p.Dir, hostSocketName) }

// checkHostServices returns an error if the plugin needs host services that the host does not have
// or that its kind does not get, or if its schema has a role that it has no host service for. roles
// are the roles of the schema.
func checkHostServices(info *pluginv1.GetInfoResponse, roles []string) error {
	for _, name := range info.HostServices {
		if !services.Known(name) {
			return fmt.Errorf("it needs the host service %q, which this host does not have", name)
		}
		if info.Kind != "memory" {
			return fmt.Errorf("it needs the host service %q, which plugins of the kind %s do not get", name, info.Kind)
		}
	}
	for _, role := range roles {
		if need := roleServices[role]; !slices.Contains(info.HostServices, need) {
			return fmt.Errorf("its configuration has a nested plugin with the role %q, and its GetInfo does not name the host service %q", role, need)
		}
	}
	return nil
}

// serveHost begins to serve the host services that the plugin needs. It does nothing if the plugin
// needs none, or if the process has ended. cleanUp closes the server.
func (p *Process) serveHost() error {
	if len(p.Info.HostServices) == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hostEnded {
		return nil
	}
	s, err := services.Listen(services.Options{Path: p.hostSocket(), Services: p.Info.HostServices, Owns: p.owns, Ended: p.callbackEnded, Log: p.Log})
	if err != nil {
		return &StartError{HostFault: true, Err: err}
	}
	p.Host = s
	return nil
}
