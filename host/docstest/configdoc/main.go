// Command configdoc writes docs/configuration.md: head.md, which is written by
// hand, and tables of every key, made of the schemas of the host file, the tenant
// file and the plugins. It writes docs/bounds.md too, of bounds.md and the table of
// host/bounds; and in the page of each plugin, docs/plugins/KIND-NAME.md, the keys below
// their heading. The rest of that page is written by hand.
//
//	configdoc [-check] -out FILE -bounds FILE -plugins FOLDER PLUGIN-BINARY...
//
// With -check it writes nothing and fails when a file is not what it would
// write. `make docs` and `make check-docs` run it.
//
// schema.go makes the table of a schema's keys, bounds.go the page of the bounds.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/botyard/botyard/host/config"
)

//go:embed head.md
var head string

func main() {
	check := flag.Bool("check", false, "fail when the file is out of date, instead of writing it")
	out := flag.String("out", "../docs/configuration.md", "`FILE` to write")
	bounds := flag.String("bounds", "../docs/bounds.md", "`FILE` to write the bounds to")
	plugins := flag.String("plugins", "../docs/plugins", "`FOLDER` of the plugins' pages")
	flag.Parse()
	if err := run(*check, *out, *bounds, *plugins, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "configdoc:", err)
		os.Exit(1)
	}
}

func run(check bool, out, bounds, plugins string, binaries []string) error {
	page, sections, byKey, err := render(binaries)
	if err != nil {
		return err
	}
	for _, s := range sections {
		name := filepath.Join(plugins, s.Page())
		old, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("each plugin has a page: %w", err)
		}
		page, err := withKeys(string(old), s.Text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := write(check, name, []byte(page)); err != nil {
			return err
		}
	}
	if err := write(check, out, page); err != nil {
		return err
	}
	if page, err = boundsPage(byKey); err != nil {
		return err
	}
	return write(check, bounds, page)
}

// write writes the page to the file out, or with check says how the file differs.
func write(check bool, out string, page []byte) error {
	if !check {
		return os.WriteFile(out, page, 0o644)
	}
	old, err := os.ReadFile(out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if !bytes.Equal(old, page) {
		return fmt.Errorf("%s is out of date: run make docs\n%s", out, firstDifference(old, page))
	}
	return nil
}

// keysHeading is what the keys of a plugin's page stand below.
const keysHeading = "\n## Keys\n"

// withKeys returns the page with what stands below the heading of its keys replaced.
func withKeys(page, keys string) (string, error) {
	before, after, ok := strings.Cut(page, keysHeading)
	if !ok {
		return "", fmt.Errorf("has no heading %q", strings.TrimSpace(keysHeading))
	}
	rest := ""
	if i := strings.Index(after, "\n## "); i >= 0 {
		rest = after[i:]
	}
	return before + keysHeading + "\n" + strings.TrimSpace(keys) + "\n" + rest, nil
}

// firstDifference says where to look.
func firstDifference(old, page []byte) string {
	a, b := strings.Split(string(old), "\n"), strings.Split(string(page), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d is\n  %s\nand would be\n  %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("it has %d lines and would have %d", len(a), len(b))
}

// page is what head.md is filled with.
type page struct {
	Host    string
	Tenant  string
	Plugins []section
}

// section is of one plugin. Title is its kind and name, as in "llm echo".
type section struct{ Title, Text string }

// Page is the file of its page, without the folder.
func (s section) Page() string { return strings.ReplaceAll(s.Title, " ", "-") + ".md" }

// render returns the page of all keys, the section of each plugin, and the default of each
// key: of a plugin's as in "storage memory: max_bytes".
func render(binaries []string) ([]byte, []section, map[string]string, error) {
	var p page
	byKey := map[string]string{}
	tenant, err := rowsOf(config.TenantFileSchema())
	if err != nil {
		return nil, nil, nil, fmt.Errorf("the tenant file: %w", err)
	}
	host, err := rowsOf(config.HostFileSchema())
	if err != nil {
		return nil, nil, nil, fmt.Errorf("the host file: %w", err)
	}
	for _, rows := range [][]row{tenant, host} { // the defaults of the limits are the host's
		for _, r := range rows {
			byKey[r.key] = r.byDefault
		}
	}
	if p.Tenant, err = tenantTable(tenant); err != nil {
		return nil, nil, nil, err
	}
	if p.Host, err = hostTable(host); err != nil {
		return nil, nil, nil, err
	}
	for _, b := range binaries {
		s, rows, err := pluginSection(b)
		if err != nil {
			return nil, nil, nil, err
		}
		for _, r := range rows {
			byKey[s.Title+": "+r.key] = r.byDefault
		}
		p.Plugins = append(p.Plugins, s)
	}
	slices.SortFunc(p.Plugins, func(a, b section) int { return strings.Compare(a.Title, b.Title) })
	t, err := template.New("head.md").Delims("[[", "]]").Parse(head)
	if err != nil {
		return nil, nil, nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return nil, nil, nil, err
	}
	return out.Bytes(), p.Plugins, byKey, nil
}

func tenantTable(rows []row) (string, error) {
	for i, r := range rows {
		if strings.HasPrefix(r.key, "limits.") {
			rows[i].byDefault = "the host's"
		}
		for _, block := range blocks {
			if r.key == block[0]+"."+block[1] {
				rows[i].author = "selects what `tenant_policy` lists"
			}
		}
	}
	return table(rows)
}

func hostTable(rows []row) (string, error) {
	for i, r := range rows {
		at, ok := config.AppliesOf(r.key)
		if !ok {
			return "", fmt.Errorf("the host file: nothing is known of when a change of %s applies", r.key)
		}
		rows[i].applies = string(at)
	}
	return table(rows)
}

// blocks say where a kind's configuration is, and which key selects the plugin.
var blocks = map[string][2]string{
	"llm":     {"llm", "provider"},
	"memory":  {"memory", "type"},
	"storage": {"conversation_storage", "backend"},

	"knowledge": {"knowledge_base", "type"}, // of which there is no plugin yet
}

func pluginSection(binary string) (section, []row, error) {
	out, err := exec.Command(binary, "--info").Output()
	if err != nil {
		return section{}, nil, fmt.Errorf("%s --info: %w", binary, err)
	}
	var info struct {
		Kind, Name   string
		ConfigSchema json.RawMessage `json:"config_schema"`
		Exclusive    bool
	}
	if err := json.Unmarshal(out, &info); err != nil {
		return section{}, nil, fmt.Errorf("%s --info: %w", binary, err)
	}
	rows, err := rowsOf(info.ConfigSchema)
	if err != nil {
		return section{}, nil, fmt.Errorf("%s: %w", binary, err)
	}
	block, ok := blocks[info.Kind]
	if !ok {
		return section{}, nil, fmt.Errorf("%s is of kind %q, of which nothing is known", binary, info.Kind)
	}
	text := fmt.Sprintf("Block `%s` with `%s = %q`.", block[0], block[1], info.Name)
	if info.Exclusive {
		text += " It keeps state in its process: what it holds is gone when that ends."
	}
	keys, err := table(rows)
	if err != nil {
		return section{}, nil, fmt.Errorf("%s: %w", binary, err)
	}
	return section{Title: info.Kind + " " + info.Name, Text: text + "\n\n" + keys}, rows, nil
}
