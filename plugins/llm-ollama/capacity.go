package ollama

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/botyard/botyard/sdk"
)

// Capacity implements sdk.Limited. An Ollama server works on few calls of a model at
// once, and serves those that wait first come, first served, whosever they are.
func (m *Model) Capacity() sdk.Capacity {
	// A digest: a name of bounded length, that tells nothing.
	sum := sha256.Sum256([]byte(serverOf(m.base) + "\x00" + tagged(m.model)))
	return sdk.Capacity{Parallel: m.parallel, Upstream: hex.EncodeToString(sum[:])}
}

// serverOf names a server the same however its URL is written.
func serverOf(base *url.URL) string {
	host, port := strings.ToLower(base.Hostname()), base.Port()
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		host = "localhost"
	}
	if port == "" {
		port = strconv.Itoa(int(portOf(base)))
	}
	return base.Scheme + "://" + net.JoinHostPort(host, port) + strings.TrimRight(base.EscapedPath(), "/")
}

// portOf is the port that a URL leads to; 0 where it is none.
func portOf(base *url.URL) uint16 {
	if base.Port() == "" {
		return map[string]uint16{"http": 80, "https": 443}[base.Scheme]
	}
	port, _ := strconv.ParseUint(base.Port(), 10, 16)
	return uint16(port)
}

// tagged is the model's name with the tag that Ollama takes where none is given.
func tagged(model string) string {
	if strings.Contains(model[strings.LastIndex(model, "/")+1:], ":") {
		return model
	}
	return model + ":latest"
}
