package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// makePair writes a key and a self-signed certificate for 127.0.0.1. The name is the common name of the
// certificate.
func (host *hostProcess) makePair(name string) {
	host.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		host.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		host.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		host.t.Fatal(err)
	}
	host.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	host.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
}

// served returns the common name of the certificate that the host uses for a new connection.
func (host *hostProcess) served() string {
	c, err := tls.Dial("tcp", strings.TrimPrefix(host.url, "https://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		host.t.Log(err)
		return ""
	}
	defer func() { _ = c.Close() }()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// TestTLSAndTokens checks a host with tokens and a certificate: access with each token, the commands, and
// the replacement of tokens and certificate while the host runs.
func TestTLSAndTokens(t *testing.T) {
	const gateway, admin, next = "gateway-token-e2e-1", "admin-token-e2e-12", "gateway-token-e2e-2"
	host := &hostProcess{t: t, dir: shortDir(t), listen: "0.0.0.0", scheme: "https", http: &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: 8,
	}}}
	if err := os.Mkdir(filepath.Join(host.dir, "tenants"), 0o700); err != nil {
		t.Fatal(err)
	}
	host.write("botyard.hcl", `
plugin_dirs = ["`+filepath.Join(binaries, "plugins")+`"]
tenant_dirs = ["tenants"]
auth {
  mode          = "token"
  gateway_token = file("gateway")
  admin_token   = file("admin")
}
tls {
  cert_file = "cert.pem"
  key_file  = "key.pem"
}
`+echoDefaults)
	host.write("tenants/a.hcl", "")
	host.write("gateway", gateway+"\n")
	host.write("admin", admin+"\n")
	host.makePair("first")
	host.runUntilTheEnd()

	host.mustChatAs(gateway)
	for token, status := range map[string]int{"": 401, next: 401, admin: 403} {
		if a := host.chatAs(token); a.Status != status {
			t.Errorf("%q: %d %s", token, a.Status, a.Body)
		}
	}
	cli := func(token string, args ...string) (string, error) {
		host.write("given", token+"\n")
		cmd := exec.Command(filepath.Join(binaries, "botyard"), args...)
		cmd.Env = append(os.Environ(), "BOTYARD_URL="+host.url, "BOTYARD_TOKEN_FILE="+filepath.Join(host.dir, "given"))
		cmd.Stdin = strings.NewReader("hello\n")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	ca := "--ca-file=" + filepath.Join(host.dir, "cert.pem")
	for _, c := range []struct {
		token, want string
		ok          bool
		args        []string
	}{
		{admin, "a.hcl", true, []string{"tenant", "list", ca}},
		{admin, "echo", true, []string{"plugin", "list", ca}},
		{admin, "applied", true, []string{"config", "reload", ca}},
		{admin, "succeeded", true, []string{"turn", "show", "a", "c", "1", ca}},
		{gateway, "You said", true, []string{"chat", "a", ca}},
		{gateway, "expected the admin token", false, []string{"tenant", "list", ca}},
		{admin, "expected the gateway token", false, []string{"chat", "a", ca}},
		{"wrong", "--token-file", false, []string{"tenant", "list", ca}},
		{"", "is empty", false, []string{"tenant", "list", ca}},
		{admin, "certificate", false, []string{"tenant", "list"}},
	} {
		if out, err := cli(c.token, c.args...); (err == nil) != c.ok || !strings.Contains(out, c.want) || strings.Contains(out, c.token) && c.token != "" {
			t.Errorf("%v with %q: %v, %s", c.args, c.token, err, out)
		}
	}

	// The gateway token and the certificate are replaced, first by invalid files.
	host.write("gateway", "short")
	host.write("key.pem", "not a key")
	time.Sleep(applyWithin - time.Second)
	host.mustChatAs(gateway)
	if name := host.served(); name != "first" {
		t.Errorf("a bad pair has the host show %q", name)
	}
	host.write("gateway", next)
	host.makePair("second")
	host.eventually(applyWithin, "the new token counts", func() bool { return host.chatAs(next).Status == 200 })
	host.eventually(applyWithin, "the new certificate is shown", func() bool { return host.served() == "second" })
	if a := host.chatAs(gateway); a.Status != 401 {
		t.Errorf("the old token: %d", a.Status)
	}

	// The host refuses a reload with an invalid token and names the key.
	host.write("admin", "short")
	if out, err := cli(admin, "config", "reload", ca); err == nil || !strings.Contains(out, "botyard.hcl:7:3: auth.admin_token: is too short") {
		t.Errorf("%v: %s", err, out)
	}
	for _, secret := range []string{gateway, admin, next, "PRIVATE KEY"} {
		if strings.Contains(host.log.String(), secret) {
			t.Errorf("the log has %q in it", secret)
		}
	}
	for _, told := range []string{"auth.gateway_token: is too short", "is not used", "changed tokens are valid", "changed certificate is used"} {
		if !strings.Contains(host.log.String(), told) {
			t.Errorf("the log does not say %q", told)
		}
	}
	if strings.Contains(host.log.String(), "WITHOUT TLS") {
		t.Error("the log warns of what is not so")
	}
}

func (host *hostProcess) chatAs(token string) answer {
	host.t.Helper()
	return host.do("POST", "/api/v1/chat", chatBody("c", "hello"), "X-Tenant-ID: a", "Authorization: Bearer "+token)
}

func (host *hostProcess) mustChatAs(token string) {
	host.t.Helper()
	if a := host.chatAs(token); a.Status != 200 {
		host.t.Fatalf("%d %s", a.Status, a.Body)
	}
}
