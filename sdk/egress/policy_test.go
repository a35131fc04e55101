package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func policy(t *testing.T, mode Mode, allow ...string) Policy {
	t.Helper()
	p, err := New(mode, allow)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPolicy_Public(t *testing.T) {
	p := policy(t, Public)
	for text, public := range map[string]bool{
		"8.8.8.8": true, "93.184.215.14": true, "1.1.1.1": true, "172.32.0.1": true, "100.128.0.1": true, "198.20.0.1": true, "223.255.255.255": true,
		"2606:4700:4700::1111": true, "2a00:1450:4001::1": true, "::ffff:8.8.8.8": true, "64:ff9b::808:808": true,

		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.5": false, "100.64.0.1": false, "100.100.100.200": false, "127.0.0.1": false, "127.255.255.254": false,
		"169.254.169.254": false, "169.254.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.0.0.192": false, "192.0.0.1": false,
		"192.0.2.1": false, "192.88.99.1": false, "192.168.1.1": false, "198.18.0.1": false, "198.19.255.255": false, "198.51.100.1": false,
		"203.0.113.1": false, "224.0.0.1": false, "239.1.1.1": false, "240.0.0.1": false, "255.255.255.255": false, "168.63.129.16": false,

		"::": false, "::1": false, "::7f00:1": false, "::808:808": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:0:808:808": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::808:808": false, "100::1": false, "2001::1": false, "2001:2::1": false,
		"2001:10::1": false, "2001:db8::1": false, "2002:7f00:1::": false, "2002:808:808::": false, "3fff::1": false, "4000::1": false, "5f00::1": false,
		"fc00::1": false, "fd00:ec2::254": false, "fe80::1": false, "fe80::1%eth0": false, "2606:4700::1%eth0": false, "fec0::1": false, "ff02::1": false,
	} {
		t.Run(text, func(t *testing.T) {
			refused := p.checkAddr("named", netip.MustParseAddr(text), 443)
			if (refused == nil) != public {
				t.Errorf("%v; want it public: %t", refused, public)
			}
			if free := (Policy{}).checkAddr("named", netip.MustParseAddr(text), 443); free != nil {
				t.Errorf("refused by a policy that allows every address: %v", free)
			}
			if none := policy(t, None).checkAddr("named", netip.MustParseAddr(text), 443); none == nil {
				t.Error("allowed by a policy that allows no address")
			}
		})
	}
}

func TestPolicy_Allow(t *testing.T) {
	p := policy(t, Public, "10.0.0.5", "10.1.0.0/16", "10.0.0.6:5432", "[fd00::1]:5432", "fd01::/16", "/run/postgresql", "/tmp/one.sock",
		"db.internal", "only.internal:5432", "*.svc.internal", "::ffff:10.9.9.9")
	for _, c := range []struct {
		addr string
		port uint16
		want bool
	}{
		{"10.0.0.5", 1, true}, {"10.1.2.3", 6379, true}, {"10.0.0.6", 5432, true}, {"10.0.0.6", 5433, false}, {"10.0.0.6", 0, true},
		{"::ffff:10.0.0.5", 1, true}, {"10.2.0.1", 1, false}, {"fd00::1", 5432, true}, {"fd00::1", 1, false}, {"fd01::9", 1, true}, {"fd02::9", 1, false},
		{"10.9.9.9", 1, true}, {"8.8.8.8", 1, true},
	} {
		t.Run(fmt.Sprintf("%s port %d", c.addr, c.port), func(t *testing.T) {
			if refused := p.checkAddr("x", netip.MustParseAddr(c.addr), c.port); (refused == nil) != c.want {
				t.Errorf("%v; want it allowed: %t", refused, c.want)
			}
		})
	}
	for path, want := range map[string]bool{
		"/run/postgresql/.s.PGSQL.5432": true, "/run/postgresql": true, "/run/postgresql2/x": false, "/run/postgresql/../docker.sock": false,
		"/tmp/one.sock": true, "/tmp/one.sock2": false, "/": false, "@abstract": false, "run/postgresql/x": false, `C:\x`: false,
	} {
		t.Run(path, func(t *testing.T) {
			if refused := p.checkPath(path); (refused == nil) != want {
				t.Errorf("%v; want it allowed: %t", refused, want)
			}
		})
	}
	for name, want := range map[string]int{"db.internal": 1, "x.db.internal": 0, "only.internal": 1, "a.svc.internal": 1, "a.b.svc.internal": 1, "svc.internal": 0, ".svc.internal": 0} {
		t.Run("name "+name, func(t *testing.T) {
			if got := p.named(name, 5432); len(got) != want {
				t.Errorf("%d entries cover the name, want %d", len(got), want)
			}
		})
	}
	if got := p.named("only.internal", 80); len(got) != 0 {
		t.Errorf("another port is allowed too: %v", got)
	}
	same, other := policy(t, Public, "10.0.0.6", "10.0.0.5", "10.0.0.5"), policy(t, Public, "10.0.0.5", "10.0.0.6")
	if same.String() != other.String() || same.String() == p.String() || same.String() == policy(t, None, "10.0.0.5", "10.0.0.6").String() {
		t.Error("policies are not compared by what they say")
	}
}

func TestNew_Refuses(t *testing.T) {
	for _, entry := range []string{"", " ", "10.0.0.0/33", "10.0.0.0/", "127.1", "0x7f.1", "2130706433", "host:0", "host:65536", "host:x", "a b", "http://x", "*", "*.",
		"a..b", "fe80::1%eth0", "postgres://x", strings.Repeat("a", 64), strings.Repeat("a.", 160), "::ffff:10.0.0.0/100", "db.*"} {
		t.Run(fmt.Sprintf("%.20q", entry), func(t *testing.T) {
			_, err := New(Public, []string{"ok.example", entry})
			if e := (*EntryError)(nil); !errors.As(err, &e) || e.Index != 1 {
				t.Errorf("%v; want an EntryError with index 1", err)
			}
		})
	}
	if _, err := New("private", nil); err == nil {
		t.Error("a mode that there is not was taken")
	}
	if _, err := New(Public, make([]string, MaxAllow+1)); err == nil {
		t.Error("a list beyond the bound was taken")
	}
}

func TestTargets(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"db":                                "db:0",
		"db:5433":                           "db:5433",
		" 10.0.0.5 ":                        "10.0.0.5:0",
		"::1":                               "::1:0",
		"[::1]:5432":                        "::1:5432",
		"a,b:2":                             "a:0 b:2",
		"/run/postgresql":                   "/run/postgresql:0",
		"http://127.0.0.1:11434/x@y":        "",
		"http://127.0.0.1:11434/x":          "127.0.0.1:11434",
		"HTTPS://u:p@example.org":           "example.org:443",
		"http://example.org@127.0.0.1/":     "127.0.0.1:80",
		"http://[::ffff:127.0.0.1]/":        "::ffff:127.0.0.1:80",
		"http://%31%32%37.0.0.1/":           "127.0.0.1:80",
		"unix:///run/docker.sock":           "/run/docker.sock:0",
		"postgres://u:p@a:1,b,[::1]:3/bots": "a:1 b:5432 ::1:3",
		"postgres://u:p@/bots?host=/run/pg": "/run/pg:5432",
		"postgres://a/x?host=b&port=9":      "a:5432 b:9",
		"postgres://u:p@ss/word@10.0.0.5/x": "",
		"host=a,b port=1,2 user=u":          "a:1 b:2",
		"host='/run/pg' password='it\\'s'":  "/run/pg:0",
		"host=a hostaddr=10.0.0.5 port=7":   "a:7 10.0.0.5:7",
		"user=u password=secret words":      "",
		"password = 'a b' host = c":         "c:0",
	} {
		t.Run(fmt.Sprintf("%q", text), func(t *testing.T) {
			var got []string
			for _, target := range Targets(text) {
				got = append(got, target.Host+":"+itoa(target.Port))
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
	if got := Targets(strings.Repeat("a,", 10_000)); len(got) > maxTargets {
		t.Errorf("%d targets of one text", len(got))
	}
}
