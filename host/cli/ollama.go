package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ollamaURL parses a value of OLLAMA_HOST as the programs of Ollama do: an address with or
// without scheme, port and path. It drops quotes around the value. It replaces an invalid port
// by the scheme's default port, and an unspecified IP address, such as 0.0.0.0, by 127.0.0.1.
func ollamaURL(text string) (string, error) {
	text = strings.TrimSpace(strings.Trim(strings.TrimSpace(text), `"'`))
	scheme, rest, given := strings.Cut(text, "://")
	port := "11434"
	switch {
	case !given && text == "ollama.com":
		scheme, rest, port = "https", text, "443"
	case !given:
		scheme, rest = "http", text
	case scheme == "http":
		port = "80"
	case scheme == "https":
		port = "443"
	default:
		return "", errOllamaHost
	}
	address, path, _ := strings.Cut(rest, "/")
	name, number, err := net.SplitHostPort(address)
	if err != nil { // the address has no port
		name, number = strings.Trim(address, "[]"), port
	}
	if n, err := strconv.ParseUint(number, 10, 16); err != nil || n == 0 {
		number = port
	}
	if ip := net.ParseIP(name); name == "" || ip != nil && ip.IsUnspecified() {
		name = "127.0.0.1"
	}
	u, err := url.Parse(scheme + "://" + net.JoinHostPort(name, number) + strings.TrimSuffix("/"+path, "/"))
	if err != nil || strings.Contains(address, "@") || strings.Count(address, "[") != strings.Count(address, "]") || u.RawQuery != "" || u.Fragment != "" {
		return "", errOllamaHost
	}
	return u.String(), nil
}

var errOllamaHost = errors.New("OLLAMA_HOST is not an address such as 127.0.0.1:11434")

// probeTimeout bounds the request for the models of an Ollama server. It is short, because a
// server responds at once and the user waits.
const probeTimeout = 2 * time.Second

// ollamaModels returns the names of the server's models that can chat, newest first.
func ollamaModels(ctx context.Context, base string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/tags", nil)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var tags struct {
		Models []struct {
			Name    string
			Details struct{ Family string }
		}
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered %s", resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 16<<20)).Decode(&tags); err != nil {
		return nil, err
	}
	var models []string
	for _, m := range tags.Models {
		// Embedding models cannot chat. Cloud models need an account.
		if strings.Contains(m.Details.Family, "bert") || strings.Contains(m.Name, "embed") || strings.HasSuffix(m.Name, "cloud") {
			continue
		}
		models = append(models, m.Name)
	}
	return models, nil
}
