package cli

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func runAt(t *testing.T, url string, args ...string) (status int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = Run(t.Context(), append(args, "--url", url), strings.NewReader(""), &stdout, &stderr)
	return status, stdout.String(), stderr.String()
}

// TestClient_certificateError checks that a command reports a certificate that it does not accept,
// with the reason, and not an unreachable host.
func TestClient_certificateError(t *testing.T) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"tenants":[],"next":null}`) })
	server := httptest.NewUnstartedServer(answer)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	other := httptest.NewServer(answer)
	defer other.Close()
	known, foreign := filepath.Join(t.TempDir(), "ca.pem"), filepath.Join(t.TempDir(), "other.pem")
	if err := os.WriteFile(known, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(foreign, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	for name, c := range map[string]struct {
		url  string
		args []string
		want []string // nil if the command must succeed
	}{
		"of a known authority":       {server.URL, []string{"--ca-file", known}, nil},
		"of an unknown authority":    {server.URL, nil, []string{"is of an authority that is not known here", "give the authority's certificate with --ca-file FILE"}},
		"of none that is given":      {server.URL, []string{"--ca-file", foreign}, []string{"is not of an authority in the file given with --ca-file"}},
		"for another name":           {"https://localhost:" + port, []string{"--ca-file", known}, []string{"is for other names", "--url"}},
		"none, for it is plain":      {strings.Replace(other.URL, "http:", "https:", 1), nil, []string{"does not speak TLS", "--url " + other.URL}},
		"not asked for, where it is": {strings.Replace(server.URL, "https:", "http:", 1), nil, []string{"speaks TLS", "--url " + server.URL}},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, errs := runAt(t, c.url, append([]string{"tenant", "list"}, c.args...)...)
			if (status == 0) != (c.want == nil) || strings.Contains(errs, "no host answers") {
				t.Errorf("status %d, %s", status, errs)
			}
			for _, want := range c.want {
				if !strings.Contains(errs, want) {
					t.Errorf("%s; want %q in it", errs, want)
				}
			}
		})
	}
	// The client's clock is set 1000 years ahead, so that the certificate has expired.
	c, err := newClient(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	pool := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c.transport().TLSClientConfig = &tls.Config{RootCAs: pool, Time: func() time.Time { return time.Now().AddDate(1000, 0, 0) }}
	if _, err := c.call(t.Context(), "GET", "/", nil, nil, nil); err == nil || !strings.Contains(err.Error(), "is not valid now") {
		t.Error(err)
	}
}

// TestBrokenError checks the error for a connection that ends before the whole response, for
// several commands: it says whether the command can be repeated, and differs from the error for
// an unreachable host.
func TestBrokenError(t *testing.T) {
	for name, breakOff := range map[string]func(http.ResponseWriter, net.Conn){
		"before the answer": func(_ http.ResponseWriter, c net.Conn) {},
		"in its middle": func(_ http.ResponseWriter, c net.Conn) {
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"applied\":")
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				breakOff(w, c)
				_ = c.Close()
			}))
			for _, c := range []struct {
				args []string
				want string
			}{
				{[]string{"config", "reload"}, "broke before it had answered"},
				{[]string{"config", "reload"}, "the host may have done all of it, a part of it, or nothing; it is safe to repeat the command"},
				{[]string{"tenant", "list"}, "; repeat the command"},
				{[]string{"tenant", "purge", "a", "--yes"}, "to repeat the command"},
				{[]string{"tenant", "erase", "a", "--yes"}, "to repeat the command"},
				{[]string{"tenant", "export", "a"}, "repeat"},
				{[]string{"tenant", "import", "a"}, "it is safe to repeat the command: it goes on with what is not there yet"},
				{[]string{"tenant", "rollback", "a", "1"}, "it is safe to repeat the command"},
			} {
				if status, _, errs := runAt(t, server.URL, c.args...); status != 1 || !strings.Contains(errs, c.want) || strings.Contains(errs, "no host answers") || strings.Contains(errs, "not its API") {
					t.Errorf("%s, %v: status %d, %q; want %q", name, c.args, status, errs, c.want)
				}
			}
			server.Close()
			if _, _, errs := runAt(t, server.URL, "config", "reload"); !strings.Contains(errs, "no host answers") {
				t.Errorf("nobody is there: %s", errs)
			}
		})
	}
}

// TestClient_waitsForALongCall checks that call has no timeout of its own, and that it shows on
// a terminal how long it has waited.
func TestClient_waitsForALongCall(t *testing.T) {
	var shown record
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if deadline, limited := r.Context().Deadline(); limited {
			t.Errorf("until %s", deadline)
		}
		<-release
		fmt.Fprint(w, `{"applied":true}`)
	}))
	defer server.Close()
	c, err := newClient(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c.errs = &plainWriter{to: &shown}
	c.http.Transport = deadlineless{t, c.transport()}
	done := make(chan error, 1)
	go func() {
		_, err := c.call(t.Context(), "POST", "/", nil, nil, nil)
		done <- err
	}()
	shown.wait(t, "waiting for the host: 2 s")
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	shown.wait(t, " s\r\x1b[K")
}

// deadlineless is a transport that fails the test if a request has a deadline.
type deadlineless struct {
	*testing.T
	http.RoundTripper
}

func (d deadlineless) RoundTrip(r *http.Request) (*http.Response, error) {
	if at, limited := r.Context().Deadline(); limited {
		d.Errorf("the call has a limit: %s", at)
	}
	return d.RoundTripper.RoundTrip(r)
}

// TestRemoteFlags_readableToken checks that a command uses a token file that all users of the
// machine may read, and prints a warning.
func TestRemoteFlags_readableToken(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret-token" {
			t.Errorf("%v", r.Header)
		}
		fmt.Fprint(w, `{"tenants":[],"next":null}`)
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("secret-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, warns := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true, 0o604: true} {
		t.Run(fmt.Sprintf("%04o", mode), func(t *testing.T) {
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
			for _, how := range []string{"flag", "variable"} {
				args := []string{"tenant", "list"}
				if how == "flag" {
					args = append(args, "--token-file", file)
					t.Setenv(tokenFileEnv, "/nowhere")
				} else {
					t.Setenv(tokenFileEnv, file)
				}
				status, _, errs := runAt(t, server.URL, args...)
				if warned := strings.Contains(errs, "warning: every user of this machine may read the token in "+file); status != 0 || warned != warns || strings.Contains(errs, "secret-token") {
					t.Errorf("%s, mode %04o: status %d, %q", how, mode, status, errs)
				}
			}
		})
	}
}
