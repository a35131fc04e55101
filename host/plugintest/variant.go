package plugintest

import (
	"encoding/json"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/botyard/botyard/host/config"
)

// variant is the given configuration with another value at a path.
type variant struct {
	path   config.Path // empty for the given configuration
	value  string
	config map[string]any
}

func (v variant) json() []byte {
	text, _ := json.Marshal(v.config) // maps of texts and what came as JSON can be written
	return text
}

// given returns the given configuration.
func (b *bench) given() variant {
	var cfg map[string]any
	_ = json.Unmarshal(b.config, &cfg) // the command has checked that it is an object
	return variant{config: cfg}
}

// with returns the given configuration with the value at the path.
func (b *bench) with(path config.Path, value string) variant { return b.given().with(path, value) }

// with returns a variant with one more value.
func (v variant) with(path config.Path, value string) variant {
	return variant{path: path, value: value, config: withValue(v.config, path, value)}
}

// withValue returns a copy of config with the value at the path.
func withValue(config map[string]any, path config.Path, value string) map[string]any {
	out := maps.Clone(config)
	if out == nil {
		out = map[string]any{}
	}
	if len(path) == 1 {
		out[path[0]] = value
		return out
	}
	below, _ := out[path[0]].(map[string]any)
	out[path[0]] = withValue(below, path[1:], value)
	return out
}

// maxVariants bounds the configurations that a rule tries.
const maxVariants = 200

// wrongTexts are values that many keys cannot have.
var wrongTexts = []string{"::", "no such thing", "{", "-1"}

// addressesOf are forms in which a configuration may name a server at an address.
func addressesOf(address string) []string {
	host, port, _ := net.SplitHostPort(address) // it is the address of a listener
	return []string{"http://" + address, address, "postgres://u:p@" + address + "/d", "host=" + host + " port=" + port + " user=u password=p dbname=d"}
}

// variants returns the configurations that the schema accepts in which one text is another. If address
// is set, the text names that address.
func (b *bench) variants(schema *config.Schema, address string) []variant {
	values := wrongTexts
	if address != "" {
		values = addressesOf(address)
	}
	return b.tried(schema, schema.TextKeys(), values)
}

// endpoints returns the configurations that the schema accepts in which one endpoint is the address.
func (b *bench) endpoints(schema *config.Schema, address string) []variant {
	keys := slices.DeleteFunc(schema.TextKeys(), func(k config.TextKey) bool { return !k.Endpoint })
	return b.tried(schema, keys, addressesOf(address))
}

func (b *bench) tried(schema *config.Schema, keys []config.TextKey, values []string) []variant {
	var out []variant
	for _, k := range keys {
		for _, value := range values {
			if v := b.with(k.Path, value); schema.Accepts(v.config) && len(out) < maxVariants {
				out = append(out, v)
			}
		}
	}
	return out
}

// silentListener accepts connections and says nothing.
type silentListener struct {
	net.Listener
	count atomic.Int64
	mu    sync.Mutex
	conns []net.Conn
	done  sync.WaitGroup
}

func listenSilently() (*silentListener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &silentListener{Listener: l}
	s.done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // close has closed the listener
			}
			s.count.Add(1)
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
		}
	})
	return s, nil
}

func (s *silentListener) address() string { return s.Addr().String() }

// accepted returns how many connections were opened.
func (s *silentListener) accepted() int { return int(s.count.Load()) }

func (s *silentListener) close() {
	_ = s.Listener.Close() // nothing is left to send
	s.done.Wait()
	for _, c := range s.conns {
		_ = c.Close()
	}
}
