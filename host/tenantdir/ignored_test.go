package tenantdir

import (
	"os"
	"testing"
	"time"
)

// TestIgnored checks that a tenant is dropped when its file gets a name that no tenant file can
// have, and that Ignored lists the file if the name is similar to that of a tenant file.
func TestIgnored(t *testing.T) {
	for name, told := range map[string]bool{
		"t000.HCL": true, "t000.YAML": true, "t000.hcl.bak": true, "t000.hcl.disabled": true, "t000.yaml.txt": true, "not a tenant.hcl": true, "..hcl": false,
		"t000.hcl~": false, ".t000.hcl.swp": false, "#t000.hcl#": false, "README.md": false, "t000": false,
	} {
		t.Run(name, func(t *testing.T) {
			r, pass := clocked(t, 2)
			must(t, os.Rename(r.in("t000.hcl"), r.in(name)))
			pass(3 * time.Second)
			if !r.serves("t000", "")() || !r.serves("t001", "1")() {
				t.Errorf("served %v", r.served)
			}
			if ignored := r.Ignored(); (len(ignored) == 1) != told || told && ignored[0].Path != r.in(name) {
				t.Errorf("ignored %v", ignored)
			}
			if len(r.refused) > 0 {
				t.Errorf("refused %v", r.refused)
			}
			must(t, os.Rename(r.in(name), r.in("t000.hcl")))
			if pass(3 * time.Second); !r.serves("t000", "1")() || len(r.Ignored()) != 0 {
				t.Errorf("served %v, ignored %v", r.served, r.Ignored())
			}
		})
	}
}
