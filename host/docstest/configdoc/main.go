// Command configdoc writes generated parts of the documentation. docs/configuration.md is made
// of head.md, which is written by hand, and of tables of the keys in the schemas of the host
// file, the tenant file and the plugins. docs/bounds.md is made of bounds.md, which is written
// by hand, and of the table of package bounds. docs/protocol.md is made of protocol.md, which is
// written by hand, and of the .proto files with their comments. In the page of each plugin,
// docs/plugins/KIND-NAME.md, configdoc replaces the keys below their heading, and leaves the
// rest as it is.
//
//	configdoc [-check] -out FILE -bounds FILE -protocol FILE -protos FOLDER -plugins FOLDER PLUGIN-BINARY...
//
// With -check, configdoc writes no file, and fails if a file is out of date. `make docs` and
// `make check-docs` run configdoc.
//
// schema.go makes the table of a schema's keys. bounds.go makes the page of the bounds.
// protocol.go makes the page of the protocol, and reference.go its reference of services and
// messages. protocomment.go reads the comments of a .proto file.
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
	protocol := flag.String("protocol", "../docs/protocol.md", "`FILE` to write the protocol to")
	protos := flag.String("protos", "../sdk/proto", "`FOLDER` of the .proto files")
	plugins := flag.String("plugins", "../docs/plugins", "`FOLDER` of the plugins' pages")
	flag.Parse()
	err := run(*check, *out, *bounds, *plugins, flag.Args())
	if err == nil {
		err = writeProtocol(*check, *protocol, *protos)
	}
	if err != nil {
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

// writeProtocol writes the page of the protocol as write does.
func writeProtocol(check bool, out, protos string) error {
	page, err := protocolPage(protos)
	if err != nil {
		return err
	}
	return write(check, out, page)
}

// write writes the page to the file out. If check is true, write instead returns an error that
// shows the first difference between the file and the page.
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

// keysHeading is the heading of the keys on a plugin's page.
const keysHeading = "\n## Keys\n"

// withKeys returns the page with the text between keysHeading and the next heading replaced by
// keys.
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

// firstDifference returns the number and both texts of the first line that differs.
func firstDifference(old, page []byte) string {
	a, b := strings.Split(string(old), "\n"), strings.Split(string(page), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d is\n  %s\nand would be\n  %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("it has %d lines and would have %d", len(a), len(b))
}

// page is the data for the template head.md.
type page struct {
	Host    string
	Tenant  string
	Plugins []section
}

// section is the text about the keys of one plugin. Title is the kind and the name of the
// plugin, such as "llm echo".
type section struct{ Title, Text string }

// Page returns the name of the plugin's page, such as llm-echo.md.
func (s section) Page() string { return strings.ReplaceAll(s.Title, " ", "-") + ".md" }

// render returns the text of docs/configuration.md, the section of each plugin, and the default
// of each key. A key of a plugin has a name such as "storage memory: max_bytes".
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
	// Limits are keys of both files. The host file comes second, so that its defaults replace
	// those of the tenant file.
	for _, rows := range [][]row{tenant, host} {
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

// blocks has, for each kind of plugin, the name of its block and of the selector.
var blocks = map[string][2]string{
	"llm":     {"llm", "provider"},
	"memory":  {"memory", "type"},
	"storage": {"conversation_storage", "backend"},

	"knowledge": {"knowledge_base", "type"}, // a planned kind, which has no plugin yet
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
