package sdk

import "github.com/hashicorp/go-plugin"

// Handshake is the configuration of go-plugin's handshake. The cookie tells a plugin that a host
// started it. ProtocolVersion is the version of go-plugin's framing only: the version of a gRPC
// service is part of the service's name.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "BOTYARD_PLUGIN",
	MagicCookieValue: "c4f0a1f6-botyard",
}

const (
	// PluginSetName is the name of the only entry of go-plugin's plugin set.
	PluginSetName = "botyard"

	// SecretMetadata is the key of the metadata of each call of a host. Its value is the first line
	// of the plugin's standard input. A plugin refuses calls without it.
	SecretMetadata = "botyard-secret"

	// MaxSecretBytes bounds the first line of a plugin's standard input, without its line end.
	MaxSecretBytes = 256

	// DataDirEnv names the environment variable with the folder for the plugin's files. Env.DataDir
	// describes the folder.
	DataDirEnv = "BOTYARD_DATA_DIR"

	// HostSocketEnv names the environment variable with the path of the unix socket on which the host
	// serves botyard.host.v1.HostService. The host listens there only for a plugin whose Info names
	// host services.
	HostSocketEnv = "BOTYARD_HOST_SOCKET"

	// CallTokenMetadata is the key of the metadata of each call of a plugin to the host. Its value is
	// Call.Token of the host's call that the plugin works on.
	CallTokenMetadata = "botyard-call-token"

	// StreamWindowBytes and ConnWindowBytes are the gRPC flow control windows of host and plugin,
	// for one stream and for one connection. They are so large that a usual tail is sent without
	// waiting for a window update, and so small that a slow reader still slows the sender down.
	StreamWindowBytes = 1 << 20
	ConnWindowBytes   = 8 << 20
)
