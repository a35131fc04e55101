package sdk

import "github.com/hashicorp/go-plugin"

// Handshake is go-plugin's: the cookie tells a plugin that a host started it. Its
// version is that of the framing alone; services carry their own in their names.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "BOTYARD_PLUGIN",
	MagicCookieValue: "c4f0a1f6-botyard",
}

const (
	// PluginSetName is the one entry of go-plugin's plugin set.
	PluginSetName = "botyard"

	// LifelineEnv names the variable that tells a plugin how it learns that its host
	// is gone. The one value is LifelineStdin.
	LifelineEnv = "BOTYARD_LIFELINE"

	// LifelineStdin: standard input is a pipe that only the host holds open; when it
	// ends, the host is gone, and the plugin must end too.
	LifelineStdin = "stdin"

	// DataDirEnv names the variable with the folder that a plugin may keep files in;
	// see Env.DataDir.
	DataDirEnv = "BOTYARD_DATA_DIR"

	// StreamWindowBytes and ConnWindowBytes are the flow control windows of both
	// sides: a tail fits without waiting for updates, and a slow reader still holds a
	// stream back.
	StreamWindowBytes = 1 << 20
	ConnWindowBytes   = 8 << 20
)
