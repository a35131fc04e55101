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

// Capacity implements sdk.Limited. An Ollama server runs only a few calls of a model at once. Further
// calls wait in the server, in the order of their arrival, without regard to tenants.
func (m *Model) Capacity() sdk.Capacity {
	return sdk.Capacity{Parallel: m.parallel, Upstream: upstreamOf(m.base, m.model)}
}

// upstreamOf returns a name for a model on a server. It is a digest, so that it has a fixed length and does
// not reveal the server's address.
func upstreamOf(base *url.URL, model string) string {
	sum := sha256.Sum256([]byte(serverOf(base) + "\x00" + tagged(model)))
	return hex.EncodeToString(sum[:])
}

// serverOf returns a name of the server that is equal for all spellings of its URL.
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

// portOf returns the port of a URL, or the default port of its scheme. It returns 0 if there is none.
func portOf(base *url.URL) uint16 {
	if base.Port() == "" {
		return map[string]uint16{"http": 80, "https": 443}[base.Scheme]
	}
	port, _ := strconv.ParseUint(base.Port(), 10, 16)
	return uint16(port)
}

// tagged returns the model's name with its tag. A name without a tag gets Ollama's default tag, latest.
func tagged(model string) string {
	if strings.Contains(model[strings.LastIndex(model, "/")+1:], ":") {
		return model
	}
	return model + ":latest"
}
