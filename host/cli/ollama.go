package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const defaultOllama = "http://127.0.0.1:11434"

// ollamaURL reads OLLAMA_HOST as Ollama's own programs do: an address with or
// without scheme and port, where all interfaces, which are for listening, mean
// this machine.
func ollamaURL(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return defaultOllama, nil
	}
	port := "11434"
	switch {
	case strings.HasPrefix(text, "http://"):
		port = "80"
	case strings.HasPrefix(text, "https://"):
		port = "443"
	case !strings.Contains(text, "://"):
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil {
		return "", fmt.Errorf("OLLAMA_HOST is not an address such as 127.0.0.1:11434")
	}
	name := u.Hostname()
	if ip := net.ParseIP(name); name == "" || ip != nil && ip.IsUnspecified() {
		name = "127.0.0.1"
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return u.Scheme + "://" + net.JoinHostPort(name, port) + strings.TrimSuffix(u.Path, "/"), nil
}

// probeTimeout is short: what answers does so at once, and the user waits.
const probeTimeout = 2 * time.Second

// ollamaModels asks the server which models it has, the newest first.
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
		// Embedding models cannot chat, and those in the cloud need an account.
		if strings.Contains(m.Details.Family, "bert") || strings.Contains(m.Name, "embed") || strings.HasSuffix(m.Name, "cloud") {
			continue
		}
		models = append(models, m.Name)
	}
	return models, nil
}
