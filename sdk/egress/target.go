package egress

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Target is a host and a port that the text of a setting contains.
type Target struct {
	Host string // a name, an address, or the path of a unix socket
	Port uint16 // 0 if the text has no port
}

// maxTargets bounds the number of targets of one text.
const maxTargets = 64

// Targets returns the hosts and ports in the text of a setting. The text is a URL, a list of words
// such as host=db port=5432, a host with or without a port, the path of a unix socket, or several
// of these separated by commas. A text in another form has no targets. A Dialer still checks a
// target that Targets does not find, when a plugin connects to it.
func Targets(text string) []Target {
	text = strings.TrimSpace(text)
	var out []Target
	switch scheme, rest, isURL := strings.Cut(text, "://"); {
	case text == "":
	case strings.HasPrefix(text, "/"):
		out = list(text, "", "")
	case isURL && !strings.ContainsAny(scheme, " ='\""):
		out = ofURL(strings.ToLower(scheme), rest)
	case strings.Contains(text, "="):
		out = ofWords(text)
	default:
		out = list(text, "", "")
	}
	return out[:min(len(out), maxTargets)]
}

var schemePorts = map[string]string{"http": "80", "ws": "80", "https": "443", "wss": "443", "postgres": "5432", "postgresql": "5432"}

func ofURL(scheme, rest string) []Target {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	hosts, more := rest[:end], rest[end:]
	if scheme == "unix" {
		return list("/"+strings.TrimLeft(rest, "/"), "", "")
	}
	path, query, _ := strings.Cut(more, "?")
	if strings.Contains(path, "@") {
		return nil // an @ in the path means that the host may be a piece of a password
	}
	if at := strings.LastIndexByte(hosts, '@'); at >= 0 {
		hosts = hosts[at+1:]
	}
	words, err := url.ParseQuery(query)
	if err != nil {
		words = nil
	}
	var out []Target
	if plain, err := url.PathUnescape(hosts); err == nil && plain != "" {
		out = list(plain, "", schemePorts[scheme])
	}
	for _, word := range []string{"host", "hostaddr"} {
		for _, value := range words[word] {
			out = append(out, list(value, words.Get("port"), schemePorts[scheme])...)
		}
	}
	return out
}

// ofWords returns the targets of a text with words name=value or name='value', which are quoted as
// libpq does.
func ofWords(text string) []Target {
	words := map[string]string{}
	for rest := strings.TrimSpace(text); rest != ""; {
		name, value, ok := strings.Cut(rest, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" || strings.ContainsAny(name, " \t\n\r'\"") {
			return nil
		}
		value = strings.TrimLeft(value, " \t\n\r")
		quoted := strings.HasPrefix(value, "'")
		if quoted {
			value = value[1:]
		}
		var b strings.Builder
		i, closed := 0, false
		for ; i < len(value) && !closed; i++ {
			switch c := value[i]; {
			case c == '\\' && i+1 < len(value):
				i++
				b.WriteByte(value[i])
			case quoted && c == '\'', !quoted && strings.IndexByte(" \t\n\r", c) >= 0:
				closed = true
			default:
				b.WriteByte(c)
			}
		}
		words[strings.ToLower(name)] = b.String()
		rest = strings.TrimSpace(value[i:])
	}
	var out []Target
	for _, word := range []string{"host", "hostaddr", "server", "addr", "address", "endpoint"} {
		if value := words[word]; value != "" {
			out = append(out, list(value, words["port"], "")...)
		}
	}
	return out
}

// list returns the targets of a list of hosts, separated by commas. ports is the value of a
// separate word "port", also separated by commas. usual is the port of a host that has a port in
// neither.
func list(text, ports, usual string) []Target {
	var out []Target
	beside := strings.Split(ports, ",")
	for i, entry := range strings.Split(text, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		host, port := entry, ""
		if !strings.HasPrefix(entry, "/") {
			if h, p, err := net.SplitHostPort(entry); err == nil {
				host, port = h, p
			}
			host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
		}
		if port == "" {
			port = beside[min(i, len(beside)-1)]
		}
		if port == "" {
			port = usual
		}
		n, _ := strconv.ParseUint(port, 10, 16) // 0 if the port is not a number
		out = append(out, Target{Host: host, Port: uint16(n)})
		if len(out) == maxTargets {
			break
		}
	}
	return out
}
